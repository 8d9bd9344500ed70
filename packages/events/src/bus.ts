import { Observable, Subject } from 'rxjs';

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

  readonly #subject = new Subject<Event>();
  readonly #failures = new Subject<ObserverFailure<Event>>();
  readonly #mailbox: Event[] = [];
  #listeners = 0;
  #delivering = false;

  /** The events from the moment of subscription on. Never completes by itself; see {@link close}. */
  readonly events$: Observable<Event> = new Observable<Event>((subscriber) => {
    this.#listeners++;
    this.observed = true;
    const inner = this.#subject.subscribe({
      next: (event) => {
        try {
          subscriber.next(event);
        } catch (error) {
          this.#failures.next({ event, error });
        }
      },
      complete: () => subscriber.complete(),
    });
    return () => {
      inner.unsubscribe();
      this.#listeners--;
      this.observed = this.#listeners > 0;
    };
  });

  /** Errors thrown by observers, with the event they got. */
  readonly failures$: Observable<ObserverFailure<Event>> = this.#failures.asObservable();

  /**
   * Calls `listener` with each event; the returned function ends that. Unlike a bare rxjs observer, a listener given
   * here may throw: the error goes to {@link failures$}.
   */
  listen(listener: (event: Event) => void): () => void {
    const subscription = this.events$.subscribe((event) => {
      try {
        listener(event);
      } catch (error) {
        this.#failures.next({ event, error });
      }
    });
    return () => subscription.unsubscribe();
  }

  /** Delivers `event` to every observer, after those emitted before it. Call only when {@link observed}. */
  emit(event: Event): void {
    this.#mailbox.push(event);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next = 0; next < this.#mailbox.length; next++) this.#subject.next(this.#mailbox[next] as Event);
    } finally {
      this.#mailbox.length = 0;
      this.#delivering = false;
    }
  }

  /** Completes {@link events$}: the kernel that emitted is gone. */
  close(): void {
    this.#subject.complete();
    this.#failures.complete();
  }
}

/** What an observer threw, and on which event. */
export interface ObserverFailure<Event> {
  readonly event: Event;
  readonly error: unknown;
}
