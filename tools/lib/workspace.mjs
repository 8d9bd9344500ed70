// What the tools know of the workspace: its packages, their manifests, and writing JSON as the repository has it.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

export function formatJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Writes `text` when the file differs; says whether it did. */
export function writeIfChanged(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  writeFileSync(path, text);
  return true;
}

/** `cli` is published under the project's plain name, everything else in the scope. */
export function npmName(folder) {
  return folder === 'cli' ? 'vmakit' : `@vmakit/${folder}`;
}

/** The folder of a workspace package by its npm name, or undefined for a package from the registry. */
export function folderOf(name) {
  if (name === 'vmakit') return 'cli';
  return name.startsWith('@vmakit/') ? name.slice('@vmakit/'.length) : undefined;
}

/** Every folder of `packages` that has a manifest, sorted by name. */
export function packages(top = root) {
  const base = join(top, 'packages');
  return readdirSync(base)
    .filter((folder) => existsSync(join(base, folder, 'package.json')))
    .sort()
    .map((folder) => ({ folder, dir: join(base, folder), manifest: readJson(join(base, folder, 'package.json')) }));
}

/** All files below `dir` whose path `keep` accepts, sorted. */
export function filesBelow(dir, keep) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(keep)
    .sort();
}
