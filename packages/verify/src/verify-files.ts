import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tinypool } from 'tinypool';
import { ScenarioFormatError } from '@vmakit/trace';
import { type VerifyReport, type VerifyRequest, verifyFile } from './verify-file.js';

/** What a worker sends back for a file that could not be read: errors lose their class on the way. */
export interface UnreadableFile {
  readonly unreadable: { readonly file: string; readonly line: number; readonly expected: string };
}

/** The worker beside this module, built or not. */
const WORKER = fileURLToPath(new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url));

/** How many workers are used when nobody says: one for each core, but no more than there are files. */
export function defaultJobs(files: number): number {
  return Math.max(1, Math.min(files, availableParallelism()));
}

/**
 * Verifies requests, several at a time in worker threads, and gives the reports in the order of the requests. With one
 * job, and when this runs from source (threads load built modules), everything happens here.
 *
 * @throws ScenarioFormatError at the first file that is not what it should be
 */
export async function* verifyFiles(requests: readonly VerifyRequest[], jobs: number): AsyncGenerator<VerifyReport> {
  if (jobs <= 1 || WORKER.endsWith('.ts')) {
    for (const request of requests) yield await verifyFile(request);
    return;
  }
  const parts = requests.flatMap((request) => partsOf(request, requests.length, jobs));
  const pool = new Tinypool({ filename: WORKER, minThreads: 1, maxThreads: jobs });
  try {
    const running = parts.map((part) => pool.run(part, { name: 'work' }) as Promise<VerifyReport | UnreadableFile>);
    for (const result of running) result.catch(() => undefined);
    for (const result of running) yield readable(await result);
  } finally {
    await pool.destroy();
  }
}

/** A few large files are shared out among the workers. */
function partsOf(request: VerifyRequest, files: number, jobs: number): VerifyRequest[] {
  const of = files >= 2 * jobs ? 1 : jobs;
  return Array.from({ length: of }, (_, part) => ({ ...request, part, of }));
}

function readable(result: VerifyReport | UnreadableFile): VerifyReport {
  if (!('unreadable' in result)) return result;
  const { file, line, expected } = result.unreadable;
  throw new ScenarioFormatError(file, line, expected);
}
