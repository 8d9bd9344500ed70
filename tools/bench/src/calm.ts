/** So much longer than at its shortest the loop may take on a machine that is calm. */
const CALM = 1.25;
const LOOP = 3_000_000;
const PAUSE_MS = 20;

/**
 * Tells by a loop that only adds whether others use the processor, and makes a measurement again when they did. The
 * model loses more by neighbours than the live kernel does: both wait for calm moments, so that figures of a shared
 * machine can be compared with others.
 */
export class Calm {
  /** Measurements that were kept though the machine was disturbed: there was no time left. */
  disturbed = 0;
  #shortest = Infinity;
  #millisecondsLeft: number;
  readonly #watches: boolean;
  readonly #loop: () => number;

  /**
   * @param seconds to be spent on waiting and on measuring again, all in all; 0: none, nothing is looked at
   * @param loop does always the same, and gives the time that it took
   */
  constructor(seconds: number, loop: () => number = addingLoop) {
    this.#millisecondsLeft = 1000 * seconds;
    this.#watches = seconds > 0;
    this.#loop = loop;
    for (let i = 0; this.#watches && i < 100; i++) this.#isCalm();
  }

  /** Measures as often as it takes; gives what came of it the last time. */
  measure<T>(body: () => T): T {
    for (;;) {
      const start = this.#begin();
      const result = body();
      if (this.#isDone(start)) return result;
    }
  }

  /** The same for what takes its time. */
  async measureAsync<T>(body: () => Promise<T>): Promise<T> {
    for (;;) {
      const start = this.#begin();
      const result = await body();
      if (this.#isDone(start)) return result;
    }
  }

  /** Waits for a calm moment; gives when it was. */
  #begin(): number {
    for (;;) {
      const start = performance.now();
      if (this.#millisecondsLeft <= 0 || this.#isCalm()) return start;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      this.#millisecondsLeft -= performance.now() - start;
    }
  }

  #isDone(start: number): boolean {
    if (!this.#watches || this.#isCalm()) return true;
    this.#millisecondsLeft -= performance.now() - start;
    if (this.#millisecondsLeft > 0) return false;
    this.disturbed++;
    return true;
  }

  #isCalm(): boolean {
    const took = Math.min(this.#loop(), this.#loop(), this.#loop());
    if (took < this.#shortest) this.#shortest = took;
    return took <= CALM * this.#shortest;
  }
}

/**
 * Milliseconds of a loop that does as much in a cycle as the processor can: it takes twice as long when a neighbour
 * runs on the other half of the core. One that waits for each step, as for a product, would not.
 */
function addingLoop(): number {
  const start = performance.now();
  let sum = 0;
  for (let i = 0; i < LOOP; i++) sum = (sum + i) | 0;
  // The sum is looked at, or there would be nothing to add.
  return sum === 0.5 ? Infinity : performance.now() - start;
}
