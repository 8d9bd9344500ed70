import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mayImport } from './layers.mjs';
import { root } from './lib/workspace.mjs';

/** A workspace of three packages, lowest first, in which some files break the rules of the house. */
const sources: Record<string, string> = {
  'packages/base/src/index.ts': `export { one } from './one.js';\n`,
  'packages/base/src/one.ts': `export const one = 1;\n`,
  'packages/base/src/type-from-above.ts': `export type { rmap } from '@vmakit/rmap';\n`,
  'packages/rmap/src/index.ts': `export { rmap } from './down.js';\n`,
  'packages/rmap/src/down.ts': `import { one } from '@vmakit/base';\nexport const rmap = one;\n`,
  'packages/rmap/src/up.ts': `import { mm } from '@vmakit/mm';\nexport const up = mm;\n`,
  'packages/rmap/src/up.test.ts': `import { mm } from '@vmakit/mm';\nconsole.log(mm);\n`,
  'packages/mm/src/index.ts': `export { mm } from './mm.js';\n`,
  'packages/mm/src/mm.ts': `import { rmap } from '@vmakit/rmap';\nexport const mm = rmap;\n`,
  'packages/mm/src/by-path.ts': `export { rmap } from '../../rmap/src/down.js';\n`,
  'packages/mm/src/undeclared.ts': `export { one } from '@vmakit/base/one';\n`,
  'packages/mm/src/cycle-a.ts': `import { b } from './cycle-b.js';\nexport const a = () => b;\n`,
  'packages/mm/src/cycle-b.ts': `import { a } from './cycle-a.js';\nexport const b = () => a;\n`,
  'packages/mm/src/types-a.ts': `import type { B } from './types-b.js';\nexport const a = (b: B) => b;\n`,
  'packages/mm/src/types-b.ts': `import { a } from './types-a.js';\nexport type B = 1;\nexport const b = () => a;\n`,
};

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

const workspace = mkdtempSync(join(tmpdir(), 'vmakit-layers-'));
let violations: readonly Violation[] = [];

function layOut(): void {
  const linked = join(workspace, 'node_modules/@vmakit');
  mkdirSync(linked, { recursive: true });
  const files: Record<string, string> = { ...sources };
  for (const name of ['base', 'rmap', 'mm']) {
    const exports = { '.': { '@vmakit/source': './src/index.ts', default: './dist/index.js' } };
    files[`packages/${name}/package.json`] = JSON.stringify({ name: `@vmakit/${name}`, type: 'module', exports });
    symlinkSync(join(workspace, 'packages', name), join(linked, name));
  }
  const rules = join(root, 'tools/lib/layer-rules.mjs');
  files['.dependency-cruiser.mjs'] =
    `import { layerRules } from '${rules}';\nexport default layerRules('${workspace}');\n`;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
}

/** What is reported of one file, as `rule -> the file it imports`. */
const reportedOf = (path: string): string[] =>
  violations.filter(({ from }) => from === path).map(({ rule, to }) => `${rule.name} -> ${to}`);

beforeAll(() => {
  layOut();
  const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [depcruise, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'packages'];
  const output = execFileSync(process.execPath, args, { cwd: workspace, encoding: 'utf8' });
  violations = (JSON.parse(output) as { summary: { violations: Violation[] } }).summary.violations;
});

afterAll(() => {
  rmSync(workspace, { recursive: true });
});

test('an import that points down, through the index, is fine', () => {
  expect(reportedOf('packages/rmap/src/down.ts')).toEqual([]);
  expect(reportedOf('packages/mm/src/mm.ts')).toEqual([]);
});

test('an import that points up is reported, in sources and not in tests', () => {
  expect(reportedOf('packages/rmap/src/up.ts')).toEqual(['layers-rmap -> packages/mm/src/index.ts']);
  expect(reportedOf('packages/rmap/src/up.test.ts')).toEqual([]);
});

test('a type that comes from above is reported too', () => {
  expect(reportedOf('packages/base/src/type-from-above.ts')).toEqual(['layers-base -> packages/rmap/src/index.ts']);
});

test('a path into another package is reported: neither its name nor what it exports', () => {
  expect(reportedOf('packages/mm/src/by-path.ts').sort()).toEqual([
    'packages-by-their-exports -> packages/rmap/src/down.ts',
    'packages-by-their-names -> packages/rmap/src/down.ts',
  ]);
});

test('what does not resolve is reported, not passed over', () => {
  expect(reportedOf('packages/mm/src/undeclared.ts')).toEqual(['no-unresolvable -> @vmakit/base/one']);
});

test('files that need each other to load are reported, files that name each other in types are not', () => {
  const cycles = violations.filter(({ rule }) => rule.name === 'no-cycles').map(({ from }) => from);
  expect(cycles).toEqual(['packages/mm/src/cycle-a.ts']);
});

test('policies stand on the policy interface and not on each other', () => {
  expect(mayImport('policy-auto-relocate', 'mremap')).toBe(true);
  expect(mayImport('policy-auto-relocate', 'policy-relocate-anon')).toBe(false);
  expect(mayImport('policy-large-folio', 'policy-relocate-anon')).toBe(true);
  expect(mayImport('mremap', 'policy-relocate-anon')).toBe(false);
  expect(() => mayImport('unheard-of', 'mm')).toThrow('tools/layers.mjs');
});
