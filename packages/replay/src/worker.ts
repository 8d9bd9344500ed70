import type { MessagePort } from 'node:worker_threads';
import { useHugePagesAsParent } from './huge-pages.js';
import { type JobOutcome, type ReplayJob, runJob } from './job.js';

/** What a worker thread is given. */
export interface WorkerTask {
  readonly job: ReplayJob;
  /** Gets the bytes of the input that are read so far. */
  readonly progress: MessagePort | null;
}

useHugePagesAsParent();

/** Entry point of a worker thread. The pool wants a default export. */
export default async function work({ job, progress }: WorkerTask): Promise<JobOutcome> {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- ports of threads have no origin
  return runJob(job, progress === null ? undefined : (bytes) => progress.postMessage(bytes));
}
