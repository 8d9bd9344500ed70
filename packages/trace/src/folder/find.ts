import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TraceInputError, asInputError } from '../source/input-error.js';

/** Names of recordings in a trace folder, the most precise first. */
const PERF_NAMES: readonly string[] = ['perf.txt', 'perf.txt.gz'];
const STRACE_NAMES: readonly string[] = ['strace.txt', 'strace.txt.gz'];
const STRACE_PREFIX = 'strace.txt';

/** The recordings of a trace folder; null where there is none. */
export interface FoundRecordings {
  readonly perf: string | null;
  /** A file, or what the names of the files of `strace -ff` have in common. */
  readonly strace: string | null;
}

/** One of the files that `strace -ff` writes, one per thread. */
export interface ThreadFile {
  readonly path: string;
  readonly tid: number;
}

/** What to read: one file, or the files of `strace -ff` of which `path` is the common part. */
export interface FoundInput {
  readonly path: string;
  readonly threads: readonly ThreadFile[] | null;
}

/** Looks for the recordings of the folder `path`. */
export async function findRecordings(path: string): Promise<FoundRecordings> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    throw asInputError(path, error);
  }
  const pick = (candidates: readonly string[]): string | null => {
    const name = candidates.find((candidate) => names.includes(candidate));
    return name === undefined ? null : join(path, name);
  };
  const perThread = threadFiles(path, STRACE_PREFIX, names).length > 0 ? join(path, STRACE_PREFIX) : null;
  return { perf: pick(PERF_NAMES), strace: pick(STRACE_NAMES) ?? perThread };
}

/** What to read for `path`: the file, the most precise recording of a folder, or the files of `strace -ff -o path`. */
export async function findInput(path: string): Promise<FoundInput> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    const threads = await siblings(path);
    if (threads.length > 0) return { path, threads };
    throw asInputError(path, error);
  }
  if (!isFolder) return { path, threads: null };
  const { perf, strace } = await findRecordings(path);
  const found = perf ?? strace;
  if (found === null) {
    throw new TraceInputError(path, 'the directory has no recording (perf.txt, strace.txt, or either with .gz)');
  }
  return findInput(found);
}

/** The files `path.TID`. */
async function siblings(path: string): Promise<ThreadFile[]> {
  try {
    return threadFiles(dirname(path), basename(path), await readdir(dirname(path)));
  } catch {
    return [];
  }
}

function threadFiles(folder: string, prefix: string, names: readonly string[]): ThreadFile[] {
  return names.flatMap((name) => {
    const match = name.startsWith(`${prefix}.`) ? /^(\d+)(?:\.gz)?$/.exec(name.slice(prefix.length + 1)) : null;
    return match === null ? [] : [{ path: join(folder, name), tid: Number(match[1]) }];
  });
}
