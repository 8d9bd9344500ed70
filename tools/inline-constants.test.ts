import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Constants } from './lib/inline-constants.mjs';

let top = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'vmakit-constants-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

/** Built packages `a` and `b`; files are given by their path below dist. */
function build(files: Readonly<Record<string, string>>): string[] {
  for (const name of ['a', 'b']) {
    mkdirSync(join(top, name, 'dist'), { recursive: true });
    writeFileSync(join(top, name, 'package.json'), JSON.stringify({ name: `@x/${name}` }));
  }
  for (const [path, text] of Object.entries(files)) {
    const [name = '', ...rest] = path.split('/');
    const file = join(top, name, 'dist', ...rest);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return ['a', 'b'].map((name) => join(top, name));
}

const built = (path: string): string => readFileSync(join(top, path.replace('/', '/dist/')), 'utf8');

const BITS = 'export const LOW = 1 << 3;\nexport const BOTH = LOW | 1;\nexport const Kind = { None: 0, Some: LOW };\n';
const INDEX = "export { BOTH, Kind, LOW as SMALL } from './bits.js';\n";

describe('values of constants in built packages', () => {
  test('take the place of uses, within a module, a package, and through the index of another', () => {
    const folders = build({
      'a/bits.js': `${BITS}export const isLow = (x) => (x & LOW) !== 0;\n`,
      'a/index.js': INDEX,
      'b/use.js':
        "import { BOTH, Kind, SMALL } from '@x/a';\nexport const f = (x) => x === Kind.Some ? -SMALL : x & ~BOTH;\n",
    });
    const constants = new Constants(folders);
    expect(constants.inline()).toBe(2);
    expect(built('a/bits.js')).toContain('(x & 8 /* LOW */) !== 0');
    expect(built('b/use.js')).toContain('x === 8 /* Kind.Some */ ? -8 /* SMALL */ : x & ~9 /* BOTH */;');
  });

  test('are put in once, and say when another build has other ones', () => {
    const folders = build({ 'a/bits.js': BITS, 'a/index.js': INDEX });
    const before = new Constants(folders);
    const { values } = before;
    before.inline();
    const after = new Constants(folders);
    expect(after.values).toEqual(values);
    expect(after.inline()).toBe(0);
    expect(values).toMatchObject({ '@x/a dist/bits.js BOTH': 9, '@x/a dist/bits.js Kind.Some': 8 });
  });

  test('leave alone what only looks like a constant', () => {
    const use = [
      "import { LOW } from './bits.js';",
      "import { other } from 'elsewhere';",
      'export const object = { LOW: other.LOW };',
      'export const g = (list) => list.map(({ BOTH }) => BOTH);',
      'export { LOW };',
      '',
    ].join('\n');
    const folders = build({ 'a/bits.js': BITS, 'a/index.js': INDEX, 'a/use.js': use });
    new Constants(folders).inline();
    expect(built('a/use.js')).toBe(use);
  });
});
