import type { Snapshot } from './snapshots.js';

/** What a recording that says nothing of page faults is taken to mean. */
export type Assumption = 'touched' | 'untouched' | 'recorded';

/** How a recording is replayed. */
export interface ReplayOptions {
  /** `recorded`: the recording has page faults. */
  readonly assume: Assumption;
  /**
   * A process of which nothing tells how it began had begun before the recording, with memory that nobody knows. Not so
   * in perf recordings: there it is the recorder itself until its first execve.
   */
  readonly beginsInMidLife: boolean;
  /** Calls stand in the order of their starts, not of their ends: files of strace -ff. */
  readonly looseOrder: boolean;
  /** Snapshots of the recorded processes, in the order in which they were taken. */
  readonly snapshots: readonly Snapshot[];
  /** The snapshot that the recording begins with, when it was attached to a running process. */
  readonly start: Snapshot | null;
  /** Flags given to every mremap that may move, whatever was recorded: a policy's. */
  readonly addMremapFlags: number;
  /**
   * The model is to do something else than the recorded kernel did: more merges than recorded are no difference, nor
   * are calls that no longer fail.
   */
  readonly whatIf: boolean;
  /** The fewest mappings at which the recorded kernel may have refused more. */
  readonly mapLimit: number;
  /** The machine's settings are not recorded: whether names of anonymous memory work is learnt from the calls. */
  readonly settingsKnown: boolean;
  /** Keep pictures of the address spaces at their ends, and how the number of VMAs went. */
  readonly pictures: boolean;
  /** Keep details of at most so many differences of each kind. */
  readonly maxDetails: number;
}
