import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Unavailable } from '../unavailable.js';
import { buildHelper, cacheFolder } from './helper-build.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmakit-helper-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function reason(compiler: string, where: string): Promise<string> {
  const result = await buildHelper(where, compiler);
  return result instanceof Unavailable ? result.reason : 'compiled';
}

test('without a compiler one sentence says so', async () => {
  expect(await reason('no-such-compiler', folder)).toBe(
    'the live kernel is driven by a C helper, and there is no C compiler "no-such-compiler"',
  );
});

test('a compiler that refuses is quoted with its first line', async () => {
  const compiler = join(folder, 'refuses');
  await writeFile(compiler, '#!/bin/sh\necho "no room left" >&2\nexit 1\n');
  await chmod(compiler, 0o755);
  expect(await reason(compiler, folder)).toBe(`the C helper does not compile with "${compiler}": no room left`);
});

test('nothing of a failed build stays, nor what a killed one left', async () => {
  await mkdir(join(folder, 'build-999999999'), { recursive: true });
  await reason('no-such-compiler', folder);
  expect((await readdir(folder)).filter((name) => name.startsWith('build-'))).toEqual([]);
});

test('a folder that cannot be is named', async () => {
  await writeFile(join(folder, 'file'), '');
  expect(await reason('cc', join(folder, 'file'))).toMatch(
    /^the folder .*\/file for the compiled helper cannot be written/,
  );
});

test('the cache is where the user keeps caches', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/vmakit');
  expect(cacheFolder({})).toMatch(/\/\.cache\/vmakit$/);
});
