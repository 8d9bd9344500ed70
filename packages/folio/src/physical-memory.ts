import { type FaultInjector, InvariantError } from '@vmakit/base';
import { BuddyAllocator } from './buddy-allocator.js';
import { FrameTable } from './frame-table.js';
import {
  SMALLEST_LARGE_ORDER,
  addLargePins,
  entireMapcount,
  largeMapcount,
  largePins,
  resetLargeFolio,
} from './large-folio.js';
import {
  PG_HEAD,
  PG_KEPT_FROM_HEAD,
  PG_KEPT_PER_PAGE,
  PG_LOCKED,
  PG_MAYBE_SHARED,
  PG_RESERVED,
  PG_TAIL,
} from './page-flags.js';

/** The frame of the shared zero page. It has no folio; entries that map it are special. */
const ZERO_FRAME = 1;

/** What one pin adds to the reference count of a small folio (spec 03 section 4). */
export const PIN_BIAS = 1024;

/** How a {@link PhysicalMemory} is made. */
export interface MemoryOptions {
  /** Largest order that is ever asked for: that of a PMD leaf, 9, 11 or 13. */
  readonly maxOrder: number;
  /** Frames of the machine; memory grows on demand up to there. */
  readonly limitFrames?: number;
  readonly injector?: FaultInjector | null;
}

/** 256 GiB of 4K pages. */
const DEFAULT_LIMIT = 1 << 26;

/**
 * The memory of one machine: frames, the folios made of them, and their reference counts.
 *
 * A folio is named by the frame of its first page, its head. Frames are handed out by a buddy allocator, so a folio of
 * order n starts at a multiple of 2^n.
 *
 * @example
 * const memory = new PhysicalMemory({ maxOrder: 9 });
 * const head = memory.allocFolio(0);
 * memory.get(head);
 * memory.put(head);
 * memory.put(head); // freed
 */
export class PhysicalMemory extends FrameTable {
  readonly maxOrder: number;
  readonly zeroFrame: number = ZERO_FRAME;
  /** The frame of the huge zero page; -1 until it is first wanted. See {@link ensureHugeZeroFrame}. */
  hugeZeroFrame = -1;
  injector: FaultInjector | null;
  readonly #buddy: BuddyAllocator;

  constructor(options: MemoryOptions) {
    super();
    this.maxOrder = options.maxOrder;
    this.injector = options.injector ?? null;
    this.#buddy = new BuddyAllocator(this, options.maxOrder, ZERO_FRAME + 1, options.limitFrames ?? DEFAULT_LIMIT);
    this.flags[ZERO_FRAME] = PG_RESERVED;
  }

  /** Frames that belong to folios, the zero pages not counted. */
  get usedFrames(): number {
    return this.#buddy.used - (this.hugeZeroFrame < 0 ? 0 : 1 << this.maxOrder);
  }

  /** Frames from here on were never used. */
  get endFrame(): number {
    return this.#buddy.end;
  }

  /**
   * Takes a folio of 2^order zeroed pages with one reference: order 0, or 2 and more.
   *
   * @returns its head, or -1 when memory is full or injection point `folio-alloc` struck.
   */
  allocFolio(order: number): number {
    if (this.injector !== null && this.injector.fails('folio-alloc')) return -1;
    const head = this.#buddy.take(order);
    if (head < 0) return -1;
    this.refcount[head] = 1;
    this.mapping[head] = 0;
    if (order === 0) {
      this.flags[head] = 0;
      this.order[head] = 0;
      this.content[head] = 0;
      return head;
    }
    if (order < SMALLEST_LARGE_ORDER) throw new RangeError(`order: a folio of order ${order} cannot be made`);
    const end = head + (1 << order);
    this.flags.fill(PG_TAIL, head, end);
    this.flags[head] = PG_HEAD;
    this.order.fill(order, head, end);
    this.content.fill(0, head, end);
    resetLargeFolio(this, head);
    return head;
  }

  /** The huge zero page, taken from memory on first use and kept; -1 when there is no room for it. */
  ensureHugeZeroFrame(): number {
    if (this.hugeZeroFrame < 0) {
      const frame = this.#buddy.take(this.maxOrder);
      if (frame < 0) return -1;
      this.flags.fill(PG_RESERVED, frame, frame + (1 << this.maxOrder));
      this.content.fill(0, frame, frame + (1 << this.maxOrder));
      this.hugeZeroFrame = frame;
    }
    return this.hugeZeroFrame;
  }

  /** The head of the folio that page `frame` belongs to. */
  headOf(frame: number): number {
    return frame & -(1 << (this.order[frame] as number));
  }

  /** Pages from `frame` to the end of its folio, itself included. */
  pagesToFolioEnd(frame: number): number {
    return this.headOf(frame) + (1 << (this.order[frame] as number)) - frame;
  }

  /** One more reference. */
  get(head: number): void {
    (this.refcount[head] as number)++;
  }

  /** Gives one reference back; at none the folio is freed. */
  put(head: number): void {
    const left = ((this.refcount[head] as number) -= 1);
    if (left > 0) return;
    if (left < 0) throw new InvariantError('a folio is not put more often than got', this.describe(head));
    this.#free(head);
  }

  /** Gives `count` references back. */
  putMany(head: number, count: number): void {
    (this.refcount[head] as number) -= count - 1;
    this.put(head);
  }

  #free(head: number): void {
    const order = this.order[head] as number;
    (this.generation[head] as number)++;
    if (order === 0) {
      if (this.mapcount[head] !== 0) throw new InvariantError('a freed page is not mapped', this.describe(head));
      this.flags[head] = 0;
      this.#buddy.give(head, 0);
      return;
    }
    if (largeMapcount(this, head) !== 0) {
      throw new InvariantError('a freed folio is not mapped', this.describe(head));
    }
    this.flags.fill(0, head, head + (1 << order));
    this.order.fill(0, head, head + (1 << order));
    this.#buddy.give(head, order);
  }

  /** Times the folio is mapped: PTEs and PMD entries. */
  folioMapcount(head: number): number {
    return (this.flags[head] as number) & PG_HEAD ? largeMapcount(this, head) : (this.mapcount[head] as number);
  }

  /** Times page `frame` is mapped, a PMD entry of the whole folio counting as one. */
  pageMapcount(frame: number): number {
    const own = this.mapcount[frame] as number;
    return this.order[frame] === 0 ? own : own + entireMapcount(this, this.headOf(frame));
  }

  /** Pins of the folio (exact for large ones; for small ones what its references amount to). */
  pins(head: number): number {
    if ((this.flags[head] as number) & PG_HEAD) return largePins(this, head);
    return Math.floor((this.refcount[head] as number) / PIN_BIAS);
  }

  /** Pins the folio for device access (FOLL_PIN). */
  pin(head: number): void {
    if ((this.flags[head] as number) & PG_HEAD) {
      addLargePins(this, head, 1);
      this.get(head);
    } else {
      (this.refcount[head] as number) += PIN_BIAS;
    }
  }

  /** Takes one pin off. */
  unpin(head: number): void {
    if ((this.flags[head] as number) & PG_HEAD) {
      addLargePins(this, head, -1);
      this.put(head);
    } else {
      this.putMany(head, PIN_BIAS);
    }
  }

  /** Tries to take the folio lock; false when it is taken or injection point `folio-trylock` struck. */
  trylock(head: number): boolean {
    if (this.injector !== null && this.injector.fails('folio-trylock')) return false;
    const flags = this.flags[head] as number;
    if (flags & PG_LOCKED) return false;
    this.flags[head] = flags | PG_LOCKED;
    return true;
  }

  /** Gives the folio lock back. */
  unlock(head: number): void {
    (this.flags[head] as number) &= ~PG_LOCKED;
  }

  /**
   * Makes single pages of a large folio that nobody maps. Page i becomes a folio with index + i and the same mapping,
   * `references` references each (spec 07 section 1).
   */
  breakUp(head: number, references: number): void {
    if (largeMapcount(this, head) !== 0) throw new InvariantError('a split folio is unmapped', this.describe(head));
    const size = 1 << (this.order[head] as number);
    const mapping = this.mapping[head] as number;
    const index = this.index[head] as number;
    const kept = (this.flags[head] as number) & PG_KEPT_FROM_HEAD;
    const locked = (this.flags[head] as number) & PG_LOCKED;
    for (let i = 0; i < size; i++) {
      const page = head + i;
      this.flags[page] = kept | ((this.flags[page] as number) & PG_KEPT_PER_PAGE);
      this.order[page] = 0;
      this.mapping[page] = mapping;
      this.index[page] = index + i;
      this.refcount[page] = references;
    }
    (this.flags[head] as number) |= locked;
  }

  /** Whether the shared bit of a large folio is set. */
  isMarkedShared(head: number): boolean {
    return ((this.flags[head] as number) & PG_MAYBE_SHARED) !== 0;
  }

  /** The state of a folio, for messages. */
  describe(head: number): Readonly<Record<string, number>> {
    return {
      head,
      order: this.order[head] as number,
      flags: this.flags[head] as number,
      refcount: this.refcount[head] as number,
      mapcount: this.folioMapcount(head),
      mapping: this.mapping[head] as number,
      index: this.index[head] as number,
    };
  }
}
