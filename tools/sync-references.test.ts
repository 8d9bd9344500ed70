import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { differences, importedPackages, referencesOf } from './sync-references.mjs';

let top = '';

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'vmakit-references-'));
});

afterEach(() => {
  rmSync(top, { recursive: true });
});

/** Lays out one package, `mm`, with this source and these declared dependencies. */
function layOut(source: string, dependencies: Record<string, string>, references: object[]): void {
  const dir = join(top, 'packages/mm');
  mkdirSync(join(dir, 'src'), { recursive: true });
  writeFileSync(join(dir, 'src/index.ts'), source);
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: '@vmakit/mm', dependencies }));
  writeFileSync(join(dir, 'tsconfig.build.json'), JSON.stringify({ references }));
  writeFileSync(join(top, 'package.json'), JSON.stringify({ name: 'top' }));
}

const saysOf = (prune: boolean): string[] =>
  differences(prune, top)
    .filter(({ path }) => path.includes('/packages/'))
    .map(({ says }) => says);

test('imports are found in every form, but not in comments and not in tests', () => {
  layOut(
    [
      `import { readFileSync } from 'node:fs';`,
      `import {\n  type Vma,\n} from '@vmakit/vma-merge';`,
      `export { Bus } from '@vmakit/events';`,
      `import 'reflect-metadata';`,
      `const koffi = await import('koffi/promises');`,
      `// import { x } from '@vmakit/report';`,
      `/* from '@vmakit/cli' */ import { own } from './own.js';`,
    ].join('\n'),
    {},
    [],
  );
  writeFileSync(join(top, 'packages/mm/src/mm.test.ts'), `import { check } from '@vmakit/check';\n`);
  const found = ['@vmakit/events', '@vmakit/vma-merge', 'koffi', 'reflect-metadata'];
  expect(importedPackages(join(top, 'packages/mm'), '@vmakit/mm')).toEqual(found);
});

test('a package in line has no difference', () => {
  layOut(`import { one } from '@vmakit/base';`, { '@vmakit/base': 'workspace:^' }, [
    { path: '../base/tsconfig.build.json' },
  ]);
  expect(saysOf(true)).toEqual([]);
});

test('an undeclared import and the reference it needs are added', () => {
  layOut(`import { one } from '@vmakit/base';`, {}, []);
  expect(saysOf(false)).toEqual(['imports @vmakit/base undeclared', 'references differ from dependencies']);
  const [manifest] = differences(false, top);
  expect(JSON.parse(manifest?.text ?? '')).toMatchObject({ dependencies: { '@vmakit/base': 'workspace:^' } });
});

test('an unused dependency goes only when asked', () => {
  layOut(`import { one } from '@vmakit/base';`, { '@vmakit/base': 'workspace:^', rxjs: 'catalog:' }, [
    { path: '../base/tsconfig.build.json' },
  ]);
  expect(saysOf(false)).toEqual([]);
  expect(saysOf(true)).toEqual(['declares rxjs unused']);
});

test('references are to packages of the workspace only', () => {
  const dependencies = { rxjs: 'catalog:', '@vmakit/rmap': 'workspace:^', '@vmakit/base': 'workspace:^' };
  expect(referencesOf({ dependencies })).toEqual([
    { path: '../base/tsconfig.build.json' },
    { path: '../rmap/tsconfig.build.json' },
  ]);
});
