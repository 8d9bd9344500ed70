// node tools/sync-references.mjs [--check]
// Keeps three things in line: what a package's sources import, what its manifest declares, and the TypeScript
// project references. With --check nothing is written; every difference is printed and the exit code is 1.
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
  for (const path of filesBelow(join(dir, 'src'), (file) => /\.[cm]?ts$/.test(file) && !/\.test\.ts$/.test(file))) {
    const code = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, specifier] of code.matchAll(importPattern)) names.add(packageOf(specifier));
  }
  return [...names].filter((name) => !isBuiltin(name) && name !== ownName).sort();
}

/** The manifest's dependencies as the sources need them; versions that are already declared stay. */
function neededDependencies(pkg) {
  const declared = pkg.manifest.dependencies ?? {};
  const kept = pkg.manifest.vmakit?.keepDependencies ?? [];
  const names = [...new Set([...importedPackages(pkg.dir, pkg.manifest.name), ...kept])].sort();
  return Object.fromEntries(names.map((name) => [name, declared[name] ?? (folderOf(name) ? 'workspace:^' : 'catalog:')]));
}

/** Every file that is out of line, as { path, text, says }. */
export function differences(top = root) {
  const found = [];
  const all = packages(top);
  for (const pkg of all) {
    const dependencies = neededDependencies(pkg);
    const before = pkg.manifest.dependencies ?? {};
    const missing = Object.keys(dependencies).filter((name) => !(name in before));
    const unused = Object.keys(before).filter((name) => !(name in dependencies));
    const manifest = { ...pkg.manifest, dependencies };
    if (missing.length > 0 || unused.length > 0) {
      const says = [...missing.map((name) => `imports ${name} undeclared`), ...unused.map((name) => `declares ${name} unused`)];
      found.push({ path: join(pkg.dir, 'package.json'), text: formatJson(manifest), says: says.join(', ') });
    }
    const buildPath = join(pkg.dir, 'tsconfig.build.json');
    const build = readJson(buildPath);
    const references = referencesOf(manifest);
    if (JSON.stringify(build.references) !== JSON.stringify(references)) {
      found.push({ path: buildPath, text: formatJson({ ...build, references }), says: 'references differ from dependencies' });
    }
  }
  const rootPath = join(top, 'tsconfig.json');
  const rootText = formatJson({
    files: [],
    references: all.map(({ folder }) => ({ path: `packages/${folder}/tsconfig.build.json` })),
  });
  if (!existsSync(rootPath) || readFileSync(rootPath, 'utf8') !== rootText) {
    found.push({ path: rootPath, text: rootText, says: 'references differ from the packages there are' });
  }
  return found;
}

function main() {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  const found = differences();
  for (const { path, text, says } of found) {
    console.log(`${path.slice(root.length + 1)}: ${says}`);
    if (!values.check) writeIfChanged(path, text);
  }
  if (values.check && found.length > 0) {
    console.log('run: node tools/sync-references.mjs, then npm run setup');
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
