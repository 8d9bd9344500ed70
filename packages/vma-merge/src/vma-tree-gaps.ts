import { FANOUT_SHIFT, LEAF_SHIFT, NONE, UNKNOWN } from '@vmakit/base';
import { PageTree } from './vma-tree-pages.js';

/**
 * VMAs by address; what is known of a subtree is the widest gap before one of its VMAs. Pages.
 *
 * A search for a hole asks for `length` free pages inside [low, high), and finds the VMA behind them: what the hole has
 * is between the end of the VMA before that one and its start, clipped.
 */
export class GapTree extends PageTree {
  /** What is searched for: fields, since numbers that are handed down would be made objects at each level. */
  #length = 0;
  #low = -Infinity;
  #high = Infinity;

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
