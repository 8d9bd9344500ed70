import { VM_WRITE } from '@vmakit/base';
import { PG_ANON, PG_KSM } from '@vmakit/folio';
import {
  DIRTY,
  EntryKind,
  type EntryState,
  type EntryWords,
  SOFT_DIRTY,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '@vmakit/pagetable';
import { addAnonRmapPtes, anonIndex, anonVmaPrepare, setAnonRmap } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { writeProtectFault } from './cow.js';
import { FAULT_OOM, FAULT_SWAPPED_IN, FAULT_WRITE, type FaultAccess } from './fault-result.js';
import { needsSoftDirtyFault, pageProtection } from './page-protection.js';
import { tryFreeSwap } from './swap-cache.js';
import { allowableOrders, blockFits, greatestOrder } from './thp-policy.js';

/**
 * Brings the page of a swap entry back: from the swap cache, or read into it, as a large folio where the entries around
 * allow that. The exclusive bit of the entry decides whether the page is exclusive and may be written at once (spec 03
 * section 8).
 */
export function swapFault(mm: Mm, vma: Vma, page: number, access: FaultAccess, words: EntryWords, at: number): number {
  const { env } = mm;
  const { arch, memory, swap } = env;
  if (!vma.faulted && !anonVmaPrepare(env, vma.table, vma.row)) return FAULT_OOM;
  const slot = arch.swapOffset(words, at);
  let exclusive = arch.isExclusive(words, at);
  let frame = swap.cache[slot]!;
  if (frame === 0) {
    frame = readIn(mm, vma, page, access, words, at, slot);
    if (frame < 0) return FAULT_OOM;
  }
  const cached = memory.headOf(frame);
  let head = cached;
  if (!belongsTo(mm, vma, page, head, frame)) {
    frame = head = privateCopy(mm, frame);
    if (head < 0) return FAULT_OOM;
    exclusive = true;
  }
  const size = 1 << memory.order[head]!;
  const before = frame - head;
  const whole = size > 1 && coversFolio(mm, vma, page, words, at, size, before);
  const first = whole ? at - 2 * before : at;
  const count = whole ? size : 1;
  const state = swappedInState(mm, vma, access, words, at, exclusive);
  mapSwappedIn(mm, vma, page, words, first, { head, frame: whole ? head : frame, before, count, exclusive, state });
  for (let i = 0; i < count; i++) swap.release(slot - (whole ? before : 0) + i);
  tryFreeSwap(env, cached);
  if (access === FAULT_WRITE && (state & WRITABLE) === 0) {
    const result = writeProtectFault(mm, vma, page, access, words, at);
    if (result < 0) return result;
  }
  return FAULT_SWAPPED_IN;
}

/** Reads the page of `slot` into the swap cache; gives its frame, or -1. */
function readIn(
  mm: Mm,
  vma: Vma,
  page: number,
  access: FaultAccess,
  words: EntryWords,
  at: number,
  slot: number,
): number {
  const { memory, swap } = mm.env;
  const order = swapInOrder(mm, vma, page, words, at, slot);
  let head = memory.allocFolio(order);
  let size = 1 << order;
  if (head < 0 && order > 0) {
    head = memory.allocFolio(0);
    size = 1;
  }
  if (head < 0) return -1;
  const first = slot - (slot % size);
  for (let i = 0; i < size; i++) memory.content[head + i] = swap.content[first + i]!;
  swap.cacheFolio(head, first);
  // The cache holds the folio from here on. A store will want to know who else does, so the batches are emptied.
  memory.put(head);
  mm.env.lru.add(head);
  if (access === FAULT_WRITE && order === 0) mm.env.lru.drain();
  return head + (slot - first);
}

/** The greatest allowed order whose block of entries is one run of slots as it was swapped out, none of them cached. */
function swapInOrder(mm: Mm, vma: Vma, page: number, words: EntryWords, at: number, slot: number): number {
  const { arch, settings } = mm.env;
  if (vma.uffd !== null) return 0;
  let orders = allowableOrders(settings.thp, vma.flags) & (arch.pmdPages - 1) & ~1;
  while (orders !== 0) {
    const order = greatestOrder(orders);
    orders &= ~(1 << order);
    const size = 1 << order;
    const into = page % size;
    if (
      slot % size === into &&
      blockFits(vma, page, order) &&
      isUncachedRun(mm, words, at - 2 * into, slot - into, size)
    ) {
      return order;
    }
  }
  return 0;
}

function isUncachedRun(mm: Mm, words: EntryWords, first: number, slot: number, size: number): boolean {
  const { cache } = mm.env.swap;
  for (let i = 0; i < size; i++) if (cache[slot + i] !== 0) return false;
  return isSwapRun(mm, words, first, slot, size);
}

/** Whether `count` entries from `first` on are those of consecutive slots, all with the marks of the first. */
function isSwapRun(mm: Mm, words: EntryWords, first: number, slot: number, count: number): boolean {
  const { arch } = mm.env;
  for (let i = 0; i < count; i++) {
    const at = first + 2 * i;
    if (arch.kindOf(words, at, 0) !== EntryKind.Swap || arch.swapOffset(words, at) !== slot + i) return false;
    if (arch.isExclusive(words, at) !== arch.isExclusive(words, first)) return false;
    if (arch.isSoftDirty(words, at) !== arch.isSoftDirty(words, first)) return false;
    if (arch.isUffdWp(words, at) !== arch.isUffdWp(words, first)) return false;
  }
  return true;
}

/** Whether every page of a cached large folio has its swap entry where it belongs, in this table and VMA. */
function coversFolio(
  mm: Mm,
  vma: Vma,
  page: number,
  words: EntryWords,
  at: number,
  size: number,
  before: number,
): boolean {
  const { arch } = mm.env;
  const start = page - before;
  const tableStart = page - (page % arch.pmdPages);
  if (start < Math.max(vma.start, tableStart)) return false;
  if (start + size > Math.min(vma.end, tableStart + arch.pmdPages)) return false;
  return isSwapRun(mm, words, at - 2 * before, arch.swapOffset(words, at) - before, size);
}

/** A folio that is still anonymous must have the index and the family of the place where it is mapped. */
function belongsTo(mm: Mm, vma: Vma, page: number, head: number, frame: number): boolean {
  const { memory, anonVmas } = mm.env;
  const flags = memory.flags[head]!;
  if ((flags & PG_KSM) !== 0) return false;
  if ((flags & PG_ANON) === 0) return true;
  const family = anonVmas.byId(memory.mapping[head]!);
  return family?.root === vma.anonVma?.root && memory.index[head]! + (frame - head) === anonIndex(vma, page);
}

function privateCopy(mm: Mm, frame: number): number {
  const { memory } = mm.env;
  const copy = memory.allocFolio(0);
  if (copy >= 0) {
    memory.content[copy] = memory.content[frame]!;
    memory.refcount[copy] = 0;
  }
  return copy;
}

function swappedInState(
  mm: Mm,
  vma: Vma,
  access: FaultAccess,
  words: EntryWords,
  at: number,
  exclusive: boolean,
): EntryState {
  const { arch } = mm.env;
  const softDirty = arch.isSoftDirty(words, at);
  const uffdWp = arch.isUffdWp(words, at);
  let state = YOUNG | (softDirty ? SOFT_DIRTY : 0) | (uffdWp ? UFFD_WP : 0);
  const writable =
    exclusive && (vma.flags & VM_WRITE) !== 0 && !uffdWp && !needsSoftDirtyFault(mm.env, vma.flags, softDirty);
  if (writable) {
    state |= WRITABLE;
    if (access === FAULT_WRITE) state |= DIRTY | SOFT_DIRTY;
  }
  return state;
}

/** Which pages of a folio are mapped by a swap fault, and how. */
interface SwappedIn {
  readonly head: number;
  readonly frame: number;
  /** Pages of the folio before the one that faulted. */
  readonly before: number;
  readonly count: number;
  readonly exclusive: boolean;
  readonly state: EntryState;
}

function mapSwappedIn(mm: Mm, vma: Vma, page: number, words: EntryWords, first: number, mapped: SwappedIn): void {
  const { arch, memory } = mm.env;
  const { head, frame, count, exclusive } = mapped;
  if ((memory.flags[head]! & PG_ANON) === 0) setAnonRmap(memory, head, vma, page - mapped.before, exclusive);
  addAnonRmapPtes(memory, head, frame, count, mm.id, exclusive);
  memory.refcount[head]! += count;
  mm.rssAnon += count;
  mm.swapEntries -= count;
  arch.clearEntries(words, first, count);
  arch.setPages(words, first, count, frame, pageProtection(mm.env, vma), mapped.state);
}
