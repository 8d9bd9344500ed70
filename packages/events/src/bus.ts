import { Observable, Subject } from 'rxjs';

/** One consumer of a bus. */
interface Listener<Event> {
  readonly next: (event: Event) => void;
  readonly complete: (() => void) | null;
  /** It ended; an event that is being delivered does not reach it any more. */
  ended: boolean;
}

/**
 * The bus on which consumers watch the phases of what a kernel does.
 *
 * Guarantees: every observer sees the same order; an observer that makes the kernel do something (and so emits) does
 * not overtake the event being delivered, since emission is queued; an observer that throws neither stops the kernel
 * nor the other observers, its error is delivered on {@link failures$}. Observers get plain data and cannot change a
 * run.
 */
export class PhaseBus<Event> {
  /** Whether anybody listens. Emitters check this one field before they build an event. */
  observed = false;

  readonly #failures = new Subject<ObserverFailure<Event>>();
  readonly #mailbox: Event[] = [];
  /** Replaced, never changed, so that a delivery goes through those that were there when it began. */
  #listeners: readonly Listener<Event>[] = [];
  #delivering = false;

  /** The events from the moment of subscription on. Never completes by itself; see {@link close}. */
  readonly events$: Observable<Event> = new Observable<Event>((subscriber) =>
    this.#add({
      next: (event) => subscriber.next(event),
      complete: () => subscriber.complete(),
      ended: false,
    }),
  );

  /** Errors thrown by observers, with the event they got. */
  readonly failures$: Observable<ObserverFailure<Event>> = this.#failures.asObservable();

  /**
   * Calls `listener` with each event; the returned function ends that. Unlike a bare rxjs observer, a listener given
   * here may throw: the error goes to {@link failures$}. It is also the cheaper of the two.
   */
  listen(listener: (event: Event) => void): () => void {
    return this.#add({ next: listener, complete: null, ended: false });
  }

  /** Delivers `event` to every observer, after those emitted before it. Call only when {@link observed}. */
  emit(event: Event): void {
    if (this.#delivering) {
      this.#mailbox.push(event);
      return;
    }
    this.#delivering = true;
    try {
      this.#deliver(event);
      for (let next = 0; next < this.#mailbox.length; next++) this.#deliver(this.#mailbox[next] as Event);
    } finally {
      this.#mailbox.length = 0;
      this.#delivering = false;
    }
  }

  /** Completes {@link events$}: the kernel that emitted is gone. */
  close(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    this.observed = false;
    for (const listener of listeners) {
      listener.ended = true;
      listener.complete?.();
    }
    this.#failures.complete();
  }

  #add(listener: Listener<Event>): () => void {
    this.#listeners = [...this.#listeners, listener];
    this.observed = true;
    return () => {
      if (listener.ended) return;
      listener.ended = true;
      this.#listeners = this.#listeners.filter((other) => other !== listener);
      this.observed = this.#listeners.length > 0;
    };
  }

  #deliver(event: Event): void {
    for (const listener of this.#listeners) {
      if (listener.ended) continue;
      try {
        listener.next(event);
      } catch (error) {
        this.#failures.next({ event, error });
      }
    }
  }
}

/** What an observer threw, and on which event. */
export interface ObserverFailure<Event> {
  readonly event: Event;
  readonly error: unknown;
}
