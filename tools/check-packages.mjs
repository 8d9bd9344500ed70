// Packs every package as it would be published and looks at the tarballs with publint and attw (profile esm-only).
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { pnpm } from './lib/setup.mjs';
import { packages } from './lib/workspace.mjs';

/** What the esm-only profile leaves out: consumers that cannot load an ES module. */
const otherResolutions = ['node10', 'node16-cjs'];

const tarballName = ({ name, version }) => `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;

/** The files that the tarball must hold, by what a consumer needs. */
function missingFiles(files, manifest) {
  const wanted = ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts'];
  for (const path of Object.values(manifest.bin ?? {})) wanted.push(path.replace(/^\.\//, ''));
  const shipped = new Set(files);
  const absent = wanted.filter((path) => !shipped.has(path)).map((path) => `the tarball lacks ${path}`);
  const surplus = files
    .filter((path) => /\.test\.|\.tsbuildinfo$/.test(path))
    .map((path) => `the tarball ships ${path}`);
  return [...absent, ...surplus];
}

async function problemsOf({ manifest }, tarball) {
  const data = readFileSync(tarball);
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, level: 'suggestion', strict: true });
  const lint = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
  const contents = createPackageFromTarballData(new Uint8Array(bytes));
  const prefix = `/node_modules/${manifest.name}/`;
  const missing = missingFiles(
    contents.listFiles(prefix).map((path) => path.slice(prefix.length)),
    manifest,
  );
  const analysis = await checkPackage(contents);
  const types = (analysis.problems ?? [{ kind: 'no types' }])
    .filter(({ resolutionKind }) => !otherResolutions.includes(resolutionKind))
    .map((problem) => `attw: ${problem.kind} ${JSON.stringify(problem)}`);
  return [...lint, ...missing, ...types];
}

const folder = mkdtempSync(join(tmpdir(), 'vmakit-pack-'));
try {
  pnpm(['--filter', './packages/*', 'pack', '--pack-destination', folder], { quiet: true });
  const packed = new Set(readdirSync(folder));
  for (const pkg of packages()) {
    const name = tarballName(pkg.manifest);
    const problems = packed.has(name) ? await problemsOf(pkg, join(folder, name)) : [`no tarball ${name}`];
    for (const problem of problems) console.log(`${pkg.manifest.name}: ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
