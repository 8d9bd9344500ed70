import { InvariantError } from '@vmakit/base';
import type { FrameTable } from './frame-table.js';
import { PG_FREE } from './page-flags.js';

/** Ends a list. Frame 0 is never given out, so that 0 can say "none" everywhere. */
const NONE = 0;

/**
 * A buddy allocator whose lists live in the frame table itself, in fields that mean nothing for a free frame: `mapping`
 * is the next block, `refcount` the previous one, `order` the size.
 *
 * Single frames, almost all of the traffic, go through a list of their own that is neither coalesced nor linked
 * backwards; it is merged into blocks only when a block is wanted and none is free. Frames that were never used are
 * taken in order from the end of used memory.
 */
export class BuddyAllocator {
  readonly #table: FrameTable;
  readonly #maxOrder: number;
  readonly #limit: number;
  readonly #heads: Int32Array;
  /** Bit n: the list of order n is not empty. */
  #nonEmpty = 0;
  #singles = NONE;
  #singleCount = 0;
  /** Frames from here on were never given out. */
  #end: number;
  /** Frames given out and not given back. */
  used = 0;

  /** `firstFrame`: frames below are not managed; `limit`: frames from there on do not exist. */
  constructor(table: FrameTable, maxOrder: number, firstFrame: number, limit: number) {
    this.#table = table;
    this.#maxOrder = maxOrder;
    this.#limit = limit;
    this.#heads = new Int32Array(maxOrder + 1);
    this.#end = firstFrame;
  }

  /** Frames from here on were never used. */
  get end(): number {
    return this.#end;
  }

  /** Takes a naturally aligned block of 2^order frames; -1 when memory is full. */
  take(order: number): number {
    const single = this.#singles;
    if (order === 0 && single !== NONE) {
      this.#singles = this.#table.mapping[single] as number;
      this.#singleCount--;
      this.used++;
      return single;
    }
    let frame = this.#takeFromLists(order);
    if (frame < 0 && order > 0 && this.#singleCount >= 1 << order) {
      this.#mergeSingles();
      frame = this.#takeFromLists(order);
    }
    if (frame < 0) frame = this.#takeFresh(order);
    if (frame < 0 && order > 0) {
      this.#mergeSingles();
      frame = this.#takeFromLists(order);
    }
    if (frame >= 0) this.used += 1 << order;
    return frame;
  }

  /** Gives a block back. Its flags must be cleared. */
  give(frame: number, order: number): void {
    this.used -= 1 << order;
    if (order > 0) {
      this.#giveBlock(frame, order);
      return;
    }
    this.#table.mapping[frame] = this.#singles;
    this.#singles = frame;
    this.#singleCount++;
  }

  #takeFresh(order: number): number {
    const size = 1 << order;
    let start = this.#end;
    const rest = start % size;
    if (rest !== 0) start += size - rest;
    if (start + size > this.#limit) return -1;
    this.#table.reserve(start + size);
    const skippedFrom = this.#end;
    this.#end = start + size;
    for (let frame = skippedFrom; frame < start;) {
      const block = 31 - Math.clz32(frame & -frame);
      this.#giveBlock(frame, block);
      frame += 1 << block;
    }
    return start;
  }

  #takeFromLists(order: number): number {
    const candidates = this.#nonEmpty & -(1 << order);
    if (candidates === 0) return -1;
    let have = 31 - Math.clz32(candidates & -candidates);
    const frame = this.#heads[have] as number;
    this.#unlink(frame, have);
    while (have > order) {
      have--;
      this.#link(frame + (1 << have), have);
    }
    return frame;
  }

  #giveBlock(frame: number, order: number): void {
    const { flags, order: orders } = this.#table;
    let head = frame;
    let size = order;
    for (; size < this.#maxOrder; size++) {
      const buddy = head ^ (1 << size);
      if (buddy >= this.#end || flags[buddy] !== PG_FREE || orders[buddy] !== size) break;
      this.#unlink(buddy, size);
      head &= ~(1 << size);
    }
    this.#link(head, size);
  }

  #mergeSingles(): void {
    const { mapping } = this.#table;
    let frame = this.#singles;
    this.#singles = NONE;
    this.#singleCount = 0;
    while (frame !== NONE) {
      const next = mapping[frame] as number;
      this.#giveBlock(frame, 0);
      frame = next;
    }
  }

  #link(frame: number, order: number): void {
    const { flags, order: orders, mapping, refcount } = this.#table;
    const next = this.#heads[order] as number;
    flags[frame] = PG_FREE;
    orders[frame] = order;
    mapping[frame] = next;
    refcount[frame] = NONE;
    if (next !== NONE) refcount[next] = frame;
    this.#heads[order] = frame;
    this.#nonEmpty |= 1 << order;
  }

  #unlink(frame: number, order: number): void {
    const { flags, mapping, refcount } = this.#table;
    if (flags[frame] !== PG_FREE) throw new InvariantError('a block on a free list is free', { frame, order });
    const next = mapping[frame] as number;
    const previous = refcount[frame] as number;
    flags[frame] = 0;
    if (next !== NONE) refcount[next] = previous;
    if (previous !== NONE) {
      mapping[previous] = next;
    } else {
      this.#heads[order] = next;
      if (next === NONE) this.#nonEmpty &= ~(1 << order);
    }
  }
}
