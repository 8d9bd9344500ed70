import { LEAF_SHIFT, NONE } from '@vmakit/base';
import type { VmaTable } from './vma-table.js';
import type { PageTree } from './vma-tree-pages.js';

/** So many pages may be announced at a time ({@link VmaTree.anticipate}). */
export const MOST_ANTICIPATED = 16;

/** The VMA before a page's, the one it is in, and two behind. */
const ROWS_EACH = 4;

/**
 * The pages that the next calls will be on, and the slots of their VMAs when they were announced.
 *
 * In a tree so large that the processor's cache does not hold it a search waits for memory for a leaf, then for the VMA
 * and its neighbours. Here the leaves of all pages are read, then all VMAs, so that the waits overlap; and what is
 * searched for now need not be when its call comes.
 */
export class PagesAhead {
  readonly #tree: PageTree;
  readonly #table: VmaTable;
  readonly #pages = new Float64Array(MOST_ANTICIPATED);
  readonly #slots = new Int32Array(MOST_ANTICIPATED);
  readonly #rows = new Int32Array(ROWS_EACH * MOST_ANTICIPATED);
  /** How many of those that were announced are still to come. */
  left = 0;
  #count = 0;

  constructor(tree: PageTree, table: VmaTable) {
    this.#tree = tree;
    this.#table = table;
  }

  /** Takes the first `count` of `pages` in place of those that were announced before. */
  announce(pages: Float64Array, count: number): void {
    if (count > MOST_ANTICIPATED) throw new RangeError(`${count} pages are announced, ${MOST_ANTICIPATED} may be`);
    for (let i = 0; i < count; i++) this.#pages[i] = pages[i] as number;
    this.left = count;
    this.#count = count;
    this.#tree.slotsAtOrBelow(this.#pages, count, this.#slots);
    this.#table.fetch(this.#rows, this.#collectRows());
  }

  /** The rows of what a call may read: a VMA, those beside it that may merge with it, the one behind all three. */
  #collectRows(): number {
    const { items } = this.#tree.nodes;
    let found = 0;
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slots[i] as number;
      if (slot === NONE) continue;
      const isFirst = (slot >> LEAF_SHIFT) << LEAF_SHIFT === slot;
      for (let at = isFirst ? slot : slot - 1; at <= slot + 2 && items[at] !== NONE; at++) {
        this.#rows[found++] = items[at] as number;
      }
    }
    return found;
  }

  /**
   * The slot of the last VMA that starts at or below `page`, if that is the page announced next, or the one after it,
   * and the slot is still right; else {@link NONE}. Some must be {@link left}.
   */
  take(page: number): number {
    const count = this.#count;
    let next = count - this.left;
    // A call may not have searched for its page: it was at hand.
    if (this.#pages[next] !== page && (++next >= count || this.#pages[next] !== page)) return NONE;
    this.left = count - next - 1;
    const slot = this.#slots[next] as number;
    if (slot === NONE) return NONE;
    const { bounds } = this.#tree.nodes;
    const startBehind = bounds[2 * slot + 2] as number;
    const limit = startBehind === Infinity ? (bounds[2 * slot + 1] as number) : startBehind;
    return (bounds[2 * slot] as number) <= page && page < limit ? slot : NONE;
  }
}
