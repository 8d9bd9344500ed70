import { NONE } from '@vmakit/base';
import type { VmaTable } from './vma-table.js';
import type { Vma } from './vma.js';

/** Free pages [start, end). */
export interface Hole {
  readonly start: number;
  readonly end: number;
  /** The VMA behind it. */
  readonly next: Vma | null;
  /** Its row; {@link NONE}: there is none. */
  readonly nextRow: number;
}

/** The hole found last: one for each tree, so that a search allocates nothing. */
export class FoundHole implements Hole {
  start: number = -Infinity;
  end: number = Infinity;
  nextRow: number = NONE;
  readonly #table: VmaTable;

  constructor(table: VmaTable) {
    this.#table = table;
  }

  get next(): Vma | null {
    return this.#table.viewOrNull(this.nextRow);
  }
}
