import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUNDLED_SCENARIOS, BUNDLED_WORDS, GOLDEN_FILES } from './testing/golden-files.js';
import { type VerifyReport, verifyFile, wholeFile } from './verify-file.js';

/** What fails, in a few words: scenario, operation, first difference. */
function failuresOf(report: VerifyReport): string[] {
  return report.failures.map(({ scenario, step, differences: [first], violations: [violation] }) => {
    const what = first === undefined ? violation?.invariant : `${first.field} at ${first.where}`;
    return `${scenario} #${step}: ${what}`;
  });
}

describe('the bundled recordings', () => {
  it('leave the states that the kernel left, and every invariant holds', { timeout: 60_000 }, async () => {
    const report = await verifyFile(wholeFile(BUNDLED_SCENARIOS, { check: true }));
    expect(failuresOf(report)).toEqual([]);
    expect(report.passed).toBeGreaterThan(100);
    // A pinned page that the series as it was posted leaves behind, as its kernel did.
    expect(report.knownViolations).toEqual({ 'S4.8': 1 });
  });

  it('have words that say what the kernel said', async () => {
    const report = await verifyFile(wholeFile(BUNDLED_WORDS));
    expect(failuresOf(report)).toEqual([]);
    expect(report.passed).toBeGreaterThan(300);
  });

  it.each(['arm64-4k', 'arm64-16k', 'arm64-64k', 'arm64-16k-va36', 'x86-64', 'x86-64-la57'])(
    'have the same results and mappings on %s',
    { timeout: 60_000 },
    async (arch) => {
      const report = await verifyFile(wholeFile(BUNDLED_SCENARIOS, { check: true, arch }));
      expect(failuresOf(report)).toEqual([]);
    },
  );
});

describe.skipIf(GOLDEN_FILES.length === 0)(
  'every recording of ../shared/golden (skipped: the folder is not there)',
  () => {
    it.each(GOLDEN_FILES.map((file) => [basename(file, '.jsonl.gz'), file]))(
      '%s',
      { timeout: 120_000 },
      async (_name, file) => {
        // Checking triples the time; the curated files and a tenth of the others have every case.
        const check = !/random-[012]\d/.test(file) || /random-[012]0/.test(file);
        expect(failuresOf(await verifyFile(wholeFile(file, { check })))).toEqual([]);
      },
    );
  },
);
