import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TraceInputError, asInputError } from '../source/input-error.js';

/** Names of recordings in a trace folder, the most precise first. */
const PERF_NAMES: readonly string[] = ['perf.txt', 'perf.txt.gz'];
const STRACE_NAMES: readonly string[] = ['strace.txt', 'strace.txt.gz'];

/** The recordings of a trace folder; null where there is none. */
export interface FoundRecordings {
  readonly perf: string | null;
  readonly strace: string | null;
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
  return { perf: pick(PERF_NAMES), strace: pick(STRACE_NAMES) };
}

/** The file to read for `path`: itself, or the most precise recording of a trace folder. */
export async function findRecording(path: string): Promise<string> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    throw asInputError(path, error);
  }
  if (!isFolder) return path;
  const { perf, strace } = await findRecordings(path);
  const found = perf ?? strace;
  if (found === null) {
    throw new TraceInputError(path, 'the directory has no recording (perf.txt, strace.txt, or either with .gz)');
  }
  return found;
}
