import { type LiveKernel, openLiveKernel } from '../live-kernel.js';
import { Unavailable } from '../unavailable.js';

/** The live kernel for the tests of one file. */
export interface LiveForTests {
  /** Only to be used where `isMissing` is false. */
  readonly live: LiveKernel;
  /** Something is missing for tests on the live kernel: they are skipped. */
  readonly isMissing: boolean;
  /** What is missing, in parentheses, for the end of a title; empty: nothing is. */
  readonly why: string;
}

export async function liveForTests(): Promise<LiveForTests> {
  const live = await openLiveKernel({ patience: 2000 });
  if (!(live instanceof Unavailable)) return { live, isMissing: false, why: '' };
  const why = ` (${live.reason.replace(/[()]/g, '')})`;
  return { live: undefined as unknown as LiveKernel, isMissing: true, why };
}
