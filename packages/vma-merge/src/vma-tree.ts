import { InvariantError, LEAF_SHIFT, NONE } from '@vmakit/base';
import { FoundHole, type Hole } from './hole.js';
import { GapTree } from './vma-tree-gaps.js';
import type { Vma } from './vma.js';

/**
 * The VMAs of one address space, by address: a B+tree, the VMAs linked to their neighbours, with the widest gap of each
 * subtree for the search of free space.
 *
 * A branch's key for a child is a lower bound of the starts below it, so that changing a VMA's start rarely touches a
 * branch.
 */
export class VmaTree {
  /** Number of VMAs. */
  count = 0;
  first: Vma | null = null;
  last: Vma | null = null;
  /** VMAs that were freed, to be used again: see {@link allocateVma}. */
  readonly spares: Vma[] = [];

  readonly #tree = new GapTree();
  readonly #hole = new FoundHole();
  /** The VMA found last: programs work where they worked. */
  #hint: Vma | null = null;
  /** A slot at or behind which the next change most likely is: that of the VMA found last, or the one before a gap. */
  #near = 0;

  /** The lowest VMA that ends above `page` (`find_vma`): it contains `page` or is the next one after it. */
  find(page: number): Vma | null {
    const hint = this.#hint;
    if (hint !== null && isFirstAbove(hint, page)) return hint;
    const { last } = this;
    if (last === null || page >= last.end) return null;
    const { nodes } = this.#tree;
    const slot = this.#tree.slotAtOrBelow(page);
    if (slot < 0) return this.first;
    const floor = nodes.items[slot] as Vma;
    this.#checkOrder(floor, slot);
    const found = (nodes.bounds[2 * slot + 1] as number) > page ? floor : floor.next;
    this.#near = slot;
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

  /** Makes room for `count` VMAs that are to be added in order. */
  reserve(count: number): void {
    this.#tree.nodes.reserve(count);
  }

  /** Adds a VMA. It must not overlap another. */
  insert(vma: Vma): void {
    const tree = this.#tree;
    const { nodes } = tree;
    const { bounds, items } = nodes;
    const { start, end } = vma;
    const slot = this.#slotFor(start);
    const leaf = slot >> LEAF_SHIFT;
    const before = slot > leaf << LEAF_SHIFT ? slot - 1 : nodes.lastSlot(nodes.previous(leaf));
    const atEnd = slot === (leaf << LEAF_SHIFT) + nodes.count(leaf);
    const after = atEnd ? nodes.firstSlot(nodes.next(leaf)) : slot;
    const from = before === NONE ? 0 : (bounds[2 * before + 1] as number);
    const to = after === NONE ? Infinity : (bounds[2 * after] as number);
    if (from > start || to < end) throw new InvariantError('VMAs do not overlap', { start, end });
    const prev = before === NONE ? null : (items[before] as Vma);
    const next = after === NONE ? null : (items[after] as Vma);
    this.#link(prev, vma);
    this.#link(vma, next);
    this.count++;
    if (after !== NONE) tree.lower(atEnd ? nodes.next(leaf) : leaf, to - from);
    if (atEnd) tree.raise(leaf, start - from);
    tree.insertAt(leaf, slot, vma, start, end);
  }

  /** Where a VMA that begins at `start` is to be put: behind all that begin before it. */
  #slotFor(start: number): number {
    const { nodes } = this.#tree;
    const { bounds } = nodes;
    const near = this.#near;
    const above = bounds[2 * near + 2] as number;
    if ((bounds[2 * near] as number) <= start && start < above && above !== Infinity) return near + 1;
    const { last } = this;
    // As in a forked child, which gets its VMAs in order.
    if (last !== null && start >= last.end) return nodes.lastSlot(last.leaf) + 1;
    return nodes.slotAtOrBelow(this.#tree.leafFor(start), start) + 1;
  }

  /** Takes a VMA out. */
  remove(vma: Vma): void {
    const { leaf } = vma;
    const tree = this.#tree;
    const { nodes } = tree;
    const { bounds } = nodes;
    const slot = this.#slotOf(vma);
    const from = tree.gapStart(leaf, slot);
    if (slot < nodes.lastSlot(leaf)) {
      tree.raise(leaf, (bounds[2 * slot + 2] as number) - from);
    } else {
      tree.lower(leaf, vma.start - from);
      const after = nodes.firstSlot(nodes.next(leaf));
      if (after !== NONE) tree.raise(nodes.next(leaf), (bounds[2 * after] as number) - from);
    }
    this.#takeOut(vma, slot);
  }

  /** Takes out the VMA in `slot`, as far as gaps are not concerned. */
  #takeOut(vma: Vma, slot: number): void {
    const { prev, next } = vma;
    this.#tree.removeAt(vma.leaf, slot);
    this.#link(prev, next);
    vma.prev = null;
    vma.next = null;
    this.count--;
    if (this.#hint === vma) this.#hint = next;
    this.#comeNear(slot);
  }

  /** The next change is likely on either side of the gap before `slot`. */
  #comeNear(slot: number): void {
    this.#near = slot > 0 ? slot - 1 : 0;
  }

  /** Makes two VMAs neighbours; null: the end of the row. */
  #link(low: Vma | null, high: Vma | null): void {
    if (low === null) this.first = high;
    else low.next = high;
    if (high === null) this.last = low;
    else high.prev = low;
  }

  /**
   * Changes the range of a VMA that is in the tree. The new range must lie between its neighbours; offsets are the
   * caller's to change.
   */
  setRange(vma: Vma, start: number, end: number): void {
    const tree = this.#tree;
    const { nodes } = tree;
    const { bounds } = nodes;
    const leaf = vma.leaf;
    const slot = this.#slotOf(vma);
    const isFirst = slot === leaf << LEAF_SHIFT;
    const isLast = slot === nodes.lastSlot(leaf);
    const before = isFirst ? nodes.lastSlot(nodes.previous(leaf)) : slot - 1;
    const after = isLast ? nodes.firstSlot(nodes.next(leaf)) : slot + 1;
    if (
      start >= end ||
      (before !== NONE && (bounds[2 * before + 1] as number) > start) ||
      (after !== NONE && (bounds[2 * after] as number) < end)
    ) {
      throw new InvariantError('VMAs do not overlap and are not empty', { start, end, was: [vma.start, vma.end] });
    }
    if (start !== vma.start) {
      const from = before === NONE ? 0 : (bounds[2 * before + 1] as number);
      tree.change(leaf, vma.start - from, start - from);
      tree.setStart(leaf, slot, start);
      vma.start = start;
    }
    if (end !== vma.end) {
      if (after !== NONE) {
        const to = bounds[2 * after] as number;
        tree.change(isLast ? nodes.next(leaf) : leaf, to - vma.end, to - end);
      }
      bounds[2 * slot + 1] = end;
      vma.end = end;
    }
  }

  /**
   * Cuts off `half`, which is in no tree and has its range: the lower or the upper part of that of `vma`, which keeps
   * the other. Offsets are the caller's to change, here and in what follows; no gap changes.
   */
  split(vma: Vma, half: Vma): void {
    const tree = this.#tree;
    const { nodes } = tree;
    const { leaf } = vma;
    const slot = this.#slotOf(vma);
    const halfBelow = half.start === vma.start;
    if (half.pages >= vma.pages || (!halfBelow && half.end !== vma.end)) {
      throw new InvariantError('a VMA is cut at a page inside', { vma: [vma.start, vma.end], half: half.start });
    }
    if (halfBelow) {
      vma.start = half.end;
      tree.setStart(leaf, slot, half.end);
    } else {
      vma.end = half.start;
      nodes.bounds[2 * slot + 1] = half.start;
      if (slot === nodes.lastSlot(leaf)) tree.raiseKeyBehind(leaf);
    }
    const next = halfBelow ? vma : vma.next;
    this.#link(halfBelow ? vma.prev : vma, half);
    this.#link(half, next);
    this.count++;
    tree.insertAt(leaf, halfBelow ? slot : slot + 1, half, half.start, half.end);
  }

  /** Takes out `gone`, and gives its range to `vma`, its neighbour that it touches. No gap changes. */
  absorb(vma: Vma, gone: Vma): void {
    const tree = this.#tree;
    const { nodes } = tree;
    const { start, end, leaf } = gone;
    const slot = this.#slotOf(gone);
    if (vma.end === start) {
      nodes.bounds[2 * (vma.leaf === leaf ? slot - 1 : this.#slotOf(vma)) + 1] = end;
      vma.end = end;
    } else if (vma.start === end) {
      if (vma.leaf === leaf) {
        nodes.bounds[2 * slot + 2] = start;
      } else {
        // The gap before the two is before the first VMA of the next leaf now.
        const gap = start - tree.gapStart(leaf, slot);
        tree.lower(leaf, gap);
        tree.raise(vma.leaf, gap);
        tree.setStart(vma.leaf, vma.leaf << LEAF_SHIFT, start);
      }
      vma.start = start;
    } else {
      throw new InvariantError('a VMA absorbs one that it touches', { start, end, by: [vma.start, vma.end] });
    }
    this.#takeOut(gone, slot);
  }

  /** Moves the boundary between `low` and `high`, which touch, to `at`, inside one of them. No gap changes. */
  moveBoundary(low: Vma, high: Vma, at: number): void {
    const tree = this.#tree;
    if (low.end !== high.start || at <= low.start || at >= high.end) {
      throw new InvariantError('a boundary moves inside two VMAs that touch', { low: low.start, high: high.end, at });
    }
    const slot = this.#slotOf(high);
    tree.nodes.bounds[2 * this.#slotOf(low) + 1] = at;
    low.end = at;
    tree.setStart(high.leaf, slot, at);
    high.start = at;
  }

  /**
   * The highest hole of at least `length` pages inside [low, high), clipped to it; null when there is none. It is valid
   * until the next search.
   */
  findHoleTopDown(length: number, low: number, high: number): Hole | null {
    return (
      this.#holeBehindLast(length, low, high) ?? this.#holeAt(this.#tree.highestHole(length, low, high), low, high)
    );
  }

  /** The lowest such hole. */
  findHoleBottomUp(length: number, low: number, high: number): Hole | null {
    return this.#holeAt(this.#tree.lowestHole(length, low, high), low, high) ?? this.#holeBehindLast(length, low, high);
  }

  /** The hole before the VMA in `slot`. */
  #holeAt(slot: number, low: number, high: number): Hole | null {
    if (slot === NONE) return null;
    const { nodes } = this.#tree;
    const next = nodes.items[slot] as Vma;
    this.#hint = next;
    this.#comeNear(slot);
    const hole = this.#hole;
    hole.start = Math.max(low, this.#tree.gapStart(slot >> LEAF_SHIFT, slot));
    hole.end = Math.min(high, nodes.bounds[2 * slot] as number);
    hole.next = next;
    return hole;
  }

  #holeBehindLast(length: number, low: number, high: number): Hole | null {
    const { last } = this;
    const start = last === null ? low : Math.max(low, last.end);
    if (high - start < length) return null;
    const hole = this.#hole;
    hole.start = start;
    hole.end = high;
    hole.next = null;
    return hole;
  }

  /** The VMAs in address order. The tree must not change meanwhile, except behind the one given last. */
  *[Symbol.iterator](): IterableIterator<Vma> {
    for (let vma = this.first; vma !== null; vma = vma.next) yield vma;
  }

  /**
   * That a VMA which was found lies between those beside it. They are likely to change with it, and the one behind
   * them when both merge with it: with many VMAs none of the four is in the processor's cache, and here they are
   * fetched together, not one after the other.
   */
  #checkOrder(vma: Vma, slot: number): void {
    const { items } = this.#tree.nodes;
    const below = slot > 0 ? (items[slot - 1] as Vma | null) : null;
    const above = items[slot + 1] as Vma | null;
    if ((below !== null && below.end > vma.start) || (above !== null && !this.#liesAbove(vma, above, slot + 1))) {
      const { start, end } = vma;
      throw new InvariantError('VMAs lie in order', { start, end, below: below?.end, above: above?.start });
    }
  }

  /** Whether `above`, which is in `slot`, lies between `vma` and the next one of its leaf. */
  #liesAbove(vma: Vma, above: Vma, slot: number): boolean {
    const beyond = this.#tree.nodes.items[slot + 1] as Vma | null;
    return above.start >= vma.end && (beyond === null || beyond.start >= above.end);
  }

  #slotOf(vma: Vma): number {
    const { nodes } = this.#tree;
    const { items } = nodes;
    const near = this.#near;
    // The last slot of a leaf is never used, so there is one behind each that is.
    if (items[near] === vma) return near;
    if (items[near + 1] === vma) return near + 1;
    if (vma.leaf !== NONE) {
      const slot = nodes.slotAtOrBelow(vma.leaf, vma.start);
      if (slot >= 0 && items[slot] === vma) return (this.#near = slot);
    }
    throw new InvariantError('a VMA that is changed or removed is in the tree', { start: vma.start, end: vma.end });
  }
}

/** Whether `vma` is the lowest VMA that ends above `page`. */
function isFirstAbove(vma: Vma, page: number): boolean {
  return page < vma.end && (page >= vma.start || vma.prev === null || vma.prev.end <= page);
}
