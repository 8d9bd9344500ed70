import { InvariantError, LEAF_SHIFT, NONE } from '@vmakit/base';
import { FoundHole, type Hole } from './hole.js';
import { PagesAhead } from './pages-ahead.js';
import { GapTree } from './vma-tree-gaps.js';
import { VmaTable } from './vma-table.js';
import type { Vma, VmaOwner } from './vma.js';

/** With fewer VMAs than this an announcement costs as much as it saves. */
const VAST = 100_000;

/**
 * The VMAs of one address space, by address: a B+tree, the VMAs linked to their neighbours, with the widest gap of each
 * subtree for the search of free space. A VMA is the number of its row in the table.
 *
 * A branch's key for a child is a lower bound of the starts below it, so that changing a VMA's start rarely touches a
 * branch.
 */
export class VmaTree {
  readonly table: VmaTable;
  /** Number of VMAs. */
  count = 0;
  /** Rows of the lowest VMA and of the highest; {@link NONE}: there is none. */
  firstRow: number = NONE;
  lastRow: number = NONE;

  readonly #tree: GapTree;
  readonly #hole: FoundHole;
  /** What was announced; null: nothing yet, as in most trees. */
  #ahead: PagesAhead | null = null;
  /** The VMA found last: programs work where they worked. */
  #hint: number = NONE;
  /** A slot at or behind which the next change most likely is: that of the VMA found last, or the one before a gap. */
  #near = 0;
  /** Where the VMA taken out last began, and its slot: one that begins there goes there. -1: leaves or keys changed. */
  #goneStart = -1;
  #goneSlot = 0;

  constructor(owner: VmaOwner) {
    this.table = new VmaTable(owner);
    this.#tree = new GapTree();
    this.#hole = new FoundHole(this.table);
  }

  get first(): Vma | null {
    return this.table.viewOrNull(this.firstRow);
  }

  get last(): Vma | null {
    return this.table.viewOrNull(this.lastRow);
  }

  /** The lowest VMA that ends above `page` (`find_vma`): it contains `page` or is the next one after it. */
  find(page: number): Vma | null {
    return this.table.viewOrNull(this.findRow(page));
  }

  /** The same as a row; {@link NONE}: there is none. */
  findRow(page: number): number {
    const { table, lastRow } = this;
    const hint = this.#hint;
    if (hint !== NONE && isFirstAbove(table, hint, page)) return hint;
    if (lastRow === NONE || page >= table.end(lastRow)) return NONE;
    const { nodes } = this.#tree;
    const ahead = this.#ahead;
    let slot = ahead !== null && ahead.left > 0 ? ahead.take(page) : NONE;
    if (slot === NONE) {
      slot = this.#tree.slotAtOrBelow(page);
      if (slot === NONE) return this.firstRow;
      this.#checkOrder(nodes.items[slot] as number, slot);
    }
    const floor = nodes.items[slot] as number;
    const found = (nodes.bounds[2 * slot + 1] as number) > page ? floor : table.next(floor);
    this.#near = slot;
    this.#hint = found;
    return found;
  }

  /** Whether announcing what comes is worth while ({@link anticipate}): there are some 100,000 VMAs. */
  get isVast(): boolean {
    return this.count >= VAST;
  }

  /**
   * Says on which pages the next calls will be, in their order: the first `count` of `pages`, {@link MOST_ANTICIPATED}
   * at the most. What the calls find and do is the same without. With so many VMAs that the processor's cache does not
   * hold them, what the calls will read is fetched for all of them together, where each call by itself would wait for
   * memory several times; with fewer nothing is done.
   *
   * @throws {RangeError} when more pages are announced
   */
  anticipate(pages: Float64Array, count: number): void {
    if (!this.isVast) return;
    this.#ahead ??= new PagesAhead(this.#tree, this.table);
    this.#ahead.announce(pages, count);
  }

  /** The VMA that contains `page`. */
  at(page: number): Vma | null {
    return this.table.viewOrNull(this.rowAt(page));
  }

  /** The same as a row; {@link NONE}: there is none. */
  rowAt(page: number): number {
    const row = this.findRow(page);
    return row !== NONE && this.table.start(row) <= page ? row : NONE;
  }

  /** The lowest VMA that meets [start, end). */
  firstOverlap(start: number, end: number): Vma | null {
    return this.table.viewOrNull(this.firstRowOverlapping(start, end));
  }

  /** The same as a row; {@link NONE}: there is none. */
  firstRowOverlapping(start: number, end: number): number {
    const row = this.findRow(start);
    return row !== NONE && this.table.start(row) < end ? row : NONE;
  }

  /** The VMA before `next`, or the last one if that is {@link NONE}. */
  rowBefore(next: number): number {
    return next === NONE ? this.lastRow : this.table.prev(next);
  }

  /** Makes room for `count` VMAs that are to be added in order. */
  reserve(count: number): void {
    this.#tree.nodes.reserve(count);
    this.table.reserve(count);
  }

  /** Adds a VMA. It must not overlap another. */
  insert(row: number): void {
    const { table } = this;
    const tree = this.#tree;
    const { nodes } = tree;
    const start = table.start(row);
    const end = table.end(row);
    // What was found last, most often: looked at here, since for the call the start would be made an object. Its row
    // and the one before are at hand, where a leaf beside is not.
    const hint = this.#hint;
    const next = hint !== NONE && isFirstAbove(table, hint, start) ? hint : this.findRow(start);
    const prev = this.rowBefore(next);
    const from = prev === NONE ? 0 : table.end(prev);
    const to = next === NONE ? Infinity : table.start(next);
    if (from > start || to < end) throw new InvariantError('VMAs do not overlap', { start, end });
    const slot = this.#slotFor(start);
    const leaf = slot >> LEAF_SHIFT;
    if (slot < (leaf << LEAF_SHIFT) + nodes.count(leaf)) {
      tree.lower(leaf, to - from);
    } else {
      tree.lowerNext(leaf, to - from);
      tree.raise(leaf, start - from);
    }
    this.#attach(prev, row, next);
    tree.insertAt(leaf, slot, row, start, end);
    this.#goneStart = -1;
  }

  /** Where a VMA that begins at `start` is to be put: behind all that begin before it. */
  #slotFor(start: number): number {
    if (start === this.#goneStart) return this.#goneSlot;
    const { table, lastRow } = this;
    const { nodes } = this.#tree;
    const { bounds } = nodes;
    const near = this.#near;
    const above = bounds[2 * near + 2] as number;
    if ((bounds[2 * near] as number) <= start && start < above && above !== Infinity) return near + 1;
    // As in a forked child, which gets its VMAs in order.
    if (lastRow !== NONE && start >= table.end(lastRow)) return this.#slotOf(lastRow) + 1;
    return nodes.slotAtOrBelow(this.#tree.leafFor(start), start) + 1;
  }

  /** Takes a VMA out. */
  remove(row: number): void {
    const { table } = this;
    const tree = this.#tree;
    const slot = this.#slotOf(row);
    const leaf = slot >> LEAF_SHIFT;
    const prev = table.prev(row);
    const next = table.next(row);
    const from = prev === NONE ? 0 : table.end(prev);
    if (slot < tree.nodes.lastSlot(leaf)) {
      tree.raise(leaf, table.start(next) - from);
    } else {
      tree.lower(leaf, table.start(row) - from);
      if (next !== NONE) tree.raiseNext(leaf, table.start(next) - from);
    }
    this.#takeOut(row, slot);
  }

  /** Takes out the VMA in `slot`, as far as gaps are not concerned. */
  #takeOut(row: number, slot: number): void {
    const { table } = this;
    const { nodes } = this.#tree;
    const leaf = slot >> LEAF_SHIFT;
    const next = table.next(row);
    this.#tree.removeAt(leaf, slot);
    // An empty leaf is gone.
    this.#goneStart = nodes.count(leaf) === 0 ? -1 : table.start(row);
    this.#goneSlot = slot;
    this.#link(table.prev(row), next);
    table.detach(row);
    table.setPrev(row, NONE);
    table.setNext(row, NONE);
    this.count--;
    if (this.#hint === row) this.#hint = next;
    this.#comeNear(slot);
  }

  /** The next change is likely on either side of the gap before `slot`. */
  #comeNear(slot: number): void {
    this.#near = slot > 0 ? slot - 1 : 0;
  }

  /** A VMA comes in between two. */
  #attach(prev: number, row: number, next: number): void {
    this.table.attach(row);
    this.#link(prev, row);
    this.#link(row, next);
    this.count++;
  }

  /** Makes two VMAs neighbours; {@link NONE}: the end of the row. */
  #link(low: number, high: number): void {
    if (low === NONE) this.firstRow = high;
    else this.table.setNext(low, high);
    if (high === NONE) this.lastRow = low;
    else this.table.setPrev(high, low);
  }

  /**
   * Changes the range of a VMA that is in the tree. The new range must lie between its neighbours; offsets are the
   * caller's to change.
   */
  setRange(row: number, start: number, end: number): void {
    const { table } = this;
    const tree = this.#tree;
    const { nodes } = tree;
    const slot = this.#slotOf(row);
    const leaf = slot >> LEAF_SHIFT;
    const prev = table.prev(row);
    const next = table.next(row);
    const from = prev === NONE ? 0 : table.end(prev);
    const to = next === NONE ? Infinity : table.start(next);
    const wasStart = table.start(row);
    const wasEnd = table.end(row);
    if (start >= end || from > start || to < end) {
      throw new InvariantError('VMAs do not overlap and are not empty', { start, end, was: [wasStart, wasEnd] });
    }
    if (start !== wasStart) {
      tree.change(leaf, wasStart - from, start - from);
      this.#setStart(slot, start);
      table.setStart(row, start);
    }
    if (end !== wasEnd) {
      if (next !== NONE) {
        tree.change(slot < nodes.lastSlot(leaf) ? leaf : nodes.next(leaf), to - wasEnd, to - end);
      }
      nodes.bounds[2 * slot + 1] = end;
      table.setEnd(row, end);
    }
  }

  /**
   * Cuts off `half`, which is in no tree and has its range: the lower or the upper part of that of `row`, which keeps
   * the other. Offsets are the caller's to change, here and in what follows; no gap changes.
   */
  split(row: number, half: number): void {
    const { table } = this;
    const tree = this.#tree;
    const { nodes } = tree;
    const slot = this.#slotOf(row);
    const leaf = slot >> LEAF_SHIFT;
    const start = table.start(row);
    const end = table.end(row);
    const halfStart = table.start(half);
    const halfEnd = table.end(half);
    const halfBelow = halfStart === start;
    if (halfEnd - halfStart >= end - start || (!halfBelow && halfEnd !== end)) {
      throw new InvariantError('a VMA is cut at a page inside', { vma: [start, end], half: halfStart });
    }
    if (halfBelow) {
      table.setStart(row, halfEnd);
      tree.setStart(leaf, slot, halfEnd);
    } else {
      table.setEnd(row, halfStart);
      nodes.bounds[2 * slot + 1] = halfStart;
      if (slot === nodes.lastSlot(leaf)) tree.raiseKeyBehind(leaf);
    }
    this.#attach(halfBelow ? table.prev(row) : row, half, halfBelow ? row : table.next(row));
    tree.insertAt(leaf, halfBelow ? slot : slot + 1, half, halfStart, halfEnd);
    this.#goneStart = -1;
  }

  /** Takes out `gone`, and gives its range to `row`, its neighbour that it touches. No gap changes. */
  absorb(row: number, gone: number): void {
    const { table } = this;
    const tree = this.#tree;
    const { nodes } = tree;
    const start = table.start(gone);
    const end = table.end(gone);
    const slot = this.#slotOf(gone);
    const leaf = slot >> LEAF_SHIFT;
    if (table.end(row) === start && table.prev(gone) === row) {
      const slotBelow = slot > leaf << LEAF_SHIFT ? slot - 1 : nodes.lastSlot(nodes.previous(leaf));
      nodes.bounds[2 * slotBelow + 1] = end;
      table.setEnd(row, end);
    } else if (table.start(row) === end && table.next(gone) === row) {
      if (slot < nodes.lastSlot(leaf)) {
        nodes.bounds[2 * slot + 2] = start;
      } else {
        // The gap before the two is before the first VMA of the next leaf now.
        const gap = start - tree.gapStart(leaf, slot);
        const leafAbove = nodes.next(leaf);
        tree.lower(leaf, gap);
        tree.raise(leafAbove, gap);
        tree.setStart(leafAbove, leafAbove << LEAF_SHIFT, start);
      }
      table.setStart(row, start);
    } else {
      throw new InvariantError('a VMA absorbs one that it touches', { start, end, by: this.#rangeOf(row) });
    }
    this.#takeOut(gone, slot);
  }

  /** Moves the boundary between `low` and `high`, which touch, to `at`, inside one of them. No gap changes. */
  moveBoundary(low: number, high: number, at: number): void {
    const { table } = this;
    const tree = this.#tree;
    if (table.end(low) !== table.start(high) || at <= table.start(low) || at >= table.end(high)) {
      const vmas = { low: this.#rangeOf(low), high: this.#rangeOf(high), at };
      throw new InvariantError('a boundary moves inside two VMAs that touch', vmas);
    }
    const slot = this.#slotOf(high);
    tree.nodes.bounds[2 * this.#slotOf(low) + 1] = at;
    table.setEnd(low, at);
    this.#setStart(slot, at);
    table.setStart(high, at);
  }

  #setStart(slot: number, start: number): void {
    this.#tree.setStart(slot >> LEAF_SHIFT, slot, start);
    // The key of the leaf behind may be above it now.
    this.#goneStart = -1;
  }

  #rangeOf(row: number): [number, number] {
    return [this.table.start(row), this.table.end(row)];
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
    const next = nodes.items[slot] as number;
    this.#hint = next;
    this.#comeNear(slot);
    const hole = this.#hole;
    hole.start = Math.max(low, this.#tree.gapStart(slot >> LEAF_SHIFT, slot));
    hole.end = Math.min(high, nodes.bounds[2 * slot] as number);
    hole.nextRow = next;
    return hole;
  }

  #holeBehindLast(length: number, low: number, high: number): Hole | null {
    const { lastRow } = this;
    const start = lastRow === NONE ? low : Math.max(low, this.table.end(lastRow));
    if (high - start < length) return null;
    const hole = this.#hole;
    hole.start = start;
    hole.end = high;
    hole.nextRow = NONE;
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
  #checkOrder(row: number, slot: number): void {
    const { table } = this;
    const { items } = this.#tree.nodes;
    const below = slot > 0 ? (items[slot - 1] as number) : NONE;
    const above = items[slot + 1] as number;
    if (
      (below !== NONE && table.end(below) > table.start(row)) ||
      (above !== NONE && !this.#liesAbove(row, above, slot + 1))
    ) {
      throw new InvariantError('VMAs lie in order', { vma: this.#rangeOf(row), below, above });
    }
  }

  /** Whether `above`, which is in `slot`, lies between `row` and the next one of its leaf. */
  #liesAbove(row: number, above: number, slot: number): boolean {
    const { table } = this;
    const beyond = this.#tree.nodes.items[slot + 1] as number;
    return table.start(above) >= table.end(row) && (beyond === NONE || table.start(beyond) >= table.end(above));
  }

  #slotOf(row: number): number {
    const { items } = this.#tree.nodes;
    const near = this.#near;
    // The last slot of a leaf is never used, so there is one behind each that is.
    if (items[near] === row) return near;
    if (items[near + 1] === row) return near + 1;
    const slot = this.#tree.slotOf(row, this.table.start(row));
    if (slot !== NONE) return (this.#near = slot);
    const [start, end] = this.#rangeOf(row);
    throw new InvariantError('a VMA that is changed or removed is in the tree', { start, end });
  }
}

/** Whether the VMA in `row` is the lowest one that ends above `page`. */
function isFirstAbove(table: VmaTable, row: number, page: number): boolean {
  if (page >= table.end(row)) return false;
  if (page >= table.start(row)) return true;
  const prev = table.prev(row);
  return prev === NONE || table.end(prev) <= page;
}
