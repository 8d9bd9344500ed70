import {
  FANOUT,
  FANOUT_SHIFT,
  type IntervalItem,
  IntervalNodes,
  LEAF_SHIFT,
  LEAF_SLOTS,
  NONE,
  UNKNOWN,
} from './interval-nodes.js';

/** A leaf with no more items than this is joined with the next one if they fit. */
const SPARSE = LEAF_SLOTS / 4;

/**
 * A B+tree of half-open intervals, ordered by their starts, equal starts in the order in which they came. Which
 * intervals may overlap is up to the user, who finds slots, reads bounds and puts items in and out.
 *
 * What is known of a subtree, its summary, is the greatest of a number that each item has. It is computed when it is
 * asked for; from then on it follows what changes, or is forgotten where the greatest number goes away, as far up as it
 * was the greatest. Who changes items says so: {@link raise}, {@link lower}.
 *
 * The leaf gone down to last is tried first: programs work where they worked.
 */
export abstract class IntervalTree<Item extends IntervalItem> {
  readonly nodes: IntervalNodes<Item> = new IntervalNodes<Item>();
  /** A leaf when `height` is 0, else a branch of that level. */
  root: number;
  /** Levels of branches. */
  height = 0;
  /** The leaf gone down to last, and the starts for which that is the leaf. */
  #leaf: number;
  #leafFrom: number = -Infinity;
  #leafTo: number = Infinity;
  /** The item put in last. */
  #newest: Item | null = null;
  /** Some summary was asked for: until then none is known, and none has to follow what changes. */
  #summarized = false;

  constructor() {
    this.root = this.nodes.newLeaf(NONE);
    this.#leaf = this.root;
  }

  /** The summary of a leaf: a number from 0 on. */
  protected abstract summaryOfLeaf(leaf: number): number;

  /** The leaf where an item that starts at `key` is, or would be put: the last that can be. */
  leafFor(key: number): number {
    if (key >= this.#leafFrom && key < this.#leafTo) return this.#leaf;
    const { nodes } = this;
    const { entries } = nodes;
    let node = this.root;
    let from = -Infinity;
    let to = Infinity;
    for (let level = this.height; level > 0; level--) {
      const index = nodes.indexFor(node, key);
      const at = (node << FANOUT_SHIFT) + index;
      if (index > 0) from = entries[at << 1] as number;
      // There always is one behind it, if only a place that is not used.
      const above = entries[(at << 1) + 2] as number;
      if (above < to) to = above;
      node = nodes.child(at);
    }
    this.#leaf = node;
    this.#leafFrom = from;
    this.#leafTo = to;
    return node;
  }

  /** The first leaf below a node of `level`. */
  firstLeafBelow(node: number, level: number): number {
    let below = node;
    for (let at = level; at > 0; at--) below = this.nodes.child(below << FANOUT_SHIFT);
    return below;
  }

  /** Puts an item into `slot` of `leaf`. Before: {@link raise}. */
  insertAt(leaf: number, slot: number, item: Item, start: number, end: number): void {
    const { nodes } = this;
    if (nodes.count(leaf) < LEAF_SLOTS - 1) nodes.insertItem(leaf, slot, item, start, end);
    else this.#insertAndSplit(leaf, slot, item, start, end);
    this.#newest = item;
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
    if (start > old && slot === nodes.lastSlot(leaf)) {
      // The next leaf's key may be lower than its first start: a start that moves up must stay below it.
      const after = nodes.firstSlot(nodes.next(leaf));
      if (after !== NONE) this.setKey(nodes.next(leaf), bounds[2 * after] as number);
    }
    if (start < old && slot === leaf << LEAF_SHIFT) this.setKey(leaf, start);
    bounds[2 * slot] = start;
  }

  /** Sets the key of `leaf`: in every branch above it up to the one in which it is not under the first child. */
  setKey(leaf: number, key: number): void {
    const { nodes } = this;
    this.#forgetLeaf();
    let node = leaf;
    for (let level = 0; level < this.height; level++) {
      const parent = nodes.parent(node, level);
      const index = nodes.indexOf(parent, node);
      nodes.entries[((parent << FANOUT_SHIFT) + index) << 1] = key;
      if (index > 0) return;
      node = parent;
    }
  }

  /** An item of `leaf` has number `value` now, in place of none or of a lower one. */
  raise(leaf: number, value: number): void {
    const { leafSummaries, summaries } = this.nodes;
    if (!this.#summarized) return;
    const known = leafSummaries[leaf] as number;
    if (known !== UNKNOWN) {
      if (known >= value) return;
      leafSummaries[leaf] = value;
    }
    const key = this.nodes.bounds[leaf << (LEAF_SHIFT + 1)] as number;
    let node = leaf;
    for (let level = 0; level < this.height; level++) {
      const at = this.#entryOf(node, level, key);
      if (summaries[at] !== UNKNOWN) {
        if ((summaries[at] as number) >= value) return;
        summaries[at] = value;
      }
      node = at >> FANOUT_SHIFT;
    }
  }

  /** An item of `leaf` has number `value` no more; what it has now, if it has one, is lower. */
  lower(leaf: number, value: number): void {
    const { leafSummaries, summaries } = this.nodes;
    if (!this.#summarized) return;
    const known = leafSummaries[leaf] as number;
    if (known !== UNKNOWN && known > value) return;
    leafSummaries[leaf] = UNKNOWN;
    const key = this.nodes.bounds[leaf << (LEAF_SHIFT + 1)] as number;
    let node = leaf;
    for (let level = 0; level < this.height; level++) {
      const at = this.#entryOf(node, level, key);
      if (summaries[at] !== UNKNOWN) {
        if ((summaries[at] as number) > value) return;
        summaries[at] = UNKNOWN;
      }
      node = at >> FANOUT_SHIFT;
    }
  }

  /** Where the branch above a node of `level` has its entry; an item below the node starts at `key`. */
  #entryOf(node: number, level: number, key: number): number {
    const { nodes } = this;
    const parent = nodes.parent(node, level);
    const base = parent << FANOUT_SHIFT;
    const at = base + nodes.indexFor(parent, key);
    // Where the same start is in several leaves, the search finds the last.
    return nodes.child(at) === node ? at : base + nodes.indexOf(parent, node);
  }

  /** The number of an item of `leaf` changes. */
  change(leaf: number, from: number, to: number): void {
    if (to > from) this.raise(leaf, to);
    else if (to < from) this.lower(leaf, from);
  }

  /**
   * Computes the summary of what is below entry `index` of a branch of `level`. Nothing is given back: a number that
   * comes out of a call would be made an object.
   */
  summarize(branch: number, level: number, index: number): void {
    const { nodes } = this;
    const { summaries } = nodes;
    const at = (branch << FANOUT_SHIFT) + index;
    this.#summarized = true;
    const child = nodes.child(at);
    if (level === 1) {
      const summary = this.summaryOfLeaf(child);
      nodes.leafSummaries[child] = summary;
      summaries[at] = summary;
    } else {
      const first = child << FANOUT_SHIFT;
      let summary = 0;
      for (let i = nodes.branchCount(child) - 1; i >= 0; i--) {
        if (summaries[first + i] === UNKNOWN) this.summarize(child, level - 1, i);
        // Math.max takes care of what cannot be here, and is slow for it.
        if ((summaries[first + i] as number) > summary) summary = summaries[first + i] as number;
      }
      summaries[at] = summary;
    }
  }

  /** Leaves or keys change: the leaf gone down to last may be another for some keys. */
  #forgetLeaf(): void {
    this.#leafFrom = Infinity;
  }

  /**
   * Puts an item into a full leaf, which becomes two: halves, or, where items come in one beside the other, cut there,
   * so that leaves become full.
   */
  #insertAndSplit(leaf: number, slot: number, item: Item, start: number, end: number): void {
    const { nodes } = this;
    const first = leaf << LEAF_SHIFT;
    const index = slot - first;
    const descending = index < LEAF_SLOTS - 1 && nodes.items[slot] === this.#newest;
    // How many of the items, the new one among them, stay.
    let stay = LEAF_SLOTS / 2;
    if (index > 0 && nodes.items[slot - 1] === this.#newest) stay = Math.min(LEAF_SLOTS - 1, index + 1);
    else if (descending) stay = Math.max(1, index);
    const below = index < stay;
    const right = nodes.splitLeaf(leaf, below ? LEAF_SLOTS - stay : LEAF_SLOTS - 1 - stay);
    if (below) nodes.insertItem(leaf, slot, item, start, end);
    else nodes.insertItem(right, (right << LEAF_SHIFT) + index - stay, item, start, end);
    nodes.forgetSummary(leaf, 0);
    let key = nodes.bounds[2 * (right << LEAF_SHIFT)] as number;
    // The lowest key that separates the two: so that what comes in before this one goes to the right, and fills it.
    if (descending) key = Math.min(key, (nodes.bounds[2 * nodes.lastSlot(leaf)] as number) + 1);
    this.#addBehind(leaf, 0, right, key);
    this.#forgetLeaf();
  }

  #addBehind(node: number, level: number, right: number, key: number): void {
    const { nodes } = this;
    let parent = nodes.parent(node, level);
    if (parent === NONE) {
      parent = nodes.newBranch();
      nodes.insertChild(parent, 0, 0, node, level);
      this.root = parent;
      this.height++;
    }
    nodes.insertChild(parent, nodes.indexOf(parent, node) + 1, key, right, level);
    if (nodes.branchCount(parent) === FANOUT) {
      const upper = nodes.splitBranch(parent, level + 1);
      this.#addBehind(parent, level + 1, upper, nodes.entries[upper << (FANOUT_SHIFT + 1)] as number);
    }
  }

  /** Takes an empty leaf out, and the branches that are empty with it. */
  #dropLeaf(leaf: number): void {
    const { nodes } = this;
    if (this.height === 0) return;
    this.#forgetLeaf();
    nodes.freeLeaf(leaf);
    let node = leaf;
    let level = 1;
    let branch = nodes.parent(leaf, 0);
    while (nodes.branchCount(branch) === 1) {
      node = branch;
      // The root of a tree of several leaves has at least two children.
      branch = nodes.parent(branch, level++);
      nodes.freeBranch(node);
    }
    nodes.removeChild(branch, nodes.indexOf(branch, node));
    while (this.height > 0 && nodes.branchCount(this.root) === 1) {
      const { root } = this;
      this.root = nodes.child(root << FANOUT_SHIFT);
      this.height--;
      nodes.setParent(this.root, this.height, NONE);
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
    nodes.forgetSummary(leaf, 0);
    this.#dropLeaf(next);
  }
}
