import { type FaultInjector, InvariantError, copiedInto } from '@vmakit/base';
import { PG_DIRTY, PG_SWAPCACHE } from './page-flags.js';
import type { PhysicalMemory } from './physical-memory.js';

const INITIAL_SLOTS = 256;
const DEFAULT_LIMIT = 1 << 25;

/**
 * A swap device (a synchronous RAM disk) and the swap cache.
 *
 * A slot is in use while entries refer to it or a folio is cached for it. Slot 0 is never used.
 */
export class SwapSpace {
  /** Swap entries in page tables that refer to a slot. */
  count: Uint32Array = new Uint32Array(INITIAL_SLOTS);
  /** The frame that holds the slot's page while its folio is in the swap cache; 0: none. */
  cache: Int32Array = new Int32Array(INITIAL_SLOTS);
  /** First byte of the page as it was written out. */
  content: Uint8Array = new Uint8Array(INITIAL_SLOTS);
  readonly #memory: PhysicalMemory;
  readonly #limit: number;
  /** First slot of each folio in the cache, by head. */
  readonly #slotOf = new Map<number, number>();
  readonly #freeSlots: number[] = [];
  #end = 1;
  injector: FaultInjector | null;

  constructor(memory: PhysicalMemory, options: { limitSlots?: number; injector?: FaultInjector | null } = {}) {
    this.#memory = memory;
    this.#limit = options.limitSlots ?? DEFAULT_LIMIT;
    this.injector = options.injector ?? null;
  }

  /** Slots in use. */
  get used(): number {
    return this.#end - 1 - this.#freeSlots.length;
  }

  /**
   * Takes a slot for each page of a folio, one after the other and aligned to its size, and puts the folio into the
   * swap cache.
   *
   * @returns the first slot, or -1 when the device is full or injection point `swap-slot` struck.
   */
  addFolio(head: number): number {
    if (this.injector !== null && this.injector.fails('swap-slot')) return -1;
    const memory = this.#memory;
    const pages = 1 << (memory.order[head] as number);
    const first = this.#takeSlots(pages);
    if (first < 0) return -1;
    this.cacheFolio(head, first);
    return first;
  }

  /** Puts a folio into the swap cache for slots `first` and following: one reference a page. */
  cacheFolio(head: number, first: number): void {
    const memory = this.#memory;
    const pages = 1 << (memory.order[head] as number);
    for (let i = 0; i < pages; i++) this.cache[first + i] = head + i;
    this.#slotOf.set(head, first);
    (memory.flags[head] as number) |= PG_SWAPCACHE;
    (memory.refcount[head] as number) += pages;
  }

  /** The first slot of a folio in the swap cache. */
  slotOf(head: number): number {
    const slot = this.#slotOf.get(head);
    if (slot === undefined) throw new InvariantError('the folio is in the swap cache', this.#memory.describe(head));
    return slot;
  }

  /** Writes a cached folio to its slots; it is clean then. */
  writeBack(head: number): void {
    const memory = this.#memory;
    const first = this.slotOf(head);
    const pages = 1 << (memory.order[head] as number);
    for (let i = 0; i < pages; i++) this.content[first + i] = memory.content[head + i] as number;
    (memory.flags[head] as number) &= ~PG_DIRTY;
  }

  /** One more entry refers to `slot`. */
  duplicate(slot: number): void {
    (this.count[slot] as number)++;
  }

  /** An entry that referred to `slot` is gone. A slot with no entries is free once no folio is cached for it. */
  release(slot: number): void {
    const left = this.count[slot] as number;
    if (left === 0) throw new InvariantError('a swap slot is not released more often than used', { slot });
    this.count[slot] = left - 1;
    if (left === 1 && this.cache[slot] === 0) this.#freeSlots.push(slot);
  }

  /** Whether any entry refers to a page of a folio in the swap cache. */
  isSwapped(head: number): boolean {
    const first = this.slotOf(head);
    const end = first + (1 << (this.#memory.order[head] as number));
    for (let slot = first; slot < end; slot++) if (this.count[slot] !== 0) return true;
    return false;
  }

  /** Takes a folio out of the swap cache and gives the cache's references back: the folio may be freed by that. */
  removeFolio(head: number): void {
    const memory = this.#memory;
    const first = this.slotOf(head);
    const pages = 1 << (memory.order[head] as number);
    this.#slotOf.delete(head);
    for (let slot = first; slot < first + pages; slot++) {
      this.cache[slot] = 0;
      if (this.count[slot] === 0) this.#freeSlots.push(slot);
    }
    (memory.flags[head] as number) &= ~PG_SWAPCACHE;
    memory.putMany(head, pages);
  }

  /** After a cached folio was split into single pages: each stays cached for its own slot. */
  splitFolio(head: number, pages: number): void {
    const first = this.slotOf(head);
    for (let i = 1; i < pages; i++) this.#slotOf.set(head + i, first + i);
  }

  #takeSlots(pages: number): number {
    if (pages === 1) {
      const slot = this.#freeSlots.pop();
      if (slot !== undefined) return slot;
    }
    const rest = this.#end % pages;
    const first = rest === 0 ? this.#end : this.#end + pages - rest;
    if (first + pages > this.#limit) return -1;
    while (this.#end < first) this.#freeSlots.push(this.#end++);
    this.#end = first + pages;
    this.#reserve(this.#end);
    return first;
  }

  #reserve(slots: number): void {
    let capacity = this.count.length;
    if (slots <= capacity) return;
    while (capacity < slots) capacity *= 2;
    this.count = copiedInto(new Uint32Array(capacity), this.count);
    this.cache = copiedInto(new Int32Array(capacity), this.cache);
    this.content = copiedInto(new Uint8Array(capacity), this.content);
  }
}
