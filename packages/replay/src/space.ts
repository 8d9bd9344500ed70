import type { Process } from '@vmakit/kernel';
import type { Mmap2Event, PageFaultEvent, SyscallStartEvent } from '@vmakit/trace';
import { Timeline } from './timeline.js';

/** What happens between the start and the end of an execve. */
export interface ExecInProgress {
  /** The kernel's records of the mappings that it makes. */
  readonly records: Mmap2Event[];
  /** Faults in the new space: after its first record. */
  readonly faults: PageFaultEvent[];
  readonly startTime: number;
  /** The kernel has said that there is no way back: what the process does next, it does in the new program. */
  committed: boolean;
}

/** An execve that completed, before it is known whether a snapshot shows what it mapped. */
export interface ExecDone {
  readonly exec: ExecInProgress;
  /** Path that was executed, if it is recorded. */
  readonly path: string | null;
}

/** Names of what a recording does not show of a process's memory. */
export const UNSEEN_EXEC = 'memory that an execve mapped';
export const UNSEEN_BEFORE = 'memory mapped before the recording began';
export const UNSEEN_THREADS = 'memory of threads that were not recorded';
export const UNSEEN_USERFAULTFD = 'ranges registered with a userfaultfd';
export const UNSEEN_FORK_MOMENT = 'the moment of a fork among calls of other threads';
export const UNSEEN_LOST = 'events that the recorder lost';
export const UNSEEN_32_BIT = 'system calls of a 32-bit program (perf does not see them)';

/** A process of the recording and the process of the model that does what it did. */
export class FollowedProcess {
  readonly pid: number;
  readonly process: Process;
  /** Program that it runs, as execve named it. */
  program: string | null = null;
  /** It has called execve, or was born of one that has: what came before is the recorder's own doing. */
  started: boolean;
  exec: ExecInProgress | null = null;
  /** The execve under way is told to be done before its call completes (perf). */
  execTold = false;
  /** Settled when the next event of the process tells how long it stood still. */
  execDone: ExecDone | null = null;
  /** Why part of its memory is not known; null: all of it is. */
  unseen: string | null = null;
  /** Ranges of pages that were taken to be mapped since a call on them succeeded: start, end, start, end... */
  readonly presumed: number[] = [];
  /** Threads that were born and have not been seen to do anything. */
  readonly silentThreads: Set<number> = new Set();
  /** Byte address inside the stack, for its name in maps. */
  stackAddress = 0;
  /** VMAs after its first exec, and the most at any time. */
  vmasAtStart = 0;
  vmasPeak = 0;
  vmasAtEnd = 0;
  /** Calls that failed for want of memory or mappings when recorded and did not on the model. */
  callsSaved = 0;
  readonly timeline: Timeline | null;

  constructor(pid: number, process: Process, started: boolean, withTimeline: boolean) {
    this.pid = pid;
    this.process = process;
    this.started = started;
    this.timeline = withTimeline ? new Timeline() : null;
  }

  /** Looks at the number of VMAs, `events` into the recording. */
  noteVmas(events: number): void {
    const { mapCount } = this.process.mm;
    if (mapCount > this.vmasPeak) this.vmasPeak = mapCount;
    this.timeline?.add(events, mapCount);
  }

  /** The name of what the recording may not show of this process's memory; null: it shows everything. */
  get blindSpot(): string | null {
    return this.unseen ?? (this.silentThreads.size > 0 ? UNSEEN_THREADS : null);
  }
}

/** Under a policy a program may do otherwise than recorded. */
export const AFTER_SAVED_CALL = 'what the program would do after a call that no longer fails';

/** Whether a blind spot hides what is done to memory too, not only that there is some. */
export function hidesCalls(blindSpot: string | null): boolean {
  return blindSpot === UNSEEN_LOST || blindSpot === UNSEEN_32_BIT || blindSpot === UNSEEN_FORK_MOMENT;
}

/** A call that has begun. */
export interface CallInProgress {
  readonly start: SyscallStartEvent;
  /** Records of the kernel that came while it ran. */
  readonly records: Mmap2Event[];
  /** The call was run before it completed. */
  applied: boolean;
  /** Calls that were done when this one began. */
  readonly callsBefore: number;
}
