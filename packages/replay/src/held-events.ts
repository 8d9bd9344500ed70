import type { RecordedEvent } from '@vmakit/trace';

/** What the held events wait for. */
export interface Awaited {
  /** Whether this event is it. */
  readonly isMet: (event: RecordedEvent) => boolean;
  /** So many events are held back for it at most. */
  readonly patience: number;
}

/** Waits for the end of the call under way of thread `tid`. */
export function callOf(tid: number): Awaited {
  return {
    isMet: (event) => event.tid === tid && (event.kind === 'syscall' || event.kind === 'exit'),
    patience: 100_000,
  };
}

/** Events held back until another one has come, since what it does came before them. */
export class HeldEvents {
  #events: RecordedEvent[];
  #awaited: Awaited;

  /** Holds `first` back. */
  constructor(first: RecordedEvent, awaited: Awaited) {
    this.#events = [first];
    this.#awaited = awaited;
  }

  /** Nothing more is held back: what is waited for does not come. */
  get isTooLong(): boolean {
    return this.#events.length >= this.#awaited.patience;
  }

  /** Whether `event` ends the wait. */
  isAwaited(event: RecordedEvent): boolean {
    return this.#awaited.isMet(event);
  }

  /** Whether the completion of a call of thread `tid` is held back: nothing can wait for that. */
  holds(tid: number): boolean {
    return this.#events.some((event) => event.kind === 'syscall' && event.tid === tid);
  }

  /** Holds one more event back. */
  push(event: RecordedEvent): void {
    this.#events.push(event);
  }

  /** What was waited for has to wait itself: it comes before all others then. */
  waitFirst(event: RecordedEvent, awaited: Awaited): void {
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
