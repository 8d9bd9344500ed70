import type { Mmap2Event, PageFaultEvent } from '@vmakit/trace';
import type { Process } from '@vmakit/kernel';

/** What happens between the start and the end of an execve. */
export interface ExecInProgress {
  /** The kernel's records of the mappings that it makes. */
  readonly records: Mmap2Event[];
  /** Faults in the new space: after its first record. */
  readonly faults: PageFaultEvent[];
}

/** An execve that completed, before it is known whether a snapshot shows what it mapped. */
export interface ExecDone {
  readonly exec: ExecInProgress;
  /** Path that was executed, if it is recorded. */
  readonly path: string | null;
  readonly time: number;
}

/** A process of the recording and the process of the model that does what it did. */
export class FollowedProcess {
  readonly pid: number;
  readonly process: Process;
  /** Program that it runs, as execve named it. */
  program: string | null = null;
  /** It has called execve, or was born of one that has: what came before is the recorder's own doing. */
  started: boolean;
  exec: ExecInProgress | null = null;
  /** Settled when the next event of the process tells how long it stood still. */
  execDone: ExecDone | null = null;
  /** What it had mapped when it started is recorded. */
  layoutKnown = true;
  /** Byte address inside the stack, for its name in maps. */
  stackAddress = 0;
  /** VMAs after its first exec, and the most at any time. */
  vmasAtStart = 0;
  vmasPeak = 0;
  vmasAtEnd = 0;
  exited = false;

  constructor(pid: number, process: Process, started: boolean) {
    this.pid = pid;
    this.process = process;
    this.started = started;
  }

  /** Looks at the number of VMAs after a call. */
  noteVmas(): void {
    const { mapCount } = this.process.mm;
    if (mapCount > this.vmasPeak) this.vmasPeak = mapCount;
  }
}

/** A call that has begun. */
export interface CallInProgress {
  /** Records of the kernel that came while it ran. */
  readonly records: Mmap2Event[];
  /** What the model gave, when the call was run at its start. */
  applied: boolean;
}
