import { InvariantError, IntervalTree, LEAF_SHIFT, LEAF_SLOTS, NONE } from '@vmakit/base';
import { LeafGuesses } from './leaf-guesses.js';

/** So many VMAs most leaves have, or more. */
const MANY = 9;
/** log2 of the leaves that are looked at to tell what a leaf spans. */
const SAMPLES_SHIFT = 4;
/** Leaves of a tree so small that it does not matter how well the table of guesses fits it. */
const SMALL = 4;
/** What no slot holds. */
const NO_ITEM = -2;

/** VMAs by address, found by a page: most often without going down the tree, since the leaf can be guessed. */
export abstract class PageTree extends IntervalTree {
  readonly #guesses = new LeafGuesses();
  /** The tree had leaves up to this number when it was last seen whether the table of guesses fits. */
  #grownTo = SMALL;

  /** The slot of the last VMA that starts at or below `page`; {@link NONE}: there is none. */
  slotAtOrBelow(page: number): number {
    const leaf = this.#guesses.leafFor(page);
    const slot = this.#slotIn(leaf, page);
    return slot === NONE ? this.#searchBeside(leaf, page) : slot;
  }

  /**
   * The same for each of the first `count` pages of `pages`, into `slots`. What the searches read is fetched for all of
   * them together, where one search after the other would wait for memory once or twice each.
   */
  slotsAtOrBelow(pages: Float64Array, count: number, slots: Int32Array): void {
    for (let i = 0; i < count; i++) slots[i] = this.#guesses.leafFor(pages[i] as number);
    for (let i = 0; i < count; i++) this.#fetch(slots[i] as number);
    for (let i = 0; i < count; i++) {
      const page = pages[i] as number;
      const leaf = slots[i] as number;
      const slot = this.#slotIn(leaf, page);
      slots[i] = slot === NONE ? this.#searchBeside(leaf, page) : slot;
    }
  }

  /** Reads something of each line of the processor's cache that a leaf lies in. */
  #fetch(leaf: number): void {
    const { bounds, items } = this.nodes;
    const first = leaf << LEAF_SHIFT;
    const at = first << 1;
    if (
      (bounds[at] as number) > (bounds[at + LEAF_SLOTS / 2] as number) ||
      (bounds[at + LEAF_SLOTS] as number) > (bounds[at + (3 * LEAF_SLOTS) / 2] as number) ||
      items[first] === NO_ITEM ||
      this.nodes.next(leaf) === NO_ITEM
    ) {
      throw new InvariantError('the VMAs of a leaf lie in order', { leaf });
    }
  }

  /** The same if `leaf` is seen to be the one with that VMA; else {@link NONE}. It may be any leaf there ever was. */
  #slotIn(leaf: number, page: number): number {
    const { nodes } = this;
    const { bounds, items } = nodes;
    const first = leaf << LEAF_SHIFT;
    // Never so: reads the leaf's items, so that they are fetched along with bounds.
    if (items[first] === NO_ITEM) return NONE;
    if (nodes.count(leaf) === 0) return NONE;
    const slot = nodes.slotAtOrBelow(leaf, page);
    if (slot < first) return NONE;
    // It is in that leaf if it lies between two starts of it, or in its last VMA.
    const next = bounds[(slot << 1) + 2] as number;
    return next !== Infinity || page < (bounds[(slot << 1) + 1] as number) ? slot : NONE;
  }

  /** The same for every page, when the guess was `leaf`: most likely a leaf beside it is right. */
  #searchBeside(leaf: number, page: number): number {
    const { nodes } = this;
    const isBelow = page < (nodes.bounds[leaf << (LEAF_SHIFT + 1)] as number);
    const beside = isBelow ? nodes.previous(leaf) : nodes.next(leaf);
    const slot = beside === NONE ? NONE : this.#slotIn(beside, page);
    if (slot === NONE) return this.#search(page);
    this.#guesses.set(page, beside);
    return slot;
  }

  #search(page: number): number {
    const { nodes } = this;
    const leaf = this.leafFor(page);
    const first = leaf << LEAF_SHIFT;
    const slot = nodes.slotAtOrBelow(leaf, page);
    // A leaf's key may be lower than its first start, and the VMA before may reach over it.
    if (slot < first) return nodes.lastSlot(nodes.previous(leaf));
    if (this.#guesses.correct(page, leaf)) this.#fitGuesses();
    return slot;
  }

  /** The slot of `row`, which starts at `start`; {@link NONE}: it is not in the tree. */
  slotOf(row: number, start: number): number {
    const { items } = this.nodes;
    if (items[this.newest] === row) return this.newest;
    const slot = this.slotAtOrBelow(start);
    return slot !== NONE && items[slot] === row ? slot : NONE;
  }

  /** Sees to it that the table of guesses fits the tree. */
  #fitGuesses(): void {
    const { nodes } = this;
    const guesses = this.#guesses;
    const step = Math.max(1, this.#grownTo >> SAMPLES_SHIFT);
    for (let leaf = 0; leaf < nodes.leaves; leaf += step) {
      const span = nodes.count(leaf) > 0 ? this.#spanOf(leaf) : 0;
      if (span > 0) guesses.learn(span);
    }
    if (!guesses.fit(2 * nodes.leaves)) return;
    for (let leaf = this.firstLeafBelow(this.root, this.height); leaf !== NONE; leaf = nodes.next(leaf)) {
      this.#note(leaf);
    }
  }

  /**
   * Pages that leaves like `leaf` span: one that has lost many of its VMAs spans less, and is taken for one that has
   * not. 0: what it spans is mostly a hole, and says nothing of others.
   */
  #spanOf(leaf: number): number {
    const { bounds } = this.nodes;
    const first = leaf << LEAF_SHIFT;
    const last = this.nodes.lastSlot(leaf);
    let widest = 0;
    for (let slot = first; slot < last; slot++) {
      const step = (bounds[(slot << 1) + 2] as number) - (bounds[slot << 1] as number);
      if (step > widest) widest = step;
    }
    const span = (bounds[last << 1] as number) - (bounds[first << 1] as number);
    return 2 * widest > span ? 0 : span * Math.max(1, MANY / (last - first + 1));
  }

  /** When the tree has twice as many leaves as it had, the table of guesses is made anew for it. */
  protected override leafChanged(leaf: number): void {
    if (leaf >= 2 * this.#grownTo) {
      this.#grownTo = leaf;
      this.#fitGuesses();
    }
    this.#note(leaf);
  }

  #note(leaf: number): void {
    const { bounds } = this.nodes;
    const last = this.nodes.lastSlot(leaf);
    this.#guesses.note(bounds[leaf << (LEAF_SHIFT + 1)] as number, bounds[(last << 1) + 1] as number, leaf);
  }
}
