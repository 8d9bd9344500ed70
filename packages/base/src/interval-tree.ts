import {
  FANOUT,
  FANOUT_SHIFT,
  IntervalNodes,
  type ItemWords,
  LEAF_SHIFT,
  LEAF_SLOTS,
  NONE,
  UNKNOWN,
} from './interval-nodes.js';

/** A leaf with no more items than this is joined with the next one if they fit. */
const SPARSE = LEAF_SLOTS / 4;

/**
 * Where items come in one beside the other, so many are left in each leaf: some room, so that the first items which
 * come in between, as where VMAs are split, do not split the leaf.
 */
const LEFT = LEAF_SLOTS - 6;

/**
 * A B+tree of half-open intervals, ordered by their starts, equal starts in the order in which they came. Which
 * intervals may overlap is up to the user, who finds slots, reads bounds and puts items in and out.
 *
 * What is known of a subtree, its summary, is the greatest of a number that each item has. It is computed when it is
 * asked for; from then on it follows what changes, or is forgotten where the greatest number goes away, as far up as it
 * was the greatest. Who changes items says so: {@link raise}, {@link lower}.
 */
export abstract class IntervalTree {
  readonly nodes: IntervalNodes;
  /** A leaf when `height` is 0, else a branch of that level. */
  root: number;
  /** Levels of branches. */
  height = 0;
  /** The slot where the item put in last went: a guess, since it may have been moved since. */
  protected newest = 0;
  /** Some summary was asked for: until then none is known, and none has to follow what changes. */
  #summarized = false;

  /** The arguments are those of {@link IntervalNodes}. */
  constructor(table?: ItemWords, wordsShift?: number, leafWord?: number) {
    this.nodes = new IntervalNodes(table, wordsShift, leafWord);
    this.root = this.nodes.newLeaf(NONE);
  }

  /** The summary of a leaf: a number from 0 on. */
  protected abstract summaryOfLeaf(leaf: number): number;

  /** Items have come into `leaf` from another leaf, or are in another one now. */
  protected leafChanged(_leaf: number): void {
    // Nothing is kept here of where items are.
  }

  /** The leaf where an item that starts at `key` is, or would be put: the last that can be. */
  leafFor(key: number): number {
    const { nodes } = this;
    let node = this.root;
    for (let level = this.height; level > 0; level--) node = nodes.childFor(node, key);
    return node;
  }

  /** The first leaf below a node of `level`. */
  firstLeafBelow(node: number, level: number): number {
    let below = node;
    for (let at = level; at > 0; at--) below = this.nodes.child(below << FANOUT_SHIFT);
    return below;
  }

  /** Puts an item into `slot` of `leaf`. Before: {@link raise}. */
  insertAt(leaf: number, slot: number, item: number, start: number, end: number): void {
    const { nodes } = this;
    if (nodes.count(leaf) === LEAF_SLOTS - 1) return this.#insertAndSplit(leaf, slot, item, start, end);
    nodes.insertItem(leaf, slot, item, start, end);
    this.newest = slot;
  }

  /** Takes the item in `slot` of `leaf` out. Before: {@link lower}. */
  removeAt(leaf: number, slot: number): void {
    const { nodes } = this;
    nodes.removeItem(leaf, slot);
    const left = nodes.count(leaf);
    if (left === 0) this.#dropLeaf(leaf);
    else if (left <= SPARSE) this.#joinWithNext(leaf);
  }

  /**
   * Gives the item in `slot` of `leaf` another start, between those of its neighbours.
   */
  setStart(leaf: number, slot: number, start: number): void {
    const { nodes } = this;
    const { bounds } = nodes;
    const old = bounds[2 * slot] as number;
    if (start > old && slot === nodes.lastSlot(leaf)) this.raiseKeyBehind(leaf);
    if (start < old && slot === leaf << LEAF_SHIFT) this.setKey(leaf, start);
    bounds[2 * slot] = start;
  }

  /**
   * Makes the key of the leaf behind `leaf` its first start. It may be lower; a start in `leaf` that moves up, or comes
   * in behind the last, must stay below it.
   */
  raiseKeyBehind(leaf: number): void {
    const { nodes } = this;
    const next = nodes.next(leaf);
    if (next !== NONE) this.setKey(next, nodes.bounds[2 * (next << LEAF_SHIFT)] as number);
  }

  /** Sets the key of `leaf`: in every branch above it up to the one in which it is not under the first child. */
  setKey(leaf: number, key: number): void {
    const { nodes } = this;
    let at = nodes.entryOf(leaf, 0);
    for (let level = 1; at !== NONE; level++) {
      nodes.entries[at << 1] = key;
      if ((at & (FANOUT - 1)) > 0) return;
      at = nodes.entryOf(at >> FANOUT_SHIFT, level);
    }
  }

  /** An item of `leaf` has number `value` now, in place of none or of a lower one. */
  raise(leaf: number, value: number): void {
    this.#tell(leaf, value, value);
  }

  /** An item of `leaf` has number `value` no more; what it has now, if it has one, is lower. */
  lower(leaf: number, value: number): void {
    this.#tell(leaf, value, UNKNOWN);
  }

  /** The same as {@link raise} and {@link lower} for the leaf behind `leaf`, if there is one. */
  raiseNext(leaf: number, value: number): void {
    this.#tellNext(leaf, value, value);
  }

  lowerNext(leaf: number, value: number): void {
    this.#tellNext(leaf, value, UNKNOWN);
  }

  #tellNext(leaf: number, value: number, summary: number): void {
    const next = this.#summarized ? this.nodes.next(leaf) : NONE;
    if (next !== NONE) this.#tell(next, value, summary);
  }

  /** Makes `summary` what is known of `leaf` and of all above it, up to where there is more than `value`. */
  #tell(leaf: number, value: number, summary: number): void {
    if (!this.#summarized) return;
    const { nodes } = this;
    const { summaries } = nodes;
    let at = nodes.entryOf(leaf, 0);
    for (let level = 1; at !== NONE; level++) {
      const known = summaries[at] as number;
      // What is not known here may be known above.
      if (known !== UNKNOWN) {
        if (known > value) return;
        summaries[at] = summary;
      }
      at = nodes.entryOf(at >> FANOUT_SHIFT, level);
    }
  }

  /** The number of an item of `leaf` changes. */
  change(leaf: number, from: number, to: number): void {
    if (to > from) this.raise(leaf, to);
    else if (to < from) this.lower(leaf, from);
  }

  /**
   * Computes the summary of what is below the entry at `at`, of a branch of `level`. Nothing is given back: a number
   * that comes out of a call would be made an object.
   */
  summarize(at: number, level: number): void {
    const { nodes } = this;
    const { summaries } = nodes;
    this.#summarized = true;
    const child = nodes.child(at);
    if (level === 1) {
      summaries[at] = this.summaryOfLeaf(child);
    } else {
      const first = child << FANOUT_SHIFT;
      let summary = 0;
      for (let below = first + nodes.branchCount(child) - 1; below >= first; below--) {
        let known = summaries[below] as number;
        if (known === UNKNOWN) {
          this.summarize(below, level - 1);
          known = summaries[below] as number;
        }
        // Math.max takes care of what cannot be here, and is slow for it.
        if (known > summary) summary = known;
      }
      summaries[at] = summary;
    }
  }

  /**
   * Puts an item into a full leaf, which becomes two: halves, or, where items come in one beside the other, cut there
   * or where {@link LEFT} stay, so that leaves become nearly full.
   */
  #insertAndSplit(leaf: number, slot: number, item: number, start: number, end: number): void {
    const { nodes } = this;
    const index = slot - (leaf << LEAF_SHIFT);
    // The last slot of a leaf is never used: neither place is one of another leaf.
    const ascending = slot - 1 === this.newest;
    const descending = slot === this.newest;
    // How many of the items, the new one among them, stay.
    let stay = LEAF_SLOTS / 2;
    if (ascending) stay = Math.min(LEFT, index + 1);
    else if (descending) stay = Math.max(LEAF_SLOTS - LEFT, Math.min(LEFT, index));
    const below = index < stay;
    const right = nodes.splitLeaf(leaf, below ? LEAF_SLOTS - stay : LEAF_SLOTS - 1 - stay);
    const place = below ? slot : (right << LEAF_SHIFT) + index - stay;
    nodes.insertItem(below ? leaf : right, place, item, start, end);
    this.newest = place;
    this.leafChanged(leaf);
    this.leafChanged(right);
    nodes.forgetSummary(leaf, 0);
    let key = nodes.bounds[2 * (right << LEAF_SHIFT)] as number;
    // The lowest key that separates the two: so that what comes in before this one goes to the right, and fills it.
    if (descending) key = Math.min(key, (nodes.bounds[2 * nodes.lastSlot(leaf)] as number) + 1);
    this.#addBehind(leaf, 0, right, key);
  }

  #addBehind(node: number, level: number, right: number, key: number): void {
    const { nodes } = this;
    if (node === this.root && level === this.height) {
      this.root = nodes.newBranch();
      this.height++;
      nodes.insertChild(this.root, 0, 0, node, level);
    }
    const at = nodes.entryOf(node, level);
    const parent = at >> FANOUT_SHIFT;
    nodes.insertChild(parent, (at & (FANOUT - 1)) + 1, key, right, level);
    if (nodes.branchCount(parent) === FANOUT) {
      const upper = nodes.splitBranch(parent, level + 1);
      this.#addBehind(parent, level + 1, upper, nodes.entries[upper << (FANOUT_SHIFT + 1)] as number);
    }
  }

  /** Takes an empty leaf out, and the branches that are empty with it. */
  #dropLeaf(leaf: number): void {
    const { nodes } = this;
    if (this.height === 0) return;
    nodes.freeLeaf(leaf);
    let at = nodes.entryOf(leaf, 0);
    // The root of a tree of several leaves has at least two children.
    for (let level = 1; nodes.branchCount(at >> FANOUT_SHIFT) === 1; level++) {
      const branch = at >> FANOUT_SHIFT;
      at = nodes.entryOf(branch, level);
      nodes.freeBranch(branch);
    }
    nodes.removeEntry(at);
    while (this.height > 0 && nodes.branchCount(this.root) === 1) {
      const { root } = this;
      this.root = nodes.child(root << FANOUT_SHIFT);
      this.height--;
      nodes.setEntry(this.root, this.height, NONE);
      nodes.freeBranch(root);
    }
  }

  /** Empties a sparse leaf's successor into it when both have the same parent and fit with room to spare. */
  #joinWithNext(leaf: number): void {
    const { nodes } = this;
    const next = nodes.next(leaf);
    if (next === NONE || nodes.parent(next, 0) !== nodes.parent(leaf, 0)) return;
    if (nodes.count(leaf) + nodes.count(next) > LEAF_SLOTS - SPARSE) return;
    nodes.takeAll(leaf, next);
    this.leafChanged(leaf);
    nodes.forgetSummary(leaf, 0);
    this.#dropLeaf(next);
  }
}
