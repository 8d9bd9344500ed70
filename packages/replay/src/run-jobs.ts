import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { Tinypool } from 'tinypool';
import { type JobOutcome, type ReplayJob, runJob } from './job.js';
import type { WorkerTask } from './worker.js';

/** The worker beside this module, built or not. */
const WORKER = fileURLToPath(new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url));

/** Told how many bytes of the input of job number `index` are read. */
export type JobProgress = (index: number, bytesRead: number) => void;

/** How many workers are used when nobody says: one for each core, but no more than there are recordings. */
export function defaultWorkers(recordings: number): number {
  return Math.max(1, Math.min(recordings, availableParallelism()));
}

/**
 * Does jobs, several at a time in worker threads, and gives what came of them in the order of the jobs: nothing in it
 * depends on the number of workers. With one worker, and when this runs from source (threads load built modules),
 * everything happens here; so do jobs that read standard input.
 */
export async function* runJobs(
  jobs: readonly ReplayJob[],
  workers: number,
  onProgress?: JobProgress,
): AsyncGenerator<JobOutcome> {
  if (workers <= 1 || jobs.length <= 1 || WORKER.endsWith('.ts')) {
    for (const [index, job] of jobs.entries()) yield await runHere(job, index, onProgress);
    return;
  }
  const pool = new Tinypool({ filename: WORKER, minThreads: 1, maxThreads: workers });
  try {
    const running = jobs.map((job, index) =>
      job.input === '-' ? runHere(job, index, onProgress) : runThere(pool, job, index, onProgress),
    );
    // One that fails while an earlier one is waited for must not count as unhandled.
    for (const outcome of running) outcome.catch(() => undefined);
    for (const outcome of running) yield await outcome;
  } finally {
    await pool.destroy();
  }
}

function runHere(job: ReplayJob, index: number, onProgress: JobProgress | undefined): Promise<JobOutcome> {
  return runJob(job, onProgress === undefined ? undefined : (bytes) => onProgress(index, bytes));
}

async function runThere(
  pool: Tinypool,
  job: ReplayJob,
  index: number,
  onProgress: JobProgress | undefined,
): Promise<JobOutcome> {
  if (onProgress === undefined) {
    const task: WorkerTask = { job, progress: null };
    return (await pool.run(task)) as JobOutcome;
  }
  const { port1, port2 } = new MessageChannel();
  port1.on('message', (bytes: number) => onProgress(index, bytes));
  try {
    const task: WorkerTask = { job, progress: port2 };
    return (await pool.run(task, { transferList: [port2] })) as JobOutcome;
  } finally {
    port1.close();
  }
}
