import type { Scenario } from '@vmakit/trace';
import type { FailureReport } from '../verify-file.js';
import type { InjectionFinding, InjectionReport } from './inject-scenario.js';

/** What was injected over many scenarios. Plain data. */
export interface InjectionTotals {
  /** How the operations ended, by point. */
  readonly byPoint: Record<string, { failed: number; succeeded: number }>;
  /** Defects of the plain kernel that showed, by name. */
  readonly plainDefects: Record<string, number>;
}

/** Adds the report of one scenario to `totals`. */
export function addInjections(
  totals: InjectionTotals,
  byPoint: InjectionReport['byPoint'],
  findings: readonly Pick<InjectionFinding, 'plainDefect'>[],
): void {
  for (const [point, { failed, succeeded }] of Object.entries(byPoint)) {
    const tally = (totals.byPoint[point] ??= { failed: 0, succeeded: 0 });
    tally.failed += failed;
    tally.succeeded += succeeded;
  }
  for (const { plainDefect } of findings) {
    if (plainDefect !== null) totals.plainDefects[plainDefect] = (totals.plainDefects[plainDefect] ?? 0) + 1;
  }
}

/** A finding as the failure that it is. */
export function injectionFailure(scenario: Scenario, finding: InjectionFinding, index: number): FailureReport {
  const { step, point, n, operation, breaks, what, succeeded } = finding;
  const { line } = scenario.steps[step]!;
  return {
    scenario: scenario.header.name,
    file: scenario.file,
    index,
    kind: 'injection',
    step,
    line,
    operation,
    differences: [
      {
        field: `${point} ${breaks.join(' ')}`,
        where: `${point} failed the ${n}. time, the call ${succeeded ? 'succeeded' : 'failed'}`,
        expected: 'the invariants hold, and a failed call leaves what the kernel leaves',
        actual: what,
        process: operation.p,
        page: null,
        rule: 'spec 09, fault-injection matrix',
      },
    ],
    violations: [],
    expected: null,
    actual: null,
    before: null,
  };
}
