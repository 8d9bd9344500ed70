import { FANOUT_SHIFT, InvariantError, NONE } from '@vmakit/base';
import { GapTree, type Hole, highestHole, lowestHole } from './vma-tree-gaps.js';
import { type Vma, VmaRecords } from './vma.js';

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
  /** Where new VMAs have their numbers. */
  readonly records: VmaRecords = new VmaRecords();

  readonly #tree = new GapTree();
  /** The VMA found last, and the other one before: programs work where they worked, and move to and fro. */
  #hint: Vma | null = null;
  #otherHint: Vma | null = null;

  /** The lowest VMA that ends above `page` (`find_vma`): it contains `page` or is the next one after it. */
  find(page: number): Vma | null {
    const hint = this.#hint;
    if (hint !== null && isFirstAbove(hint, page)) return hint;
    const other = this.#otherHint;
    this.#otherHint = hint;
    if (other !== null && isFirstAbove(other, page)) {
      this.#hint = other;
      return other;
    }
    const { last } = this;
    if (last === null || page >= last.end) return null;
    const { nodes } = this.#tree;
    const leaf = this.#tree.leafFor(page);
    let slot = nodes.slotAtOrBelow(leaf, page);
    // A leaf's key may be lower than its first start, and the VMA before may reach over it.
    if (slot < leaf << FANOUT_SHIFT) slot = nodes.lastSlot(nodes.previous(leaf));
    if (slot < 0) return this.first;
    const floor = nodes.items[slot] as Vma;
    const found = (nodes.bounds[2 * slot + 1] as number) > page ? floor : floor.next;
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
    const { last } = this;
    // As in a forked child, which gets its VMAs in order.
    const isHighest = last !== null && vma.start >= last.end;
    const leaf = isHighest ? last.leaf : tree.leafFor(vma.start);
    const slot = (isHighest ? nodes.lastSlot(leaf) : nodes.slotAtOrBelow(leaf, vma.start)) + 1;
    const before = slot > leaf << FANOUT_SHIFT ? slot - 1 : nodes.lastSlot(nodes.previous(leaf));
    const atEnd = slot === (leaf << FANOUT_SHIFT) + nodes.count(leaf);
    const after = atEnd ? nodes.firstSlot(nodes.next(leaf)) : slot;
    if (
      (before !== NONE && (bounds[2 * before + 1] as number) > vma.start) ||
      (after !== NONE && (bounds[2 * after] as number) < vma.end)
    ) {
      throw new InvariantError('VMAs do not overlap', { start: vma.start, end: vma.end });
    }
    const prev = before === NONE ? null : (items[before] as Vma);
    const next = after === NONE ? null : (items[after] as Vma);
    vma.prev = prev;
    vma.next = next;
    if (prev === null) this.first = vma;
    else prev.next = vma;
    if (next === null) this.last = vma;
    else next.prev = vma;
    this.count++;
    const from = before === NONE ? 0 : (bounds[2 * before + 1] as number);
    if (after !== NONE) tree.lower(atEnd ? nodes.next(leaf) : leaf, (bounds[2 * after] as number) - from);
    if (atEnd) tree.raise(leaf, vma.start - from);
    tree.insertAt(leaf, slot, vma, vma.start, vma.end);
  }

  /** Takes a VMA out. */
  remove(vma: Vma): void {
    const { leaf, prev, next } = vma;
    const tree = this.#tree;
    const { nodes } = tree;
    const { bounds } = nodes;
    const slot = this.#slotOf(vma);
    const from = slot > leaf << FANOUT_SHIFT ? (bounds[2 * slot - 1] as number) : tree.endBefore(leaf);
    if (slot < nodes.lastSlot(leaf)) {
      tree.raise(leaf, (bounds[2 * slot + 2] as number) - from);
    } else {
      tree.lower(leaf, vma.start - from);
      const after = nodes.firstSlot(nodes.next(leaf));
      if (after !== NONE) tree.raise(nodes.next(leaf), (bounds[2 * after] as number) - from);
    }
    tree.removeAt(leaf, slot);
    if (prev === null) this.first = next;
    else prev.next = next;
    if (next === null) this.last = prev;
    else next.prev = prev;
    vma.prev = null;
    vma.next = null;
    this.count--;
    if (this.#hint === vma) this.#hint = next;
    if (this.#otherHint === vma) this.#otherHint = null;
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
    const isFirst = slot === leaf << FANOUT_SHIFT;
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

  /** The highest hole of at least `length` pages inside [low, high), clipped to it; null when there is none. */
  findHoleTopDown(length: number, low: number, high: number): Hole | null {
    const tree = this.#tree;
    const behind = this.#holeBehindLast(length, low, high);
    if (behind !== null) return behind;
    const hole = highestHole(tree, tree.root, tree.height, length, low, high);
    if (hole !== null) this.#hint = hole.next;
    return hole;
  }

  /** The lowest such hole. */
  findHoleBottomUp(length: number, low: number, high: number): Hole | null {
    const tree = this.#tree;
    const hole = lowestHole(tree, tree.root, tree.height, length, low, high);
    if (hole === null) return this.#holeBehindLast(length, low, high);
    this.#hint = hole.next;
    return hole;
  }

  #holeBehindLast(length: number, low: number, high: number): Hole | null {
    const { last } = this;
    const start = last !== null && last.end > low ? last.end : low;
    return high - start >= length ? { start, end: high, next: null } : null;
  }

  /** The VMAs in address order. The tree must not change meanwhile, except behind the one given last. */
  *[Symbol.iterator](): IterableIterator<Vma> {
    for (let vma = this.first; vma !== null; vma = vma.next) yield vma;
  }

  #slotOf(vma: Vma): number {
    const { nodes } = this.#tree;
    if (vma.leaf !== NONE) {
      const slot = nodes.slotAtOrBelow(vma.leaf, vma.start);
      if (slot >= 0 && nodes.items[slot] === vma) return slot;
    }
    throw new InvariantError('a VMA that is changed or removed is in the tree', { start: vma.start, end: vma.end });
  }
}

/** Whether `vma` is the lowest VMA that ends above `page`. */
function isFirstAbove(vma: Vma, page: number): boolean {
  return page < vma.end && (page >= vma.start || vma.prev === null || vma.prev.end <= page);
}
