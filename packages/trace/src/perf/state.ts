import { Cursor } from '../bytes/cursor.js';
import type { RecordedEvent } from '../events.js';
import type { Tally } from '../source/tally.js';
import type { SyscallArgs, SyscallName } from '../syscall-args.js';
import type { PerfCall } from './args.js';
import { PerfBirths } from './births.js';
import type { EventHead } from './head.js';
import type { Task } from './records.js';

/** A call that has begun and not completed. */
export interface Pending {
  readonly call: PerfCall;
  readonly args: SyscallArgs[SyscallName];
  /** An address among the arguments does not fit a number. */
  readonly inexact: boolean;
  readonly line: number;
  readonly time: number;
}

/** The fields that every event has. */
interface EventBase extends Task {
  readonly time: number;
  readonly file: string;
  readonly line: number;
}

/** What the readers of the lines of one perf or tracefs recording share. */
export class PerfState {
  readonly cursor: Cursor = new Cursor();
  readonly births: PerfBirths = new PerfBirths();
  /** Calls under way by thread. */
  readonly pending: Map<number, Pending> = new Map<number, Pending>();
  readonly head: EventHead;
  readonly tally: Tally;
  /** Number of the present line. */
  line = 0;
  private out: RecordedEvent[] = [];

  constructor(head: EventHead, tally: Tally) {
    this.head = head;
    this.tally = tally;
  }

  push(event: RecordedEvent): void {
    this.out.push(event);
  }

  take(): RecordedEvent[] {
    const events = this.out;
    this.out = [];
    return events;
  }

  /** The common fields of an event of `task` in the present line. */
  base(task: Task): EventBase {
    return { pid: task.pid, tid: task.tid, time: this.head.time, file: this.tally.file, line: this.line };
  }

  /** The birth of a task whose fork record had no `task_newtask` behind it goes out before its first own event. */
  announceIfNew(tid: number): void {
    if (!this.births.mayWait(tid)) return;
    const args = this.pending.get(this.births.parentTid(tid))?.args;
    const flags = args !== undefined && 'stack' in args ? args.flags : null;
    const birth = this.births.firstEvent(tid, flags, this.base(this.head));
    if (birth !== null) this.push(birth);
  }
}
