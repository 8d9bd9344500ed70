import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BuiltModules } from './lib/built-modules.mjs';
import { Constants } from './lib/inline-constants.mjs';
import { bindPrivately } from './lib/private-bindings.mjs';

let top = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'vmakit-build-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

/** Built packages `a` and `b`; files are given by their path below dist. */
function build(files: Readonly<Record<string, string>>): () => BuiltModules {
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
  return () => new BuiltModules(['a', 'b'].map((name) => join(top, name)));
}

const built = (path: string): string => readFileSync(join(top, path.replace('/', '/dist/')), 'utf8');

const BITS = 'export const LOW = 1 << 3;\nexport const BOTH = LOW | 1;\nexport const Kind = { None: 0, Some: LOW };\n';
const INDEX = "export { BOTH, Kind, LOW as SMALL } from './bits.js';\n";

describe('values of constants in built packages', () => {
  test('take the place of uses, within a module, a package, and through the index of another', () => {
    const modules = build({
      'a/bits.js': `${BITS}export const isLow = (x) => (x & LOW) !== 0;\n`,
      'a/index.js': INDEX,
      'b/use.js':
        "import { BOTH, Kind, SMALL } from '@x/a';\nexport const f = (x) => x === Kind.Some ? -SMALL : x & ~BOTH;\n",
    });
    const constants = new Constants(modules());
    expect(constants.inline()).toBe(2);
    expect(built('a/bits.js')).toContain('(x & 8 /* LOW */) !== 0');
    expect(built('b/use.js')).toContain('x === 8 /* Kind.Some */ ? -8 /* SMALL */ : x & ~9 /* BOTH */;');
  });

  test('are put in once, and say when another build has other ones', () => {
    const modules = build({ 'a/bits.js': BITS, 'a/index.js': INDEX });
    const before = new Constants(modules());
    const { values } = before;
    before.inline();
    const after = new Constants(modules());
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
    const modules = build({ 'a/bits.js': BITS, 'a/index.js': INDEX, 'a/use.js': use });
    new Constants(modules()).inline();
    expect(built('a/use.js')).toBe(use);
  });
});

describe('constants of its own that a built module has', () => {
  const A = 'export function twice(x) { return 2 * x; }\nexport function four(x) { return twice(twice(x)); }\n';

  test('stand for the functions that it declares or imports, and no line moves', () => {
    const use = "import { four as f4 } from '@x/a';\nexport const f = (x) => f4(x);\n";
    const modules = build({ 'a/a.js': A, 'a/index.js': "export { four, twice } from './a.js';\n", 'b/use.js': use });
    expect(bindPrivately(modules())).toBe(2);
    expect(built('a/a.js')).toBe(` const twice$ = twice;${A.replace('twice(twice(x))', 'twice$(twice$(x))')}`);
    expect(built('b/use.js')).toBe(
      "import { four as f4 } from '@x/a'; const f4$ = f4;\nexport const f = (x) => f4$(x);\n",
    );
  });

  test('come behind the class or object that they stand for', async () => {
    const a =
      'export class A { make() { return new A(); } }\nexport const one = new A();\nexport const get = () => one;\n';
    const modules = build({ 'a/a.js': a });
    bindPrivately(modules());
    expect(built('a/a.js')).toContain('new A$(); } } const A$ = A;\nexport const one = new A(); const one$ = one;');
    writeFileSync(join(top, 'a/package.json'), JSON.stringify({ name: '@x/a', type: 'module' }));
    const { A: Built, get } = (await import(join(top, 'a/dist/a.js'))) as { A: new () => unknown; get: () => unknown };
    expect(get()).toBeInstanceOf(Built);
  });

  test('are made once, and for nothing that is declared anew, named only, or of another kind of package', () => {
    const use = [
      "import { join } from 'elsewhere';",
      "import { twice } from './a.js';",
      'const size = 1;',
      'export const f = (twice) => twice + join(size);',
      'export const g = (o) => ({ four: o.four });',
      'export { twice };',
      '',
    ].join('\n');
    const modules = build({ 'a/a.js': A, 'a/use.js': use });
    expect(bindPrivately(modules())).toBe(1);
    expect(built('a/use.js')).toBe(use);
    expect(bindPrivately(modules())).toBe(0);
  });
});
