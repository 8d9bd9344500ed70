import type { RecordedEvent } from '@vmakit/trace';

/** So many events are held back at most. */
const LIMIT = 100_000;

/** Events held back until a call under way is done, since what it does came before them. */
export class HeldEvents {
  #events: RecordedEvent[];
  #awaited: number;

  /** Holds `first` back for the call of thread `awaited`. */
  constructor(first: RecordedEvent, awaited: number) {
    this.#events = [first];
    this.#awaited = awaited;
  }

  /** The thread whose call is waited for. */
  get awaited(): number {
    return this.#awaited;
  }

  /** Nothing more is held back than can be kept. */
  get isFull(): boolean {
    return this.#events.length >= LIMIT;
  }

  /** Whether `event` ends the wait. */
  isAwaited(event: RecordedEvent): boolean {
    return event.tid === this.#awaited && (event.kind === 'syscall' || event.kind === 'exit');
  }

  /** Whether the completion of a call of thread `tid` is held back: nothing can wait for that. */
  holds(tid: number): boolean {
    return this.#events.some((event) => event.kind === 'syscall' && event.tid === tid);
  }

  /** Holds one more event back. */
  push(event: RecordedEvent): void {
    this.#events.push(event);
  }

  /** What was waited for has to wait itself, for the call of thread `awaited`: it comes before all others then. */
  waitFirst(event: RecordedEvent, awaited: number): void {
    this.#events.unshift(event);
    this.#awaited = awaited;
  }

  /** Gives the events back, in the order in which they are to be done. */
  release(): readonly RecordedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
