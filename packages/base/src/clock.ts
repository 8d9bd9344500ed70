/** A source of time in nanoseconds. The model counts steps; nothing in it looks at the wall clock. */
export interface Clock {
  now(): number;
}

/** A clock that moves only when told to, so that runs repeat exactly. */
export class StepClock implements Clock {
  #now = 0;

  now(): number {
    return this.#now;
  }

  /** Moves the clock by `nanoseconds`. */
  advance(nanoseconds: number): void {
    this.#now += nanoseconds;
  }
}
