import type { FaultInjector, InjectionPoint } from '@vmakit/base';

/** Counts how often each injection point is reached; nothing fails. */
export class CountingInjector implements FaultInjector {
  readonly #counts = new Map<InjectionPoint, number>();

  fails(point: InjectionPoint): boolean {
    this.#counts.set(point, this.count(point) + 1);
    return false;
  }

  /** Times that `point` was reached. */
  count(point: InjectionPoint): number {
    return this.#counts.get(point) ?? 0;
  }

  /** The points that were reached, with their counts, in the order in which they were first reached. */
  get counts(): ReadonlyMap<InjectionPoint, number> {
    return this.#counts;
  }

  reset(): void {
    this.#counts.clear();
  }
}

/** Makes one point fail once: the `n`-th time that it is reached. */
export class FailNth implements FaultInjector {
  readonly point: InjectionPoint;
  readonly n: number;
  /** Times that the point was reached. */
  reached = 0;

  /** @param n from 1 */
  constructor(point: InjectionPoint, n: number) {
    if (!Number.isInteger(n) || n < 1) throw new RangeError(`n: ${n} is not a positive integer`);
    this.point = point;
    this.n = n;
  }

  /** Whether it has failed. */
  get struck(): boolean {
    return this.reached >= this.n;
  }

  fails(point: InjectionPoint): boolean {
    if (point !== this.point) return false;
    this.reached++;
    return this.reached === this.n;
  }
}

/** Can be armed while the model runs: each shot makes one point fail once, some times ahead. */
export class ArmedInjector implements FaultInjector {
  /** How many times each armed point is still reached before it fails. */
  readonly #left = new Map<InjectionPoint, number>();
  /** Shots that have struck. */
  struck = 0;

  /** From now on, the `n`-th time (from 1) that `point` is reached it fails, once. Replaces an earlier shot there. */
  arm(point: InjectionPoint, n: number): void {
    if (!Number.isInteger(n) || n < 1) throw new RangeError(`n: ${n} is not a positive integer`);
    this.#left.set(point, n);
  }

  fails(point: InjectionPoint): boolean {
    const left = this.#left.get(point);
    if (left === undefined) return false;
    if (left > 1) {
      this.#left.set(point, left - 1);
      return false;
    }
    this.#left.delete(point);
    this.struck++;
    return true;
  }
}
