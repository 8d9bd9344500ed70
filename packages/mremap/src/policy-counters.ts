/**
 * Counts of what policies did, by name, over the life of a kernel or since {@link PolicyCounters.reset}. Two policies
 * that count under one name share the counter.
 */
export class PolicyCounters {
  /** The counts, by slot. Hot paths add here directly. */
  readonly values: Float64Array = new Float64Array(64);
  readonly #slots = new Map<string, number>();

  /** The slot of `name` in {@link values}. */
  slot(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    if (slot === this.values.length) throw new RangeError(`name: no room for a counter ${name}`);
    this.#slots.set(name, slot);
    return slot;
  }

  /** The counters that are not 0. */
  read(): Record<string, number> {
    const result: Record<string, number> = {};
    for (const [name, slot] of this.#slots) {
      const value = this.values[slot] as number;
      if (value !== 0) result[name] = value;
    }
    return result;
  }

  /** All counters to 0. */
  reset(): void {
    this.values.fill(0);
  }
}
