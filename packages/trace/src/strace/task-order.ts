import { CLONE_THREAD, CLONE_VM } from '../abi/flags.js';
import type { BirthEvent, RecordedEvent, SyscallEventOf, SyscallStartEvent } from '../events.js';
import { TASK_MAKERS } from '../task-makers.js';

/** Completion of a call that makes a task. */
type TaskMade = SyscallEventOf<'fork' | 'vfork' | 'clone' | 'clone3'>;

/** So many events are held back at most while a birth is looked for. */
const HOLD_LIMIT = 100_000;

/**
 * Puts the births into the stream of strace events and tells to which process a thread belongs.
 *
 * strace names a new task in the completion of its parent's call, and the child's own lines can come before that. So
 * when an unknown thread speaks while such a call is under way, everything is held back until the completion has
 * named it; then the birth goes out just before the child's first event, all else in the order it was recorded. An
 * unknown thread with no such call under way is one that the recorder started or was attached to.
 */
export class TaskOrder {
  private out: RecordedEvent[] = [];
  private held: RecordedEvent[] | null = null;
  /** Process of each living thread. */
  private readonly pids = new Map<number, number>();
  /** Calls that make a task, begun and not completed, by the calling thread. */
  private readonly underWay = new Map<number, SyscallStartEvent>();
  /** Births named by a completion that is itself held back, by the child. */
  private readonly named = new Map<number, TaskMade>();
  /** Threads among the held events whose birth is not named yet. */
  private readonly unborn = new Set<number>();
  private attachedPid: number | undefined;
  private lastTid = -1;
  private lastPid = -1;

  constructor(attachedPid: number | undefined) {
    this.attachedPid = attachedPid;
  }

  /** Process of the thread of a new event; for a thread not born yet its own id, corrected when the event goes out. */
  pidOf(tid: number): number {
    if (tid === this.lastTid) return this.lastPid;
    const pid = this.pids.get(tid);
    if (pid === undefined) return this.meet(tid);
    this.lastTid = tid;
    this.lastPid = pid;
    return pid;
  }

  /** The recorder says that it was attached to a process with several threads. */
  attachTo(pid: number): void {
    this.attachedPid ??= pid;
  }

  /** Whether a task is known to have been made in the recording, or a call that makes one is under way. */
  mayBeChild(tid: number): boolean {
    return this.pids.has(tid) || this.named.has(tid) || this.underWay.size > 0;
  }

  /** Takes the next event. */
  push(event: RecordedEvent): void {
    if (event.kind === 'syscall-start' && TASK_MAKERS.has(event.call)) this.underWay.set(event.tid, event);
    if (this.held === null) {
      if (event.kind === 'syscall' && TASK_MAKERS.has(event.call)) {
        this.underWay.delete(event.tid);
        this.announce(event as TaskMade);
      } else if (event.kind === 'exit' || event.kind === 'superseded') this.forget(event);
      this.out.push(event);
      return;
    }
    this.hold(event);
  }

  /** Hands over the events that are in order. */
  take(): RecordedEvent[] {
    const events = this.out;
    this.out = [];
    return events;
  }

  /** The recording ends: what is held back goes out. */
  finish(): void {
    this.release();
  }

  private meet(tid: number): number {
    if (this.held === null && this.underWay.size === 0) {
      const pid = this.attachedPid ?? tid;
      this.pids.set(tid, pid);
      return pid;
    }
    this.held ??= [];
    if (!this.named.has(tid)) this.unborn.add(tid);
    return tid;
  }

  private hold(event: RecordedEvent): void {
    const held = this.held as RecordedEvent[];
    held.push(event);
    if (event.kind === 'syscall' && TASK_MAKERS.has(event.call)) {
      this.underWay.delete(event.tid);
      if (event.result !== null && event.result > 0) {
        this.named.set(event.result, event as TaskMade);
        this.unborn.delete(event.result);
      }
    } else if (event.kind === 'exit') this.underWay.delete(event.tid);
    const settled = this.unborn.size === 0 || this.underWay.size === 0;
    if (settled || held.length >= HOLD_LIMIT) this.release();
  }

  private release(): void {
    const held = this.held;
    if (held === null) return;
    this.held = null;
    this.unborn.clear();
    this.lastTid = -1;
    for (const event of held) {
      if (!this.pids.has(event.tid)) this.settle(event);
      (event as { pid: number }).pid = this.pids.get(event.tid) as number;
      if (event.kind === 'syscall' && TASK_MAKERS.has(event.call)) this.announce(event as TaskMade);
      else if (event.kind === 'exit' || event.kind === 'superseded') this.forget(event);
      this.out.push(event);
    }
    this.named.clear();
  }

  /** The first event of an unknown thread goes out: its birth before it, if one can be told. */
  private settle(event: RecordedEvent): void {
    const made = this.named.get(event.tid);
    const [only] = this.underWay.values();
    if (made !== undefined) this.bear(event.tid, made, event);
    // Cut short (end of the recording, or too many held): a single call under way must be the parent's.
    else if (only !== undefined && this.underWay.size === 1) this.bear(event.tid, only as unknown as TaskMade, event);
    else this.pids.set(event.tid, this.attachedPid ?? event.tid);
  }

  /** A call that makes a task completed: the child's birth goes out before it, unless its own events were first. */
  private announce(made: TaskMade): void {
    const child = made.result;
    if (child !== null && child > 0 && !this.pids.has(child)) this.bear(child, made, made);
  }

  private bear(tid: number, made: TaskMade, at: RecordedEvent): void {
    const flags = made.args.flags;
    const thread = flags !== null && (flags & CLONE_THREAD) !== 0;
    const parentPid = this.pids.get(made.tid) ?? made.pid;
    const birth: BirthEvent = {
      kind: 'birth',
      pid: thread ? parentPid : tid,
      tid,
      time: at.time,
      file: at.file,
      line: at.line,
      parentPid,
      parentTid: made.tid,
      flags,
      sharesMemory: flags !== null && (flags & CLONE_VM) !== 0,
      thread,
    };
    this.named.delete(tid);
    this.pids.set(tid, birth.pid);
    this.out.push(birth);
  }

  private forget(event: RecordedEvent): void {
    const tid = event.kind === 'superseded' ? event.byTid : event.tid;
    this.pids.delete(tid);
    this.underWay.delete(tid);
    this.lastTid = -1;
  }
}
