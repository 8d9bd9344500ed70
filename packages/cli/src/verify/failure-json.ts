import { type Operation, operationToJson, outcomeToJson } from '@vmakit/trace';
import type { FailureReport } from '@vmakit/verify';

/** A failure as `vmakit verify --json` gives it. */
export function failureToJson(failure: FailureReport): Record<string, unknown> {
  const { scenario, file, line, kind, step, operation, differences, violations, expected, actual } = failure;
  return {
    scenario,
    file,
    line,
    kind,
    operation: operation === null ? null : { index: step, ...operationToJson(operation) },
    difference: differences[0] ?? null,
    differences,
    violations,
    expected: expected === null ? null : { ...outcomeToJson(expected.outcome), state: expected.state },
    actual: actual === null ? null : { ...outcomeToJson(actual.outcome), state: actual.state },
  };
}

/** An operation on one line, as a person would write it down. */
export function operationText(operation: Operation): string {
  const { op, p, ...rest } = operationToJson(operation);
  const named = Object.entries(rest).map(([key, value]) => {
    return `${key} ${Array.isArray(value) ? value.join('|') : String(value)}`;
  });
  return `process ${String(p)}: ${String(op)} ${named.join(', ')}`.trimEnd();
}
