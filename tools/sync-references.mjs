// node tools/sync-references.mjs [--prune | --check]
// Keeps three things in line: what a package's sources import, what its manifest declares, and the TypeScript
// project references. It adds what is missing; --prune also removes declared dependencies that nothing imports.
// With --check nothing is written; every difference is printed and the exit code is 1.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { filesBelow, folderOf, formatJson, packages, readJson, root, writeIfChanged } from './lib/workspace.mjs';

/** The project references that follow from a manifest's dependencies. */
export function referencesOf(manifest) {
  return Object.keys(manifest.dependencies ?? {})
    .map(folderOf)
    .filter((folder) => folder !== undefined)
    .sort()
    .map((folder) => ({ path: `../${folder}/tsconfig.build.json` }));
}

const importPattern = /(?:^|[^\w.])(?:from|import)\s*\(?\s*'([^'.][^']*)'/gm;
const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const isBuiltin = (name) => name.startsWith('node:') || builtinModules.includes(name);

/** Names of the packages that the shipped sources below `dir` import, without the package itself. */
export function importedPackages(dir, ownName) {
  const names = new Set();
  for (const path of filesBelow(join(dir, 'src'), (file) => /\.[cm]?ts$/.test(file) && !file.endsWith('.test.ts'))) {
    const code = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, specifier] of code.matchAll(importPattern)) names.add(packageOf(specifier));
  }
  return [...names].filter((name) => !isBuiltin(name) && name !== ownName).sort();
}

const byName = (entries) => Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
const versionOf = (name) => (folderOf(name) === undefined ? 'catalog:' : 'workspace:^');

/** What is out of line in one package, as { path, text, says }. */
function packageDifferences(pkg, prune) {
  const found = [];
  const declared = pkg.manifest.dependencies ?? {};
  const imported = importedPackages(pkg.dir, pkg.manifest.name);
  const missing = imported.filter((name) => !(name in declared));
  const unused = prune ? Object.keys(declared).filter((name) => !imported.includes(name)) : [];
  const kept = Object.entries(declared).filter(([name]) => !unused.includes(name));
  const dependencies = byName([...kept, ...missing.map((name) => [name, versionOf(name)])]);
  const manifest = { ...pkg.manifest, dependencies };
  if (missing.length > 0 || unused.length > 0) {
    const says = [
      ...missing.map((name) => `imports ${name} undeclared`),
      ...unused.map((name) => `declares ${name} unused`),
    ];
    found.push({ path: join(pkg.dir, 'package.json'), text: formatJson(manifest), says: says.join(', ') });
  }
  const path = join(pkg.dir, 'tsconfig.build.json');
  const build = readJson(path);
  const references = referencesOf(manifest);
  if (JSON.stringify(build.references) !== JSON.stringify(references)) {
    found.push({ path, text: formatJson({ ...build, references }), says: 'references differ from dependencies' });
  }
  return found;
}

/** The root manifest lists every package, so that tests and README examples anywhere may import any of them. */
function rootDifferences(top, all) {
  const path = join(top, 'package.json');
  const manifest = readJson(path);
  const others = Object.entries(manifest.devDependencies ?? {}).filter(([name]) => folderOf(name) === undefined);
  const ours = all.filter(({ folder }) => folder !== 'cli').map(({ manifest: { name } }) => [name, 'workspace:^']);
  const text = formatJson({ ...manifest, devDependencies: byName([...others, ...ours]) });
  const config = formatJson({
    files: [],
    references: all.map(({ folder }) => ({ path: `packages/${folder}/tsconfig.build.json` })),
  });
  const files = [
    { path, text, says: 'devDependencies differ from the packages there are' },
    { path: join(top, 'tsconfig.json'), text: config, says: 'references differ from the packages there are' },
  ];
  return files.filter((file) => !existsSync(file.path) || readFileSync(file.path, 'utf8') !== file.text);
}

/** Every file that is out of line, as { path, text, says }; `prune` counts unused dependencies too. */
export function differences(prune, top = root) {
  const all = packages(top);
  return [...all.flatMap((pkg) => packageDifferences(pkg, prune)), ...rootDifferences(top, all)];
}

function main() {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, prune: { type: 'boolean' } } });
  const found = differences((values.check || values.prune) ?? false);
  for (const { path, text, says } of found) {
    console.log(`${path.slice(root.length + 1)}: ${says}`);
    if (!values.check) writeIfChanged(path, text);
  }
  if (values.check && found.length > 0) {
    console.log('run: node tools/sync-references.mjs --prune && npm run pnpm install');
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
