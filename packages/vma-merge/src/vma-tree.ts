import { InvariantError } from '@vmakit/base';
import { FANOUT, NONE, NodePool } from './vma-tree-nodes.js';
import { type Hole, highestHole, lowestHole } from './vma-tree-gaps.js';
import type { Vma } from './vma.js';

/** A leaf with no more VMAs than this is joined with the next one if they fit. */
const SPARSE = FANOUT / 4;

/** How many VMAs go to a new leaf when the last insertion was at one end: so ranges are often filled. */
const FEW = 2;

/**
 * The VMAs of one address space, by address: a B+tree of {@link FANOUT} keys a node, the VMAs linked to their
 * neighbours, with the widest gap of each subtree for the search of free space.
 *
 * The keys are start pages. A branch's key for a child is a lower bound of the starts below it, so that changing a
 * VMA's start rarely touches a branch. Gap summaries are computed when a search needs them and marked stale on change.
 * A VMA knows its leaf, and the tree the leaf that it went down to last: programs work where they worked.
 */
export class VmaTree {
  /** Number of VMAs. */
  count = 0;
  first: Vma | null = null;
  last: Vma | null = null;

  readonly #pool = new NodePool();
  #root: number;
  /** Levels of branches: 0 when the root is a leaf. */
  #height = 0;
  /** The VMA found last. */
  #hint: Vma | null = null;
  /** The leaf gone down to last, and the pages for which that is the leaf. */
  #leaf: number;
  #leafFrom: number = -Infinity;
  #leafTo: number = Infinity;

  constructor() {
    this.#root = this.#pool.newLeaf(NONE);
    this.#leaf = this.#root;
  }

  /** The lowest VMA that ends above `page` (`find_vma`): it contains `page` or is the next one after it. */
  find(page: number): Vma | null {
    const hint = this.#hint;
    if (hint !== null && page >= hint.start && page < hint.end) return hint;
    const pool = this.#pool;
    const leaf = this.#leafFor(page);
    let slot = pool.slotAtOrBelow(leaf, page);
    // A leaf's key may be lower than its first start, and the VMA before may reach over it.
    if (slot < leaf * FANOUT) slot = pool.lastSlot(pool.previous(leaf));
    if (slot < 0) return this.first;
    const floor = pool.vmas[slot] as Vma;
    const found = (pool.bounds[2 * slot + 1] as number) > page ? floor : floor.next;
    this.#hint = found;
    return found;
  }

  /** The VMA that contains `page`. */
  at(page: number): Vma | null {
    const vma = this.find(page);
    return vma !== null && vma.start <= page ? vma : null;
  }

  /** The lowest VMA that meets [start, end). */
  firstOverlap(start: number, end: number): Vma | null {
    const vma = this.find(start);
    return vma !== null && vma.start < end ? vma : null;
  }

  /** Adds a VMA. It must not overlap another. */
  insert(vma: Vma): void {
    const pool = this.#pool;
    const { bounds, vmas } = pool;
    const leaf = this.#leafFor(vma.start);
    const slot = pool.slotAtOrBelow(leaf, vma.start) + 1;
    const before = slot > leaf * FANOUT ? slot - 1 : pool.lastSlot(pool.previous(leaf));
    const count = pool.count(leaf);
    const atEnd = slot === leaf * FANOUT + count;
    const after = atEnd ? pool.firstSlot(pool.next(leaf)) : slot;
    if (
      (before !== NONE && (bounds[2 * before + 1] as number) > vma.start) ||
      (after !== NONE && (bounds[2 * after] as number) < vma.end)
    ) {
      throw new InvariantError('VMAs do not overlap', { start: vma.start, end: vma.end });
    }
    const prev = before === NONE ? null : (vmas[before] as Vma);
    const next = after === NONE ? null : (vmas[after] as Vma);
    vma.prev = prev;
    vma.next = next;
    if (prev === null) this.first = vma;
    else prev.next = vma;
    if (next === null) this.last = vma;
    else next.prev = vma;
    pool.insertVma(leaf, slot, vma);
    this.count++;
    pool.markLeafStale(leaf);
    if (atEnd) this.#markNextStale(leaf);
    if (count + 1 === FANOUT) this.#splitLeaf(leaf, slot);
  }

  /** Takes a VMA out. */
  remove(vma: Vma): void {
    const pool = this.#pool;
    const leaf = vma.leaf;
    const slot = this.#slotOf(vma);
    const atEnd = slot === pool.lastSlot(leaf);
    pool.removeVma(leaf, slot);
    pool.markLeafStale(leaf);
    if (atEnd) this.#markNextStale(leaf);
    const { prev, next } = vma;
    if (prev === null) this.first = next;
    else prev.next = next;
    if (next === null) this.last = prev;
    else next.prev = prev;
    vma.prev = null;
    vma.next = null;
    vma.leaf = NONE;
    this.count--;
    if (this.#hint === vma) this.#hint = null;
    const left = pool.count(leaf);
    if (left === 0) this.#dropLeaf(leaf);
    else if (left <= SPARSE) this.#joinWithNext(leaf);
  }

  /**
   * Changes the range of a VMA that is in the tree. The new range must lie between its neighbours; offsets are the
   * caller's to change.
   */
  setRange(vma: Vma, start: number, end: number): void {
    const pool = this.#pool;
    const { bounds } = pool;
    const leaf = vma.leaf;
    const slot = this.#slotOf(vma);
    const isFirst = slot === leaf * FANOUT;
    const isLast = slot === pool.lastSlot(leaf);
    const before = isFirst ? pool.lastSlot(pool.previous(leaf)) : slot - 1;
    const after = isLast ? pool.firstSlot(pool.next(leaf)) : slot + 1;
    if (
      start >= end ||
      (before !== NONE && (bounds[2 * before + 1] as number) > start) ||
      (after !== NONE && (bounds[2 * after] as number) < end)
    ) {
      throw new InvariantError('VMAs do not overlap and are not empty', { start, end, was: [vma.start, vma.end] });
    }
    if (start !== vma.start) {
      // The next leaf's key may be lower than its first start: a start that moves up must stay below it.
      if (start > vma.start && isLast && after !== NONE) this.#setKey(pool.next(leaf), bounds[2 * after] as number);
      if (start < vma.start && isFirst) this.#setKey(leaf, start);
      vma.start = start;
      bounds[2 * slot] = start;
      pool.markLeafStale(leaf);
    }
    if (end !== vma.end) {
      vma.end = end;
      bounds[2 * slot + 1] = end;
      if (isLast) this.#markNextStale(leaf);
      else pool.markLeafStale(leaf);
    }
  }

  /** The highest hole of at least `length` pages inside [low, high), clipped to it; null when there is none. */
  findHoleTopDown(length: number, low: number, high: number): Hole | null {
    return (
      this.#holeBehindLast(length, low, high) ?? highestHole(this.#pool, this.#root, this.#height, length, low, high)
    );
  }

  /** The lowest such hole. */
  findHoleBottomUp(length: number, low: number, high: number): Hole | null {
    return (
      lowestHole(this.#pool, this.#root, this.#height, length, low, high) ?? this.#holeBehindLast(length, low, high)
    );
  }

  #holeBehindLast(length: number, low: number, high: number): Hole | null {
    const { last } = this;
    const start = last !== null && last.end > low ? last.end : low;
    return high - start >= length ? { start, end: high } : null;
  }

  /** The VMAs in address order. The tree must not change meanwhile, except behind the one given last. */
  *[Symbol.iterator](): IterableIterator<Vma> {
    for (let vma = this.first; vma !== null; vma = vma.next) yield vma;
  }

  /** The leaf where a VMA that starts at `page` is, or would be. */
  #leafFor(page: number): number {
    if (page >= this.#leafFrom && page < this.#leafTo) return this.#leaf;
    const pool = this.#pool;
    const { keys, children } = pool;
    let node = this.#root;
    let from = -Infinity;
    let to = Infinity;
    for (let level = this.#height; level > 0; level--) {
      const index = pool.indexFor(node, page);
      const at = node * FANOUT + index;
      if (index > 0) from = keys[at] as number;
      if (index + 1 < pool.branchCount(node)) to = keys[at + 1] as number;
      node = children[at] as number;
    }
    this.#leaf = node;
    this.#leafFrom = from;
    this.#leafTo = to;
    return node;
  }

  /** Leaves or keys change: the leaf gone down to last may be another for some pages. */
  #forgetLeaf(): void {
    this.#leafFrom = Infinity;
  }

  #slotOf(vma: Vma): number {
    const pool = this.#pool;
    if (vma.leaf !== NONE) {
      const slot = pool.slotAtOrBelow(vma.leaf, vma.start);
      if (slot >= 0 && pool.vmas[slot] === vma) return slot;
    }
    throw new InvariantError('a VMA that is changed or removed is in the tree', { start: vma.start, end: vma.end });
  }

  #markNextStale(leaf: number): void {
    const next = this.#pool.next(leaf);
    if (next !== NONE) this.#pool.markLeafStale(next);
  }

  /** Splits a full leaf in two halves, or where ranges are filled from one end, so that the other part stays full. */
  #splitLeaf(leaf: number, inserted: number): void {
    const pool = this.#pool;
    let moved = FANOUT / 2;
    if (inserted === leaf * FANOUT + FANOUT - 1) moved = FEW;
    else if (inserted === leaf * FANOUT) moved = FANOUT - FEW;
    const right = pool.splitLeaf(leaf, moved);
    this.#addBehind(leaf, 0, right, pool.bounds[2 * right * FANOUT] as number);
    this.#forgetLeaf();
  }

  #addBehind(node: number, level: number, right: number, key: number): void {
    const pool = this.#pool;
    let parent = pool.parent(node, level);
    if (parent === NONE) {
      parent = pool.newBranch();
      pool.insertChild(parent, 0, 0, node, level);
      this.#root = parent;
      this.#height++;
    }
    pool.insertChild(parent, pool.indexOf(parent, node) + 1, key, right, level);
    if (pool.branchCount(parent) === FANOUT) {
      const upper = pool.splitBranch(parent, level);
      this.#addBehind(parent, level + 1, upper, pool.keys[upper * FANOUT] as number);
    }
  }

  /** Takes an empty leaf out, and the branches that are empty with it. */
  #dropLeaf(leaf: number): void {
    const pool = this.#pool;
    if (this.#height === 0) return;
    this.#forgetLeaf();
    pool.freeLeaf(leaf);
    let node = leaf;
    let branch = pool.leafParent(leaf);
    while (pool.branchCount(branch) === 1) {
      node = branch;
      // The root of a tree of several leaves has at least two children.
      branch = pool.branchParent(branch);
      pool.freeBranch(node);
    }
    pool.removeChild(branch, pool.indexOf(branch, node));
    while (this.#height > 0 && pool.branchCount(this.#root) === 1) {
      const root = this.#root;
      this.#root = pool.children[root * FANOUT] as number;
      this.#height--;
      pool.setParent(this.#root, this.#height, NONE);
      pool.freeBranch(root);
    }
  }

  /** Empties a sparse leaf's successor into it when both have the same parent and fit with room to spare. */
  #joinWithNext(leaf: number): void {
    const pool = this.#pool;
    const next = pool.next(leaf);
    if (next === NONE || pool.leafParent(next) !== pool.leafParent(leaf)) return;
    if (pool.count(leaf) + pool.count(next) > FANOUT - SPARSE) return;
    pool.takeAll(leaf, next);
    pool.markLeafStale(leaf);
    this.#dropLeaf(next);
  }

  /** Sets the key of `leaf`: in every branch above it up to the one in which it is not under the first child. */
  #setKey(leaf: number, key: number): void {
    const pool = this.#pool;
    this.#forgetLeaf();
    let node = leaf;
    for (let level = 0; level < this.#height; level++) {
      const parent = pool.parent(node, level);
      const index = pool.indexOf(parent, node);
      pool.keys[parent * FANOUT + index] = key;
      if (index > 0) return;
      node = parent;
    }
  }
}
