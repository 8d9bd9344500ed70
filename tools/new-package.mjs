// node tools/new-package.mjs NAME "DESCRIPTION" [--deps base,events] [--external rxjs] [--bin]
// Makes packages/NAME, or adds what is missing to it; files that exist are never touched.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rankOf } from './layers.mjs';
import { formatJson, npmName, root } from './lib/workspace.mjs';
import { referencesOf } from './sync-references.mjs';

function manifest(folder, description, options) {
  const dependencies = {};
  for (const dep of options.deps ?? []) dependencies[npmName(dep)] = 'workspace:^';
  for (const dep of options.external ?? []) dependencies[dep] = 'catalog:';
  return {
    name: npmName(folder),
    version: '0.0.0',
    description,
    license: 'MIT',
    type: 'module',
    ...(options.bin ? { bin: { vmakit: './dist/bin.js' } } : {}),
    exports: {
      '.': { '@vmakit/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
      './package.json': './package.json',
    },
    files: ['dist', 'src', '!**/*.test.*', '!src/testing', '!**/*.tsbuildinfo'],
    sideEffects: false,
    engines: { node: '>=20.19' },
    publishConfig: { access: 'public' },
    scripts: {
      build: 'tsc -b tsconfig.build.json',
      typecheck: 'tsc -p tsconfig.json --noEmit',
      test: 'vitest run',
    },
    dependencies: Object.fromEntries(Object.entries(dependencies).sort()),
  };
}

function readme(folder, description) {
  return `# ${npmName(folder)}\n\n${description}\n`;
}

const vitestConfig = (folder) => `import { packageProject } from '../../vitest.shared.js';

export default packageProject('${folder}', import.meta.url);
`;

/** Everything a package needs beside its sources, as path → text. */
export function boilerplate(folder, description, options = {}) {
  const pkg = manifest(folder, description, options);
  return {
    'package.json': formatJson(pkg),
    'tsconfig.json': formatJson({
      extends: '../../tsconfig.base.json',
      compilerOptions: {
        composite: false,
        isolatedDeclarations: false,
        noEmit: true,
        rootDir: '../..',
        customConditions: ['@vmakit/source'],
      },
      include: ['src', 'vitest.config.ts'],
    }),
    'tsconfig.build.json': formatJson({
      extends: '../../tsconfig.base.json',
      compilerOptions: { tsBuildInfoFile: '${configDir}/dist/tsconfig.build.tsbuildinfo' },
      exclude: ['src/**/*.test.ts', 'src/testing', 'dist'],
      references: referencesOf(pkg),
    }),
    'vitest.config.ts': vitestConfig(folder),
    'README.md': readme(folder, description),
    LICENSE: readFileSync(join(root, 'LICENSE'), 'utf8'),
    ...(existsSync(join(root, 'packages', folder, 'src/index.ts')) ? {} : { 'src/index.ts': 'export {};\n' }),
  };
}

/** Writes the files that are not there yet and returns their paths. */
export function addMissing(dir, files) {
  const added = [];
  for (const [path, text] of Object.entries(files)) {
    const target = join(dir, path);
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    added.push(path);
  }
  return added;
}

const list = (text) => (text ? text.split(',').filter(Boolean) : []);

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { deps: { type: 'string' }, external: { type: 'string' }, bin: { type: 'boolean' } },
  });
  const [folder, description] = positionals;
  if (!folder || !description || !/^[a-z][a-z0-9-]*$/.test(folder)) {
    console.error('usage: node tools/new-package.mjs NAME "DESCRIPTION" [--deps a,b] [--external c,d] [--bin]');
    process.exit(2);
  }
  rankOf(folder);
  const options = { deps: list(values.deps), external: list(values.external), bin: values.bin ?? false };
  const added = addMissing(join(root, 'packages', folder), boilerplate(folder, description, options));
  console.log(`packages/${folder}: ${added.length === 0 ? 'nothing to add' : `added ${added.join(', ')}`}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
