import type { Level } from './geometry.js';

/** A first page that no page is near to. */
const NOWHERE: number = -(2 ** 53);

/**
 * The tables of one address space that were looked up last, two of each level: enough for whoever goes along a source
 * and a target at once. Slots `2 * level` and `2 * level + 1` belong to a level; only tables that exist are held.
 */
export class WalkCache {
  /** The first page that the table in the slot spans. */
  readonly #first: Float64Array;
  readonly #table: Int32Array;
  /** Pages that a table spans, by level, and 1 / that: exact, since spans are powers of two. */
  readonly #spans: Float64Array;
  readonly #inverseSpans: Float64Array;

  constructor(levels: readonly Level[]) {
    this.#first = new Float64Array(2 * levels.length).fill(NOWHERE);
    this.#table = new Int32Array(2 * levels.length);
    this.#spans = Float64Array.from(levels, (level) => level.tableSpan);
    this.#inverseSpans = this.#spans.map((span) => 1 / span);
  }

  /** The table of `level` for page `vpn`, if it is held; else 0. */
  find(level: number, vpn: number): number {
    const slot = 2 * level;
    const span = this.#spans[level]!;
    const offset = vpn - this.#first[slot]!;
    if (offset >= 0 && offset < span) return this.#table[slot]!;
    const other = vpn - this.#first[slot + 1]!;
    return other >= 0 && other < span ? this.#table[slot + 1]! : 0;
  }

  /** Holds `table` in place of the one of its level that is held for longer. */
  hold(level: number, vpn: number, table: number): void {
    const slot = 2 * level;
    this.#first[slot + 1] = this.#first[slot]!;
    this.#table[slot + 1] = this.#table[slot]!;
    this.#first[slot] = Math.floor(vpn * this.#inverseSpans[level]!) * this.#spans[level]!;
    this.#table[slot] = table;
  }

  /** Forgets the tables below `level` that map a page of [start, start + pages). */
  forgetBelow(level: number, start: number, pages: number): void {
    for (let slot = 0; slot < 2 * level; slot++) {
      const offset = this.#first[slot]! - start;
      if (offset >= 0 && offset < pages) this.#first[slot] = NOWHERE;
    }
  }

  /** Forgets table `table` of `level`, and no other. */
  forget(level: number, table: number): void {
    const slot = 2 * level;
    if (this.#table[slot] === table) this.#first[slot] = NOWHERE;
    if (this.#table[slot + 1] === table) this.#first[slot + 1] = NOWHERE;
  }

  /** Forgets all. */
  clear(): void {
    this.#first.fill(NOWHERE);
  }
}
