import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Unavailable } from '../unavailable.js';

const run = promisify(execFile);

const SOURCES = ['driver.c', 'process.c', 'operations.c', 'state.c', 'fill.c'];
const HEADERS = ['driver.h'];
const FLAGS = ['-std=gnu11', '-O2'];
/** A static program has the fewest mappings and so forks fastest; where there is no static libc, the other will do. */
const LINKINGS = [['-static-pie'], ['-fPIE', '-pie']];

const NATIVE_FOLDER = fileURLToPath(new URL('../../native/', import.meta.url));

/** Where the compiled helper is kept: `$XDG_CACHE_HOME/vmakit`, usually `~/.cache/vmakit`. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'vmakit');
}

/**
 * The path of the native helper, compiled with the system's C compiler the first time. The program is named by a hash
 * of its sources and comes into the folder by one rename, so several vmakits may do this at once, and one that is
 * killed leaves no half-written program.
 */
export async function buildHelper(
  folder: string = cacheFolder(),
  compiler: string = process.env['CC'] ?? 'cc',
): Promise<string | Unavailable> {
  const target = join(folder, `driver-${await sourceHash()}`);
  if (await exists(target)) return target;
  const work = join(folder, `build-${process.pid}`);
  try {
    await removeStale(folder);
    await mkdir(work, { recursive: true, mode: 0o700 });
  } catch (error) {
    return new Unavailable(`the folder ${folder} for the compiled helper cannot be written (${messageOf(error)})`);
  }
  try {
    let problem = '';
    for (const linking of LINKINGS) {
      const output = join(work, 'driver');
      const sources = SOURCES.map((name) => join(NATIVE_FOLDER, name));
      // The compiler's own temporary files are to lie in the work folder too.
      const options = { env: { ...process.env, TMPDIR: work } };
      const result = await run(compiler, [...FLAGS, ...linking, '-o', output, ...sources], options).then(
        () => null,
        (error: unknown) => error,
      );
      if (result === null) {
        await rename(output, target);
        return target;
      }
      if (isMissing(result))
        return new Unavailable(`the live kernel is driven by a C helper, and there is no C compiler "${compiler}"`);
      problem = messageOf(result);
    }
    return new Unavailable(`the C helper does not compile with "${compiler}": ${problem}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256').update([process.arch, ...FLAGS].join(' '));
  for (const name of [...SOURCES, ...HEADERS]) hash.update(await readFile(join(NATIVE_FOLDER, name)));
  return hash.digest('hex').slice(0, 16);
}

/** Removes what a vmakit that was killed while compiling left. */
async function removeStale(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const pid = /^build-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function messageOf(error: unknown): string {
  const text =
    error instanceof Error
      ? 'stderr' in error
        ? String(error.stderr) || error.message
        : error.message
      : String(error);
  return text.trim().split('\n')[0] ?? '';
}
