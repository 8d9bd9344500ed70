import type { Snapshot } from './snapshots.js';

/** What a recording that says nothing of page faults is taken to mean. */
export type Assumption = 'touched' | 'untouched' | 'recorded';

/** How a recording is replayed. */
export interface ReplayOptions {
  /** `recorded`: the recording has page faults. */
  readonly assume: Assumption;
  /** Run munmap where it starts, not where it completes: strace text (traces/README.md section 1, pitfall 16). */
  readonly munmapAtStart: boolean;
  /** Snapshots of the recorded processes, in the order in which they were taken. */
  readonly snapshots: readonly Snapshot[];
  /** The snapshot that the recording begins with, when it was attached to a running process. */
  readonly start: Snapshot | null;
  /** Flags given to every mremap that may move, whatever was recorded: a policy's. */
  readonly addMremapFlags: number;
  /** Keep details of at most so many differences of each kind. */
  readonly maxDetails: number;
}
