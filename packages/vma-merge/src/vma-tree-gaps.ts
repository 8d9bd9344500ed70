import { FANOUT_SHIFT, IntervalTree, LEAF_SHIFT, LEAF_SLOTS, NONE, UNKNOWN } from '@vmakit/base';
import { LeafGuesses } from './leaf-guesses.js';

/** So many VMAs most leaves have, or more. */
const MANY = 13;

/** What no slot holds. */
const NO_ITEM = -2;

/**
 * VMAs by address; what is known of a subtree is the widest gap before one of its VMAs. Pages.
 *
 * A search for a hole asks for `length` free pages inside [low, high), and finds the VMA behind them: what the hole has
 * is between the end of the VMA before that one and its start, clipped.
 */
export class GapTree extends IntervalTree {
  readonly #guesses = new LeafGuesses();
  /** What is searched for: fields, since numbers that are handed down would be made objects at each level. */
  #length = 0;
  #low = -Infinity;
  #high = Infinity;

  /** The slot of the last VMA that starts at or below `page`; {@link NONE}: there is none. */
  slotAtOrBelow(page: number): number {
    const leaf = this.#guesses.leafFor(page);
    const slot = this.#slotIn(leaf, page);
    return slot === NONE ? this.#searchBeside(leaf, page) : slot;
  }

  /** The same if `leaf` is seen to be the one with that VMA; else {@link NONE}. It may be any leaf there ever was. */
  #slotIn(leaf: number, page: number): number {
    const { nodes } = this;
    const { bounds, items } = nodes;
    const first = leaf << LEAF_SHIFT;
    // Never so: reads both ends of the leaf's items, so that they are fetched along with bounds.
    if (items[first] === NO_ITEM || items[first + LEAF_SLOTS - 1] === NO_ITEM) return NONE;
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
    if (this.#guesses.correct(page, leaf, this.#spanOf(leaf), nodes.items.length >> LEAF_SHIFT)) this.#noteLeaves();
    return slot;
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

  #noteLeaves(): void {
    const { nodes } = this;
    for (let leaf = this.firstLeafBelow(this.root, this.height); leaf !== NONE; leaf = nodes.next(leaf)) {
      this.leafChanged(leaf);
    }
  }

  protected override leafChanged(leaf: number): void {
    const { bounds } = this.nodes;
    const last = this.nodes.lastSlot(leaf);
    this.#guesses.note(bounds[leaf << (LEAF_SHIFT + 1)] as number, bounds[last << 1] as number, leaf);
  }

  /** The slot of `row`, which starts at `start`; {@link NONE}: it is not in the tree. */
  slotOf(row: number, start: number): number {
    const { items } = this.nodes;
    if (items[this.newest] === row) return this.newest;
    const slot = this.slotAtOrBelow(start);
    return slot !== NONE && items[slot] === row ? slot : NONE;
  }

  /** The end of the VMA before the first one of `leaf`; 0: there is none. */
  endBefore(leaf: number): number {
    const { nodes } = this;
    const slot = nodes.lastSlot(nodes.previous(leaf));
    return slot === NONE ? 0 : (nodes.bounds[2 * slot + 1] as number);
  }

  /** Where the gap before the VMA in `slot` of `leaf` begins. */
  gapStart(leaf: number, slot: number): number {
    return slot > leaf << LEAF_SHIFT ? (this.nodes.bounds[2 * slot - 1] as number) : this.endBefore(leaf);
  }

  protected override summaryOfLeaf(leaf: number): number {
    const { bounds } = this.nodes;
    const first = leaf << LEAF_SHIFT;
    const end = first + this.nodes.count(leaf);
    let widest = 0;
    let from = this.endBefore(leaf);
    for (let slot = first; slot < end; slot++) {
      const gap = (bounds[slot << 1] as number) - from;
      if (gap > widest) widest = gap;
      from = bounds[(slot << 1) + 1] as number;
    }
    return widest;
  }

  /** The slot of the VMA behind the highest hole; {@link NONE}: there is none in front of a VMA. */
  highestHole(length: number, low: number, high: number): number {
    this.#length = length;
    this.#low = low;
    this.#high = high;
    return this.height === 0 ? this.#highestInLeaf(this.root) : this.#highestBelow(this.root, this.height);
  }

  /** The same for the lowest hole. */
  lowestHole(length: number, low: number, high: number): number {
    this.#length = length;
    this.#low = low;
    this.#high = high;
    return this.height === 0 ? this.#lowestInLeaf(this.root) : this.#lowestBelow(this.root, this.height);
  }

  #highestBelow(branch: number, level: number): number {
    const { nodes } = this;
    const { entries, summaries } = nodes;
    const length = this.#length;
    const first = branch << FANOUT_SHIFT;
    const last = first + nodes.branchCount(branch) - 1;
    for (let at = last; at >= first; at--) {
      let widest = summaries[at] as number;
      while (widest < length && at > first) widest = summaries[--at] as number;
      if (widest < length) return NONE;
      if (at < last && (entries[(at << 1) + 2] as number) <= this.#low) return NONE;
      let slot = NONE;
      if (at > first && (entries[at << 1] as number) >= this.#high) {
        slot = this.#beforeFirst(nodes.child(at), level - 1);
      } else {
        if (widest === UNKNOWN) {
          this.summarize(at, level);
          if ((summaries[at] as number) < length) continue;
        }
        slot = level === 1 ? this.#highestInLeaf(nodes.child(at)) : this.#highestBelow(nodes.child(at), level - 1);
      }
      if (slot !== NONE) return slot;
    }
    return NONE;
  }

  #highestInLeaf(leaf: number): number {
    const { bounds } = this.nodes;
    const length = this.#length;
    const first = leaf << LEAF_SHIFT;
    for (let slot = first + this.nodes.count(leaf) - 1; ; slot--) {
      while (slot > first && (bounds[slot << 1] as number) - (bounds[(slot << 1) - 1] as number) < length) slot--;
      if (slot < first) return NONE;
      if (slot === first) return this.#fits(this.endBefore(leaf), bounds[slot << 1] as number) ? slot : NONE;
      if (this.#fits(bounds[(slot << 1) - 1] as number, bounds[slot << 1] as number)) return slot;
    }
  }

  #lowestBelow(branch: number, level: number): number {
    const { nodes } = this;
    const { entries, summaries } = nodes;
    const length = this.#length;
    const low = this.#low;
    const first = branch << FANOUT_SHIFT;
    const end = first + nodes.branchCount(branch);
    for (let at = first; at < end; at++) {
      if (at + 1 < end && (entries[(at << 1) + 2] as number) <= low) continue;
      const child = nodes.child(at);
      if (at > first && (entries[at << 1] as number) >= this.#high) return this.#beforeFirst(child, level - 1);
      if (summaries[at] === UNKNOWN) this.summarize(at, level);
      if ((summaries[at] as number) < length) continue;
      const slot = level === 1 ? this.#lowestInLeaf(child) : this.#lowestBelow(child, level - 1);
      if (slot !== NONE) return slot;
    }
    return NONE;
  }

  #lowestInLeaf(leaf: number): number {
    const { bounds } = this.nodes;
    const length = this.#length;
    const high = this.#high;
    const first = leaf << LEAF_SHIFT;
    const end = first + this.nodes.count(leaf);
    let from = this.endBefore(leaf);
    for (let slot = first; slot < end; slot++) {
      const start = bounds[slot << 1] as number;
      if (start - from >= length) {
        if (this.#fits(from, start)) return slot;
        if (from + length > high) return NONE;
      }
      from = bounds[(slot << 1) + 1] as number;
    }
    return NONE;
  }

  /** The slot of the first VMA of a node above `high`, whose gap alone can begin below that; {@link NONE}: not so. */
  #beforeFirst(node: number, level: number): number {
    const leaf = this.firstLeafBelow(node, level);
    const slot = leaf << LEAF_SHIFT;
    return this.#fits(this.endBefore(leaf), this.nodes.bounds[slot << 1] as number) ? slot : NONE;
  }

  /** Whether what [low, high) has of the gap [from, to) is long enough. */
  #fits(from: number, to: number): boolean {
    const start = from > this.#low ? from : this.#low;
    const end = to < this.#high ? to : this.#high;
    return end - start >= this.#length;
  }
}
