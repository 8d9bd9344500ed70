// node tools/new-policy.mjs NAME ["DESCRIPTION"]
// Makes packages/policy-NAME: a policy plugin of mremap that builds, passes its tests and is ready to be changed.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { filesBelow, packages, root, writeIfChanged } from './lib/workspace.mjs';
import { addMissing, boilerplate } from './new-package.mjs';
import { differences } from './sync-references.mjs';

const templates = join(root, 'tools/templates/policy');
const camelCase = (name) => name.replace(/-([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** The files of a new policy package, as path → text. */
export function policyFiles(name, description) {
  const ident = camelCase(name);
  const values = {
    __NAME__: name,
    __IDENT__: ident,
    __TYPE__: ident[0].toUpperCase() + ident.slice(1),
    __DESCRIPTION__: description,
  };
  const filled = filesBelow(templates, (path) => path.endsWith('.tmpl')).map((path) => [
    relative(templates, path).replace(/\.tmpl$/, ''),
    readFileSync(path, 'utf8').replace(/__[A-Z]+__/g, (key) => values[key]),
  ]);
  return { ...boilerplate(`policy-${name}`, description, { deps: ['mremap'] }), ...Object.fromEntries(filled) };
}

/** The root README with a row for the package below the other policies. */
export function withTableRow(readme, name, description) {
  if (readme.includes(`(packages/policy-${name})`)) return readme;
  const row = `| [\`@vmakit/policy-${name}\`](packages/policy-${name}) | ${description} |`;
  const rows = [...readme.matchAll(/^\| \[`@vmakit\/policy-(?!testkit)[^\n]*$/gm)];
  const last = rows.at(-1);
  if (last === undefined) return readme;
  const end = last.index + last[0].length;
  return `${readme.slice(0, end)}\n${row}${readme.slice(end)}`;
}

function main() {
  const [name = '', description = `A policy of mremap: ${name}.`] = process.argv.slice(2);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.startsWith('policy-')) {
    console.error('usage: node tools/new-policy.mjs NAME ["DESCRIPTION"]   (NAME in kebab-case, without "policy-")');
    process.exit(2);
  }
  if (
    packages().some(({ folder }) => folder === `policy-${name}`) ||
    existsSync(join(root, 'packages', `policy-${name}`))
  ) {
    console.error(`packages/policy-${name} exists`);
    process.exit(2);
  }
  addMissing(join(root, 'packages', `policy-${name}`), policyFiles(name, description));
  const readme = join(root, 'README.md');
  writeIfChanged(readme, withTableRow(readFileSync(readme, 'utf8'), name, description));
  for (const { path, text } of differences(false)) writeIfChanged(path, text);
  console.log(`packages/policy-${name} is there. Next:
  npm run pnpm -- install                        links it and writes the lockfile
  npx vitest run --project policy-${name}
  npm run changeset                              says what it brings to its users`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
