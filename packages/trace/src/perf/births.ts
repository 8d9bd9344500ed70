import { CLONE_THREAD, CLONE_VM } from '../abi/flags.js';
import type { BirthEvent } from '../events.js';

/** Where an event stands. */
export interface Place {
  readonly time: number;
  readonly file: string;
  readonly line: number;
}

interface Waiting {
  readonly pid: number;
  readonly parentPid: number;
  readonly parentTid: number;
}

/**
 * Makes one birth of what perf says in several lines: `PERF_RECORD_FORK` has the processes, `task_newtask` right
 * behind it the flags. The birth goes out with the second, or before the child's first own event if there is none.
 */
export class PerfBirths {
  /** Fork records without flags yet, by the child. */
  private readonly waiting = new Map<number, Waiting>();
  /** Children whose birth went out before a `task_newtask`. */
  private readonly early = new Set<number>();
  /** Process of each task, for lines that name the thread only. */
  private readonly pids = new Map<number, number>();

  /** Process of a thread as far as births have told. */
  pidOf(tid: number): number {
    return this.pids.get(tid) ?? tid;
  }

  /** A record tells the process of a thread that was there before the recording. */
  know(tid: number, pid: number): void {
    if (tid !== pid) this.pids.set(tid, pid);
  }

  /** Whether `tid` may have a birth to come. */
  mayWait(tid: number): boolean {
    return this.waiting.size !== 0 && this.waiting.has(tid);
  }

  /** `pid` is -1 when the record does not have it. */
  fork(tid: number, pid: number, parentPid: number, parentTid: number): void {
    this.waiting.set(tid, { pid, parentPid, parentTid });
  }

  newTask(tid: number, flags: number, parentPid: number, parentTid: number, at: Place): BirthEvent | null {
    if (this.early.delete(tid)) return null;
    const fork = this.waiting.get(tid) ?? { pid: -1, parentPid, parentTid };
    return this.bear(tid, fork, flags, at);
  }

  /** A birth without `task_newtask`; `flags` as far as the parent's call shows them. */
  firstEvent(tid: number, flags: number | null, at: Place): BirthEvent | null {
    const fork = this.waiting.get(tid);
    if (fork === undefined) return null;
    this.early.add(tid);
    return this.bear(tid, fork, flags, at);
  }

  /** Thread whose call made the task that waits. */
  parentTid(tid: number): number {
    return this.waiting.get(tid)?.parentTid ?? -1;
  }

  exit(tid: number): void {
    this.pids.delete(tid);
    this.early.delete(tid);
    this.waiting.delete(tid);
  }

  private bear(tid: number, fork: Waiting, flags: number | null, at: Place): BirthEvent {
    this.waiting.delete(tid);
    const thread = flags === null ? fork.pid === fork.parentPid : (flags & CLONE_THREAD) !== 0;
    const pid = fork.pid >= 0 ? fork.pid : thread ? fork.parentPid : tid;
    this.pids.set(tid, pid);
    return {
      kind: 'birth',
      pid,
      tid,
      time: at.time,
      file: at.file,
      line: at.line,
      parentPid: fork.parentPid,
      parentTid: fork.parentTid,
      flags,
      sharesMemory: flags === null ? thread : (flags & CLONE_VM) !== 0,
      thread,
    };
  }
}
