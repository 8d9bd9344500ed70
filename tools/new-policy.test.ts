import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root } from './lib/workspace.mjs';
import { addMissing } from './new-package.mjs';
import { policyFiles, withTableRow } from './new-policy.mjs';
import { examplesIn } from './readme-examples.js';

// Two folders below the root, as packages are, so that the generated configuration finds what it extends.
mkdirSync(join(root, 'tmp'), { recursive: true });
const dir = mkdtempSync(join(root, 'tmp/policy-'));

afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** Puts the example of the generated README beside the sources, and a test that runs it. */
function addReadmeExample(): void {
  const [example] = examplesIn('README.md', readFileSync(join(dir, 'README.md'), 'utf8'));
  writeFileSync(join(dir, 'src/example.ts'), example?.code ?? '');
  writeFileSync(
    join(dir, 'src/example.test.ts'),
    `import { expect, test, vi } from 'vitest';
     test('the README example prints what it says', async () => {
       const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
       await import('./example.js');
       expect(log.mock.calls).toEqual([[${JSON.stringify(example?.prints)}]]);
     });`,
  );
}

test('a new policy package type-checks, passes its own tests and does what its README says', () => {
  const added = addMissing(dir, policyFiles('move-limit', 'Limits the size of a move.'));
  expect(added).toEqual(expect.arrayContaining(['package.json', 'README.md', 'src/index.ts', 'src/policy.test.ts']));
  addReadmeExample();
  const outputOf = (script: string, ...args: string[]): string =>
    spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: dir, encoding: 'utf8' }).stdout;
  expect(outputOf('typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit')).toBe('');
  expect(outputOf('vitest/vitest.mjs', 'run', '--root', dir)).toContain('5 passed');
  expect(readFileSync(join(dir, 'src/policy.ts'), 'utf8')).toContain('export function moveLimit(');
});

test('its row stands below the other policies of the root README', () => {
  const readme = '| [`@vmakit/policy-a`](packages/policy-a) | A. |\n| [`@vmakit/kernel`](packages/kernel) | K. |\n';
  expect(withTableRow(readme, 'b', 'B.').split('\n')[1]).toBe('| [`@vmakit/policy-b`](packages/policy-b) | B. |');
});

test('generating twice changes nothing that is there', () => {
  expect(addMissing(dir, policyFiles('move-limit', 'Another text.'))).toEqual([]);
});
