import type { Vma } from './vma.js';

/** Entries that a node has room for; a node that reaches it is split. */
export const FANOUT = 32;

/** No such node. */
export const NONE: number = -1;

/** Fields of a leaf in `leafInfo`. */
const LEAF_FIELDS = 8;
const COUNT = 0;
const PARENT = 1;
const STALE = 2;
const PREV = 3;
const NEXT = 4;

/** Fields of a branch in `branchInfo`: the first three are those of a leaf. */
const BRANCH_FIELDS = 4;

/** A gap whose width must be computed anew. */
export const UNKNOWN: number = -1;

/**
 * The nodes of one tree, a struct of arrays: a node is a number, so that going down the tree reads arrays only, and
 * nothing is allocated but when the arrays grow.
 *
 * A leaf holds VMAs with their bounds; a branch holds children, a key for each (a lower bound of the starts below it;
 * the first is not looked at) and the widest gap before a VMA below each. Everything is pages. A node is stale when the
 * gap that its parent has of it is {@link UNKNOWN}; then its ancestors are stale as well.
 */
export class NodePool {
  /** Start and end of the VMA in slot s: at 2s and 2s + 1. Leaf n has the slots from n * FANOUT on. */
  bounds: Float64Array = new Float64Array(2 * FANOUT);
  /** The VMA in each slot. */
  readonly vmas: (Vma | null)[] = new Array<Vma | null>(FANOUT).fill(null);
  #leafInfo: Int32Array = new Int32Array(LEAF_FIELDS);
  #leaves = 0;
  #freeLeaf = NONE;

  /** Child, key and gap i of branch n: at n * FANOUT + i. */
  children: Int32Array = new Int32Array(0);
  keys: Float64Array = new Float64Array(0);
  gaps: Float64Array = new Float64Array(0);
  #branchInfo: Int32Array = new Int32Array(0);
  #branches = 0;
  #freeBranch = NONE;

  /** Entries of a leaf. */
  count(leaf: number): number {
    return this.#leafInfo[leaf * LEAF_FIELDS + COUNT] as number;
  }

  previous(leaf: number): number {
    return this.#leafInfo[leaf * LEAF_FIELDS + PREV] as number;
  }

  next(leaf: number): number {
    return this.#leafInfo[leaf * LEAF_FIELDS + NEXT] as number;
  }

  leafParent(leaf: number): number {
    return this.#leafInfo[leaf * LEAF_FIELDS + PARENT] as number;
  }

  /** Entries of a branch. */
  branchCount(branch: number): number {
    return this.#branchInfo[branch * BRANCH_FIELDS + COUNT] as number;
  }

  branchParent(branch: number): number {
    return this.#branchInfo[branch * BRANCH_FIELDS + PARENT] as number;
  }

  /** The parent of a node of `level`: 0 is a leaf. */
  parent(node: number, level: number): number {
    return level === 0 ? this.leafParent(node) : this.branchParent(node);
  }

  /** Makes a node of `level` a child of branch `parent`, or of none. */
  setParent(node: number, level: number, parent: number): void {
    if (level === 0) this.#leafInfo[node * LEAF_FIELDS + PARENT] = parent;
    else this.#branchInfo[node * BRANCH_FIELDS + PARENT] = parent;
  }

  /** The slot of a leaf's last entry; -1: the leaf is none, or empty. */
  lastSlot(leaf: number): number {
    if (leaf === NONE) return NONE;
    const count = this.count(leaf);
    return count === 0 ? NONE : leaf * FANOUT + count - 1;
  }

  /** The slot of a leaf's first entry; -1: the leaf is none, or empty. */
  firstSlot(leaf: number): number {
    return leaf === NONE || this.count(leaf) === 0 ? NONE : leaf * FANOUT;
  }

  /** The last slot of `leaf` whose VMA starts at or below `page`; the one before the leaf's first if all start above. */
  slotAtOrBelow(leaf: number, page: number): number {
    const { bounds } = this;
    let low = leaf * FANOUT;
    let high = low + this.count(leaf);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[2 * middle] as number) <= page) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** An empty leaf behind `previous`. */
  newLeaf(previous: number): number {
    let leaf = this.#freeLeaf;
    if (leaf === NONE) leaf = this.#addLeaf();
    else this.#freeLeaf = this.next(leaf);
    const next = previous === NONE ? NONE : this.next(previous);
    const info = this.#leafInfo;
    const at = leaf * LEAF_FIELDS;
    info[at + COUNT] = 0;
    info[at + PARENT] = NONE;
    info[at + STALE] = 1;
    info[at + PREV] = previous;
    info[at + NEXT] = next;
    if (previous !== NONE) info[previous * LEAF_FIELDS + NEXT] = leaf;
    if (next !== NONE) info[next * LEAF_FIELDS + PREV] = leaf;
    return leaf;
  }

  /** Takes an empty leaf out of the row of leaves; its number may be used again. */
  freeLeaf(leaf: number): void {
    const info = this.#leafInfo;
    const previous = this.previous(leaf);
    const next = this.next(leaf);
    if (previous !== NONE) info[previous * LEAF_FIELDS + NEXT] = next;
    if (next !== NONE) info[next * LEAF_FIELDS + PREV] = previous;
    info[leaf * LEAF_FIELDS + NEXT] = this.#freeLeaf;
    this.#freeLeaf = leaf;
  }

  /** Puts `vma` into `slot` of `leaf`; what is there moves up. */
  insertVma(leaf: number, slot: number, vma: Vma): void {
    const { bounds, vmas } = this;
    const end = leaf * FANOUT + this.count(leaf);
    for (let i = end; i > slot; i--) {
      bounds[2 * i] = bounds[2 * i - 2] as number;
      bounds[2 * i + 1] = bounds[2 * i - 1] as number;
      vmas[i] = vmas[i - 1] as Vma;
    }
    bounds[2 * slot] = vma.start;
    bounds[2 * slot + 1] = vma.end;
    vmas[slot] = vma;
    vma.leaf = leaf;
    this.#addToCount(leaf, 1);
  }

  /** Takes out what is in `slot` of `leaf`; what is behind it moves down. */
  removeVma(leaf: number, slot: number): void {
    const { bounds, vmas } = this;
    const last = leaf * FANOUT + this.count(leaf) - 1;
    for (let i = slot; i < last; i++) {
      bounds[2 * i] = bounds[2 * i + 2] as number;
      bounds[2 * i + 1] = bounds[2 * i + 3] as number;
      vmas[i] = vmas[i + 1] as Vma;
    }
    vmas[last] = null;
    this.#addToCount(leaf, -1);
  }

  /** Moves the last `moved` VMAs of `leaf` to a new leaf behind it. */
  splitLeaf(leaf: number, moved: number): number {
    const right = this.newLeaf(leaf);
    const from = leaf * FANOUT + this.count(leaf) - moved;
    this.#moveVmas(from, right, moved);
    this.#addToCount(leaf, -moved);
    return right;
  }

  /** Appends every VMA of `other` to `leaf`. */
  takeAll(leaf: number, other: number): void {
    const moved = this.count(other);
    this.#moveVmas(other * FANOUT, leaf, moved);
    this.#addToCount(other, -moved);
  }

  #moveVmas(from: number, leaf: number, moved: number): void {
    const { bounds, vmas } = this;
    const to = leaf * FANOUT + this.count(leaf);
    for (let i = 0; i < moved; i++) {
      const vma = vmas[from + i] as Vma;
      bounds[2 * (to + i)] = bounds[2 * (from + i)] as number;
      bounds[2 * (to + i) + 1] = bounds[2 * (from + i) + 1] as number;
      vmas[to + i] = vma;
      vmas[from + i] = null;
      vma.leaf = leaf;
    }
    this.#addToCount(leaf, moved);
  }

  #addToCount(leaf: number, change: number): void {
    const info = this.#leafInfo;
    const at = leaf * LEAF_FIELDS + COUNT;
    info[at] = (info[at] as number) + change;
  }

  /** An empty branch. */
  newBranch(): number {
    let branch = this.#freeBranch;
    if (branch === NONE) branch = this.#addBranch();
    else this.#freeBranch = this.branchParent(branch);
    const info = this.#branchInfo;
    const at = branch * BRANCH_FIELDS;
    info[at + COUNT] = 0;
    info[at + PARENT] = NONE;
    info[at + STALE] = 1;
    return branch;
  }

  freeBranch(branch: number): void {
    this.#branchInfo[branch * BRANCH_FIELDS + PARENT] = this.#freeBranch;
    this.#freeBranch = branch;
  }

  /** Which child of `branch` `child` is. */
  indexOf(branch: number, child: number): number {
    const { children } = this;
    const base = branch * FANOUT;
    let at = base;
    while (children[at] !== child) at++;
    return at - base;
  }

  /** The child of `branch` below which `page` is, by its index. */
  indexFor(branch: number, page: number): number {
    const { keys } = this;
    const base = branch * FANOUT;
    let low = base + 1;
    let high = base + this.branchCount(branch);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as number) <= page) low = middle + 1;
      else high = middle;
    }
    return low - 1 - base;
  }

  /** Makes `child`, a node of `childLevel`, entry `index` of `branch`. */
  insertChild(branch: number, index: number, key: number, child: number, childLevel: number): void {
    const { children, keys, gaps } = this;
    const at = branch * FANOUT + index;
    const end = branch * FANOUT + this.branchCount(branch);
    for (let i = end; i > at; i--) {
      children[i] = children[i - 1] as number;
      keys[i] = keys[i - 1] as number;
      gaps[i] = gaps[i - 1] as number;
    }
    children[at] = child;
    keys[at] = key;
    gaps[at] = UNKNOWN;
    (this.#branchInfo[branch * BRANCH_FIELDS + COUNT] as number)++;
    this.setParent(child, childLevel, branch);
    this.markStale(child, childLevel);
    this.markBranchStale(branch);
  }

  removeChild(branch: number, index: number): void {
    const { children, keys, gaps } = this;
    const last = branch * FANOUT + --(this.#branchInfo[branch * BRANCH_FIELDS + COUNT] as number);
    for (let i = branch * FANOUT + index; i < last; i++) {
      children[i] = children[i + 1] as number;
      keys[i] = keys[i + 1] as number;
      gaps[i] = gaps[i + 1] as number;
    }
    this.markBranchStale(branch);
  }

  /** Moves the upper half of a full branch, whose children are of `childLevel`, to a new one. */
  splitBranch(branch: number, childLevel: number): number {
    const right = this.newBranch();
    const half = FANOUT / 2;
    const from = branch * FANOUT + half;
    const { children, keys } = this;
    for (let i = 0; i < half; i++) {
      this.insertChild(right, i, keys[from + i] as number, children[from + i] as number, childLevel);
    }
    this.#branchInfo[branch * BRANCH_FIELDS + COUNT] = half;
    this.markBranchStale(branch);
    return right;
  }

  /** Says that gaps before VMAs of `leaf` changed. */
  markLeafStale(leaf: number): void {
    const info = this.#leafInfo;
    const at = leaf * LEAF_FIELDS;
    if (info[at + STALE] !== 0) return;
    info[at + STALE] = 1;
    this.#forgetGap(info[at + PARENT] as number, leaf);
  }

  /** Says that gaps below `branch` changed. */
  markBranchStale(branch: number): void {
    const info = this.#branchInfo;
    const at = branch * BRANCH_FIELDS;
    if (info[at + STALE] !== 0) return;
    info[at + STALE] = 1;
    this.#forgetGap(info[at + PARENT] as number, branch);
  }

  markStale(node: number, level: number): void {
    if (level === 0) this.markLeafStale(node);
    else this.markBranchStale(node);
  }

  #forgetGap(parent: number, node: number): void {
    if (parent === NONE) return;
    this.gaps[parent * FANOUT + this.indexOf(parent, node)] = UNKNOWN;
    this.markBranchStale(parent);
  }

  /** The parent knows the widest gap of this node now. */
  markFresh(node: number, level: number): void {
    if (level === 0) this.#leafInfo[node * LEAF_FIELDS + STALE] = 0;
    else this.#branchInfo[node * BRANCH_FIELDS + STALE] = 0;
  }

  #addLeaf(): number {
    const leaf = this.#leaves++;
    if (leaf * LEAF_FIELDS === this.#leafInfo.length) {
      const room = grown(leaf);
      this.#leafInfo = withRoom(this.#leafInfo, new Int32Array(room * LEAF_FIELDS));
      this.bounds = withRoom(this.bounds, new Float64Array(room * 2 * FANOUT));
    }
    while (this.vmas.length < (leaf + 1) * FANOUT) this.vmas.push(null);
    return leaf;
  }

  #addBranch(): number {
    const branch = this.#branches++;
    if (branch * BRANCH_FIELDS === this.#branchInfo.length) {
      const room = grown(branch);
      this.#branchInfo = withRoom(this.#branchInfo, new Int32Array(room * BRANCH_FIELDS));
      this.children = withRoom(this.children, new Int32Array(room * FANOUT));
      this.keys = withRoom(this.keys, new Float64Array(room * FANOUT));
      this.gaps = withRoom(this.gaps, new Float64Array(room * FANOUT));
    }
    return branch;
  }
}

/** How many nodes there is room for after `nodes` were not enough. */
function grown(nodes: number): number {
  return nodes < 4 ? nodes + 1 : nodes + (nodes >> 1);
}

function withRoom<A extends { set(source: A): void }>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
