import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule, TestRunEndReason, TestSuite, Vitest } from 'vitest/node';

/** What the whole run came to, as `npm test` adds it up. */
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Why a test was skipped: the note given to `context.skip(condition, note)`, else the parenthesis that closes its
 * name or the name of a suite around it, as in `describe.skipIf(!there)('golden data (needs ../shared)', ...)`.
 */
export function skipReason(test: TestCase): string | undefined {
  const result = test.result();
  if (result.state === 'skipped' && result.note) return result.note;
  for (let task: TestCase | TestSuite | TestModule = test; task.type !== 'module'; task = task.parent) {
    const reason = /\(([^()]+)\)$/.exec(task.name)?.[1];
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Counts the tests, lists what was skipped by reason, and fails a skip that has none. */
export class SummaryReporter implements Reporter {
  #isFiltered = false;

  onInit(vitest: Vitest): void {
    this.#isFiltered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const summary = this.#count(modules);
    const failed = summary.failed + errors.length + (reason === 'interrupted' ? 1 : 0);
    const path = process.env['VMAKIT_TEST_SUMMARY'];
    if (path !== undefined) writeFileSync(path, JSON.stringify({ ...summary, failed } satisfies TestSummary));
  }

  #count(modules: readonly TestModule[]): TestSummary {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skips = new Map<string, number>();
    for (const module of modules) {
      // A file or suite that breaks outside its tests fails as one; so does what no test inside it reports.
      counts.failed += [module, ...module.children.allSuites()].reduce((sum, task) => sum + task.errors().length, 0);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') continue;
        counts[state] += 1;
        if (state !== 'skipped' || this.#isFiltered) continue;
        const reason = skipReason(test);
        if (reason === undefined) {
          counts.failed += 1;
          console.log(`skipped without a reason: ${module.moduleId} > ${test.fullName}`);
        } else skips.set(reason, (skips.get(reason) ?? 0) + 1);
      }
    }
    if (skips.size > 0) console.log('\nSkipped, by reason:');
    for (const [reason, count] of [...skips].sort()) console.log(`  ${count} × ${reason}`);
    return counts;
  }
}
