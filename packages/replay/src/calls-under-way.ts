import type { Mm } from '@vmakit/mm';
import type { SyscallEvent, SyscallStartEvent } from '@vmakit/trace';
import { type PageRange, willFree } from './effect-order.js';
import type { ProcessTable } from './process-table.js';
import { unmap } from './run-call.js';
import type { CallInProgress, FollowedProcess } from './space.js';
import type { ReplayStatistics } from './statistics.js';

/** The calls that have begun and not completed, by thread. */
export class CallsUnderWay {
  readonly #calls: Map<number, CallInProgress> = new Map();
  readonly #processes: ProcessTable;
  readonly #statistics: ReplayStatistics;

  constructor(processes: ProcessTable, statistics: ReplayStatistics) {
    this.#processes = processes;
    this.#statistics = statistics;
  }

  /** A call begins. */
  begin(start: SyscallStartEvent): void {
    this.#calls.set(start.tid, { start, records: [], applied: false, callsBefore: this.#statistics.calls });
  }

  /** The call under way of thread `tid`. */
  get(tid: number): CallInProgress | undefined {
    return this.#calls.get(tid);
  }

  /** The call of thread `tid` completes, or never will. */
  end(tid: number): CallInProgress | undefined {
    const call = this.#calls.get(tid);
    if (call !== undefined) this.#calls.delete(tid);
    return call;
  }

  /**
   * Whether other calls are under way, or were done while `call` was. `tid`: the thread of `call`; `own`: how many of
   * the calls counted since are its own.
   */
  isConcurrent(call: CallInProgress | undefined, tid: number, own: number): boolean {
    const others = this.#calls.size - (this.#calls.has(tid) ? 1 : 0);
    return others > 0 || (call !== undefined && this.#statistics.calls !== call.callsBefore + own);
  }

  /** Runs the munmaps under way that give back pages of `range`: that they succeed is known before they complete. */
  unmapEarly(followed: FollowedProcess, event: SyscallEvent, range: PageRange): void {
    const { mm } = followed.process;
    for (const call of this.#calls.values()) {
      const { start, applied } = call;
      if (start.call !== 'munmap' || applied || !this.#isOther(start, event, mm) || !willFree(mm, start, range))
        continue;
      unmap(followed.process, start.args);
      followed.noteVmas(this.#statistics.events);
      call.applied = true;
    }
  }

  /** A thread whose call, once it is done, leaves pages of `range` free; -1 without one. `isHeld`: not one of these. */
  freeing(mm: Mm, event: SyscallEvent, range: PageRange, isHeld: (tid: number) => boolean): number {
    for (const { start, applied } of this.#calls.values()) {
      if (applied || isHeld(start.tid) || !this.#isOther(start, event, mm)) continue;
      if (willFree(mm, start, range)) return start.tid;
    }
    return -1;
  }

  /** Whether a call is one of another thread on the same memory. */
  #isOther(start: SyscallStartEvent, event: SyscallEvent, mm: Mm): boolean {
    return start.tid !== event.tid && this.#processes.get(start.pid)?.process.mm === mm;
  }
}
