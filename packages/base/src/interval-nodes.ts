import { copiedInto } from './large-arrays.js';
import { alignedDoubles, wordsOf } from './room.js';

/** log2 of the children that a branch has room for: shifts keep places small integers, products do not. */
export const FANOUT_SHIFT = 5;
export const FANOUT: number = 1 << FANOUT_SHIFT;

/** The same for the items of a leaf. Fewer than children: what comes in moves half of them up. */
export const LEAF_SHIFT = 4;
export const LEAF_SLOTS: number = 1 << LEAF_SHIFT;

/** No such node or slot. */
export const NONE: number = -1;

/** A summary that must be computed anew: more than any number there is, so who looks for a great one looks there. */
export const UNKNOWN: number = 2 ** 64;

/** Where the leaves of items are, for a tree that keeps them: see {@link IntervalNodes}. */
export interface ItemWords {
  /** Some 32-bit words of each item, one of them its leaf: {@link NONE}, it is in none. */
  readonly words: Int32Array;
}

/** 32-bit words of a leaf in `bounds`. What would be the end of its last slot has its count and its entry above. */
const LEAF_WORDS_SHIFT = LEAF_SHIFT + 2;
const COUNT = (1 << LEAF_WORDS_SHIFT) - 2;
const ENTRY = (1 << LEAF_WORDS_SHIFT) - 1;

/** What `#row` has of a leaf. */
const ROW_FIELDS = 2;
const PREVIOUS = 0;
const NEXT = 1;

/** 32-bit words of a branch in `entries`: an entry is four, its key, its child, and one that has something else. */
const BRANCH_WORDS_SHIFT = FANOUT_SHIFT + 2;
const CHILD = 2;
/** In the first two entries. */
const BRANCH_COUNT = 3;
const BRANCH_ENTRY = 7;

/**
 * The nodes of one B+tree of intervals: a node is a number, so that going down the tree reads arrays of numbers only,
 * and nothing is allocated but when the arrays grow. What a search reads of a node lies together, since in a large tree
 * each other place is one more wait for memory.
 *
 * A leaf (level 0) holds items with their bounds, and knows the leaves beside it. A branch holds children, a key for
 * each (a lower bound of the starts below it; the first is not looked at) and a summary of what is below each: the
 * greatest of a number from 0 on that each item has, or {@link UNKNOWN}. What is known above is right whether or not
 * all below it is known.
 *
 * An item is a number from 0 on, that of a row in somebody's table. The tree keeps the leaf of an item there, unless
 * the item can be found by its start: where it is alone with it.
 */
export class IntervalNodes {
  /**
   * Start and end of the item in slot s: at 2s and 2s + 1. Leaf n has the slots from n * LEAF_SLOTS on; the start in a
   * slot that is not used is Infinity. The last slot of a leaf is never used.
   */
  bounds: Float64Array = new Float64Array(2 * LEAF_SLOTS).fill(Infinity);
  /** The same memory. */
  #leafWords: Int32Array = new Int32Array(this.bounds.buffer);
  /** The item in each slot; {@link NONE}: it is not used. */
  items: Int32Array = new Int32Array(LEAF_SLOTS).fill(NONE);
  /** The leaves before and behind each. */
  #row: Int32Array = new Int32Array(ROW_FIELDS);
  /** Leaves there ever were: their numbers are below this. */
  leaves = 0;
  #freeLeaf = NONE;

  /**
   * The key of entry i of branch n: at 2 * (n * FANOUT + i), and Infinity in a place that is not used; behind it
   * {@link child}. The last place of a branch is never used.
   */
  entries: Float64Array = new Float64Array(0);
  /** The same memory. */
  #entryWords: Int32Array = new Int32Array(0);
  /** Summary i of branch n: at n * FANOUT + i. */
  summaries: Float64Array = new Float64Array(0);
  #branches = 0;
  #freeBranch = NONE;

  readonly #table: ItemWords | null;
  readonly #wordsShift: number;
  readonly #leafWord: number;

  /**
   * @param table where items have their leaves: in word `leafWord` of each; null: they have none
   * @param wordsShift log2 of the words of an item
   */
  constructor(table: ItemWords | null = null, wordsShift = 0, leafWord = 0) {
    this.#table = table;
    this.#wordsShift = wordsShift;
    this.#leafWord = leafWord;
  }

  #setLeafOf(item: number, leaf: number): void {
    const table = this.#table;
    if (table !== null) table.words[(item << this.#wordsShift) + this.#leafWord] = leaf;
  }

  /** Items of a leaf: fewer than {@link LEAF_SLOTS}. */
  count(leaf: number): number {
    return this.#leafWords[(leaf << LEAF_WORDS_SHIFT) + COUNT] as number;
  }

  /** The leaf before. */
  previous(leaf: number): number {
    return this.#row[leaf * ROW_FIELDS + PREVIOUS] as number;
  }

  /** The leaf behind. */
  next(leaf: number): number {
    return this.#row[leaf * ROW_FIELDS + NEXT] as number;
  }

  /** Children of a branch. */
  branchCount(branch: number): number {
    return this.#entryWords[(branch << BRANCH_WORDS_SHIFT) + BRANCH_COUNT] as number;
  }

  /** The child of the entry at `at`: entry i of branch n is at n * FANOUT + i. */
  child(at: number): number {
    return this.#entryWords[(at << 2) + CHILD] as number;
  }

  /**
   * The place of the entry that the branch above a node of `level` has for it: entry i of branch n is at
   * n * FANOUT + i. {@link NONE}: there is no branch above.
   */
  entryOf(node: number, level: number): number {
    const at = this.#lastEntry(node, level);
    return at === NONE || this.child(at) === node ? at : this.#findEntry(node, level, at);
  }

  /** The branch above a node of `level`. */
  parent(node: number, level: number): number {
    return this.#lastEntry(node, level) >> FANOUT_SHIFT;
  }

  /** The entry for a node where it was seen last: in the branch above, in which it may have moved since. */
  #lastEntry(node: number, level: number): number {
    return level === 0
      ? (this.#leafWords[(node << LEAF_WORDS_SHIFT) + ENTRY] as number)
      : (this.#entryWords[(node << BRANCH_WORDS_SHIFT) + BRANCH_ENTRY] as number);
  }

  #findEntry(node: number, level: number, last: number): number {
    let at = (last >> FANOUT_SHIFT) << FANOUT_SHIFT;
    while (this.child(at) !== node) at++;
    this.setEntry(node, level, at);
    return at;
  }

  /** Says where the entry for a node of `level` is. */
  setEntry(node: number, level: number, at: number): void {
    if (level === 0) this.#leafWords[(node << LEAF_WORDS_SHIFT) + ENTRY] = at;
    else this.#entryWords[(node << BRANCH_WORDS_SHIFT) + BRANCH_ENTRY] = at;
  }

  /** The slot of a leaf's last item; {@link NONE}: there is no leaf, or no item. */
  lastSlot(leaf: number): number {
    if (leaf === NONE) return NONE;
    const count = this.count(leaf);
    return count === 0 ? NONE : (leaf << LEAF_SHIFT) + count - 1;
  }

  /** The slot of a leaf's first item; {@link NONE}: there is no leaf, or no item. */
  firstSlot(leaf: number): number {
    return leaf === NONE || this.count(leaf) === 0 ? NONE : leaf << LEAF_SHIFT;
  }

  /**
   * The last slot of `leaf` whose item starts at or below `key`; the one before the leaf's first if all start above.
   *
   * Written out for the size of a leaf. Nothing branches on what is read, since half of such branches would be
   * predicted wrongly; and what is read in one step is in different lines of the cache, or all in one, so that memory
   * is waited for twice at the most.
   */
  slotAtOrBelow(leaf: number, key: number): number {
    const { bounds } = this;
    let slot = leaf << LEAF_SHIFT;
    slot +=
      (Number((bounds[(slot + 4) << 1] as number) <= key) +
        Number((bounds[(slot + 8) << 1] as number) <= key) +
        Number((bounds[(slot + 12) << 1] as number) <= key)) <<
      2;
    slot +=
      Number((bounds[(slot + 1) << 1] as number) <= key) +
      Number((bounds[(slot + 2) << 1] as number) <= key) +
      Number((bounds[(slot + 3) << 1] as number) <= key);
    return slot - Number((bounds[slot << 1] as number) > key);
  }

  /** An empty leaf behind `previous`. */
  newLeaf(previous: number): number {
    let leaf = this.#freeLeaf;
    if (leaf === NONE) leaf = this.#addLeaf();
    else this.#freeLeaf = this.next(leaf);
    const next = previous === NONE ? NONE : this.next(previous);
    this.#leafWords[(leaf << LEAF_WORDS_SHIFT) + COUNT] = 0;
    this.setEntry(leaf, 0, NONE);
    const row = this.#row;
    row[leaf * ROW_FIELDS + PREVIOUS] = previous;
    row[leaf * ROW_FIELDS + NEXT] = next;
    if (previous !== NONE) row[previous * ROW_FIELDS + NEXT] = leaf;
    if (next !== NONE) row[next * ROW_FIELDS + PREVIOUS] = leaf;
    return leaf;
  }

  /** Takes an empty leaf out of the row of leaves; its number may be used again. */
  freeLeaf(leaf: number): void {
    const row = this.#row;
    const previous = this.previous(leaf);
    const next = this.next(leaf);
    if (previous !== NONE) row[previous * ROW_FIELDS + NEXT] = next;
    if (next !== NONE) row[next * ROW_FIELDS + PREVIOUS] = previous;
    row[leaf * ROW_FIELDS + NEXT] = this.#freeLeaf;
    this.#freeLeaf = leaf;
  }

  /** Puts an item into `slot` of `leaf`; what is there moves up. */
  insertItem(leaf: number, slot: number, item: number, start: number, end: number): void {
    const { bounds, items } = this;
    for (let i = (leaf << LEAF_SHIFT) + this.count(leaf); i > slot; i--) {
      const at = i << 1;
      bounds[at] = bounds[at - 2] as number;
      bounds[at + 1] = bounds[at - 1] as number;
      items[i] = items[i - 1] as number;
    }
    bounds[slot << 1] = start;
    bounds[(slot << 1) + 1] = end;
    items[slot] = item;
    this.#setLeafOf(item, leaf);
    this.#addToCount(leaf, 1);
  }

  /** Takes out what is in `slot` of `leaf`; what is behind it moves down. */
  removeItem(leaf: number, slot: number): void {
    const { bounds, items } = this;
    const last = (leaf << LEAF_SHIFT) + this.count(leaf) - 1;
    this.#setLeafOf(items[slot] as number, NONE);
    for (let i = slot; i < last; i++) {
      const at = i << 1;
      bounds[at] = bounds[at + 2] as number;
      bounds[at + 1] = bounds[at + 3] as number;
      items[i] = items[i + 1] as number;
    }
    bounds[last << 1] = Infinity;
    items[last] = NONE;
    this.#addToCount(leaf, -1);
  }

  /** Moves the last `moved` items of `leaf` to a new leaf behind it. */
  splitLeaf(leaf: number, moved: number): number {
    const right = this.newLeaf(leaf);
    this.#moveItems((leaf << LEAF_SHIFT) + this.count(leaf) - moved, right, moved);
    this.#addToCount(leaf, -moved);
    return right;
  }

  /** Appends every item of `other` to `leaf`. */
  takeAll(leaf: number, other: number): void {
    const moved = this.count(other);
    this.#moveItems(other << LEAF_SHIFT, leaf, moved);
    this.#addToCount(other, -moved);
  }

  #moveItems(from: number, leaf: number, moved: number): void {
    const { bounds, items } = this;
    const to = (leaf << LEAF_SHIFT) + this.count(leaf);
    for (let i = 0; i < moved; i++) {
      const item = items[from + i] as number;
      bounds[2 * (to + i)] = bounds[2 * (from + i)] as number;
      bounds[2 * (to + i) + 1] = bounds[2 * (from + i) + 1] as number;
      bounds[2 * (from + i)] = Infinity;
      items[to + i] = item;
      items[from + i] = NONE;
      this.#setLeafOf(item, leaf);
    }
    this.#addToCount(leaf, moved);
  }

  #addToCount(leaf: number, change: number): void {
    (this.#leafWords[(leaf << LEAF_WORDS_SHIFT) + COUNT] as number) += change;
  }

  /** An empty branch. */
  newBranch(): number {
    let branch = this.#freeBranch;
    if (branch === NONE) branch = this.#addBranch();
    else this.#freeBranch = this.#lastEntry(branch, 1);
    this.#setBranchCount(branch, 0);
    this.setEntry(branch, 1, NONE);
    return branch;
  }

  /** Takes a branch back; its number may be used again. */
  freeBranch(branch: number): void {
    this.setEntry(branch, 1, this.#freeBranch);
    this.#freeBranch = branch;
  }

  #setBranchCount(branch: number, count: number): void {
    this.#entryWords[(branch << BRANCH_WORDS_SHIFT) + BRANCH_COUNT] = count;
  }

  /** The child of `branch` that an item which starts at `key` is below, or would be. See {@link slotAtOrBelow}. */
  childFor(branch: number, key: number): number {
    const { entries } = this;
    let at = branch << FANOUT_SHIFT;
    at +=
      (Number((entries[(at + 8) << 1] as number) <= key) +
        Number((entries[(at + 16) << 1] as number) <= key) +
        Number((entries[(at + 24) << 1] as number) <= key)) <<
      3;
    at +=
      (Number((entries[(at + 2) << 1] as number) <= key) +
        Number((entries[(at + 4) << 1] as number) <= key) +
        Number((entries[(at + 6) << 1] as number) <= key)) <<
      1;
    at += Number((entries[(at + 1) << 1] as number) <= key);
    return this.child(at);
  }

  /** Makes `child`, a node of `childLevel`, entry `index` of `branch`; its summary is not known. */
  insertChild(branch: number, index: number, key: number, child: number, childLevel: number): void {
    const count = this.branchCount(branch);
    const base = branch << FANOUT_SHIFT;
    for (let at = base + count; at > base + index; at--) this.#copyEntry(at - 1, at);
    const at = base + index;
    this.entries[at << 1] = key;
    this.#entryWords[(at << 2) + CHILD] = child;
    this.summaries[at] = UNKNOWN;
    this.#setBranchCount(branch, count + 1);
    this.setEntry(child, childLevel, at);
  }

  /** Takes out the entry at `place`. */
  removeEntry(place: number): void {
    const branch = place >> FANOUT_SHIFT;
    const count = this.branchCount(branch) - 1;
    const last = (branch << FANOUT_SHIFT) + count;
    for (let at = place; at < last; at++) this.#copyEntry(at + 1, at);
    this.#clearEntry(last);
    this.#setBranchCount(branch, count);
  }

  #clearEntry(at: number): void {
    this.entries[at << 1] = Infinity;
    this.#entryWords[(at << 2) + CHILD] = NONE;
  }

  #copyEntry(from: number, to: number): void {
    this.entries[to << 1] = this.entries[from << 1] as number;
    this.#entryWords[(to << 2) + CHILD] = this.child(from);
    this.summaries[to] = this.summaries[from] as number;
  }

  /** Moves the upper half of a full branch of `level` to a new one. */
  splitBranch(branch: number, level: number): number {
    const right = this.newBranch();
    const half = FANOUT / 2;
    const from = (branch << FANOUT_SHIFT) + half;
    for (let i = 0; i < half; i++) {
      this.insertChild(right, i, this.entries[(from + i) << 1] as number, this.child(from + i), level - 1);
      this.summaries[(right << FANOUT_SHIFT) + i] = this.summaries[from + i] as number;
      this.#clearEntry(from + i);
    }
    this.#setBranchCount(branch, half);
    this.forgetSummary(branch, level);
    return right;
  }

  /** Makes the summary of a node of `level` unknown. What is above it stays. */
  forgetSummary(node: number, level: number): void {
    const at = this.entryOf(node, level);
    if (at !== NONE) this.summaries[at] = UNKNOWN;
  }

  /** Makes room for `count` items that come in order, in place of growing on the way. */
  reserve(count: number): void {
    const room = Math.ceil(count / (LEAF_SLOTS - 1)) + 1;
    if (room * ROW_FIELDS > this.#row.length) this.#growLeaves(room);
  }

  #growLeaves(room: number): void {
    this.#row = copiedInto(new Int32Array(room * ROW_FIELDS), this.#row);
    this.bounds = copiedInto(alignedDoubles(room * 2 * LEAF_SLOTS), this.bounds).fill(Infinity, this.bounds.length);
    this.#leafWords = wordsOf(this.bounds);
    const items = wordsOf(alignedDoubles((room * LEAF_SLOTS) / 2));
    this.items = copiedInto(items, this.items).fill(NONE, this.items.length);
  }

  #addLeaf(): number {
    const leaf = this.leaves++;
    if (leaf * ROW_FIELDS === this.#row.length) this.#growLeaves(grown(leaf));
    return leaf;
  }

  #addBranch(): number {
    const branch = this.#branches++;
    if (branch * FANOUT === this.summaries.length) {
      const room = grown(branch) * FANOUT;
      this.entries = copiedInto(new Float64Array(2 * room), this.entries).fill(Infinity, this.entries.length);
      this.#entryWords = new Int32Array(this.entries.buffer);
      this.summaries = copiedInto(new Float64Array(room), this.summaries);
    }
    return branch;
  }
}

/** How many nodes to have room for when `nodes` were not enough. */
function grown(nodes: number): number {
  return nodes < 4 ? nodes + 1 : nodes + (nodes >> 1);
}
