import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { root } from './lib/workspace.mjs';

// Inside the repository, so that `vitest` resolves; the folder is git-ignored.
mkdirSync(join(root, 'tmp'), { recursive: true });
const folder = mkdtempSync(join(root, 'tmp/reporter-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs vitest over one test file with the reporter alone and returns its counts and what it printed. */
async function report(source: string): Promise<{ counts: unknown; output: string }> {
  const summary = join(folder, 'summary.json');
  const reporter = join(root, 'tools/vitest/summary-reporter.ts');
  writeFileSync(join(folder, 'one.test.ts'), source);
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import { SummaryReporter } from '${reporter}';
     export default { test: { reporters: [new SummaryReporter()] } };`,
  );
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder];
  const env = { ...process.env, VMAKIT_TEST_SUMMARY: summary, NO_COLOR: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env }).catch(
    (error: { stdout: string }) => error,
  );
  return { counts: JSON.parse(readFileSync(summary, 'utf8')), output: stdout };
}

test('passed and failed tests are counted, skips are listed by their reasons', async () => {
  const { counts, output } = await report(`
    import { describe, expect, test } from 'vitest';
    test('passes', () => {});
    test('fails', () => { expect(1).toBe(2); });
    test('says why itself', ({ skip }) => skip('no kernel here'));
    describe.skipIf(true)('golden data (needs ../shared)', () => {
      test('one', () => {});
      test('two', () => {});
    });
  `);
  expect(counts).toEqual({ passed: 1, failed: 1, skipped: 3 });
  expect(output).toContain('1 × no kernel here');
  expect(output).toContain('2 × needs ../shared');
});

test('a skip without a reason and a file that does not load count as failed', async () => {
  const silent = await report(`import { test } from 'vitest';\ntest.skip('quiet', () => {});\n`);
  expect(silent.counts).toEqual({ passed: 0, failed: 1, skipped: 1 });
  expect(silent.output).toContain('skipped without a reason');
  const broken = await report(`throw new Error('does not load');\n`);
  expect(broken.counts).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
