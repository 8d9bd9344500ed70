import { TraceInputError } from '@vmakit/trace';
import { type Comparison, compareRecording } from './compare.js';
import type { ProcessPicture } from './picture.js';
import { type ReplayRequest, replayUnder } from './replay-recording.js';
import type { PicturedResult, ReplayResult } from './result.js';

/** A replay that can be sent to a worker: plain data only. */
export interface ReplayJob extends Omit<ReplayRequest, 'input' | 'onProgress'> {
  /** A trace folder, a recording, or `-` for standard input. */
  readonly input: string;
  /** Names of policies to compare; the first is the one to compare with. Without it the job is a single replay. */
  readonly compare?: readonly string[];
}

/** What came of a job. */
export type JobOutcome =
  | { readonly kind: 'replayed'; readonly result: ReplayResult; readonly pictures: readonly ProcessPicture[] }
  | { readonly kind: 'compared'; readonly comparison: Comparison }
  | { readonly kind: 'unreadable'; readonly input: string; readonly message: string };

/** Does a job here. Input that cannot be read is an outcome; `onBytes` is told how much of the input is read. */
export async function runJob(job: ReplayJob, onBytes?: (bytesRead: number) => void): Promise<JobOutcome> {
  const request: ReplayRequest =
    onBytes === undefined ? job : { ...job, onProgress: ({ bytesRead }) => onBytes(bytesRead) };
  try {
    if (job.compare !== undefined) {
      return { kind: 'compared', comparison: await compareRecording({ ...request, policies: job.compare }) };
    }
    const [only] = await replayUnder(request, [request.policy ?? 'none']);
    return { kind: 'replayed', ...(only as PicturedResult) };
  } catch (error) {
    if (!(error instanceof TraceInputError)) throw error;
    return { kind: 'unreadable', input: job.input, message: error.message };
  }
}
