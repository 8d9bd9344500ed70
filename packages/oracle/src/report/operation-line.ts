import { type Operation, operationToJson } from '@vmakit/trace';

/** One operation as it stands in a scenario, in one line. */
export function operationLine(operation: Operation): string {
  const { op, p, ...rest } = operationToJson(operation);
  const parts = Object.entries(rest).map(
    ([key, value]) => `${key} ${Array.isArray(value) ? value.join('|') : String(value)}`,
  );
  return `process ${String(p)}: ${String(op)} ${parts.join(', ')}`.trimEnd();
}
