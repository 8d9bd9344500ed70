import { MmError } from '@vmakit/base';
import type { Kernel, Process } from '@vmakit/kernel';
import type { BirthEvent, ExitEvent } from '@vmakit/trace';
import type { ReplayOptions } from './options.js';
import { FollowedProcess } from './space.js';

/** The processes of a recording: who lives, who was born of whom and shares or copies whose memory. */
export class ProcessTable {
  /** Every process followed, the dead ones too, in order of appearance. */
  readonly history: FollowedProcess[] = [];
  /** Processes that were taken to share memory with another although nothing says so. */
  guessedSharers = 0;
  readonly #kernel: Kernel;
  readonly #options: ReplayOptions;
  readonly #living: Map<number, FollowedProcess> = new Map();
  /** Processes whose first thread has ended while others go on. */
  readonly #leaderless: Set<number> = new Set();
  #births = 0;
  /** Of {@link #last}; NaN without one. */
  #lastPid = Number.NaN;
  #last: FollowedProcess | null = null;

  constructor(kernel: Kernel, options: ReplayOptions) {
    this.#kernel = kernel;
    this.#options = options;
  }

  /** The living process `pid`. */
  get(pid: number): FollowedProcess | undefined {
    return this.#living.get(pid);
  }

  /** All living processes. */
  living(): FollowedProcess[] {
    return [...this.#living.values()];
  }

  /** The process that an event is about; made when it is new and the recording does not say where it came from. */
  follow(pid: number): FollowedProcess {
    if (pid === this.#lastPid) return this.#last as FollowedProcess;
    const followed = this.#living.get(pid) ?? this.#appear(pid);
    this.#lastPid = pid;
    this.#last = followed;
    return followed;
  }

  /**
   * A task is born: null when there is nothing to do, the refusal when its memory could not be copied. Threads are none
   * of this table's business.
   */
  bear(event: BirthEvent): FollowedProcess | MmError | null {
    this.#births++;
    const parent = this.#living.get(event.parentPid);
    if (parent === undefined || !parent.started || this.#living.has(event.pid)) return null;
    const { pid, sharesMemory } = event;
    const process = sharesMemory ? this.#kernel.adopt(parent.process.mm, pid) : parent.process.fork(pid);
    if (process instanceof MmError) return process;
    return this.#addLike(parent, pid, process);
  }

  /** The process that ends with this exit of a task; null while threads of it go on. */
  ending({ pid, tid, lastThread }: ExitEvent): FollowedProcess | null {
    if (lastThread === false) {
      if (tid === pid) this.#leaderless.add(pid);
      return null;
    }
    // perf tells an end twice; the second time it does not say whether other threads go on.
    if (lastThread !== true && (tid !== pid || this.#leaderless.has(pid))) return null;
    return this.#living.get(pid) ?? null;
  }

  /** A process is gone. `releases`: its memory is given back. */
  remove(followed: FollowedProcess, releases: boolean): void {
    this.#living.delete(followed.pid);
    this.#leaderless.delete(followed.pid);
    this.#lastPid = Number.NaN;
    if (releases) followed.process.exit();
  }

  /**
   * A process that nothing announced. In a recording that shows no births (strace without clone in its filter) it is
   * taken for a thread of the first one.
   */
  #appear(pid: number): FollowedProcess {
    const first = this.history[0];
    const mayShare = this.#options.beginsInMidLife && this.#births === 0 && this.#options.start === null;
    if (mayShare && first?.started === true && this.#living.get(first.pid) === first) {
      this.guessedSharers++;
      return this.#addLike(first, pid, this.#kernel.adopt(first.process.mm, pid));
    }
    return this.#add(new FollowedProcess(pid, this.#kernel.spawn({ pid }), false, this.#options.pictures));
  }

  #addLike(parent: FollowedProcess, pid: number, process: Process): FollowedProcess {
    const child = this.#add(new FollowedProcess(pid, process, true, this.#options.pictures));
    child.program = parent.program;
    child.stackAddress = parent.stackAddress;
    child.unseen = parent.blindSpot;
    child.presumed.push(...parent.presumed);
    child.vmasAtStart = process.mm.mapCount;
    return child;
  }

  #add(followed: FollowedProcess): FollowedProcess {
    this.#living.set(followed.pid, followed);
    this.history.push(followed);
    this.#lastPid = Number.NaN;
    return followed;
  }
}
