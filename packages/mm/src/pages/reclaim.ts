import { VM_DROPPABLE, hasAny } from '@vmakit/base';
import { PG_ANON, PG_DIRTY, PG_EXCLUSIVE, PG_KSM, PG_PARTIALLY_MAPPED, PG_SWAPBACKED, PG_SWAPCACHE } from '@vmakit/folio';
import { EXCLUSIVE, EntryKind, type EntryWords, SOFT_DIRTY, UFFD_WP } from '@vmakit/pagetable';
import { maybeDmaPinned, maybeMappedShared, removeRmapPtes, tryShareAnonRmap } from '@vmakit/rmap';
import { type Vma, pageOffsetAt } from '@vmakit/vma-merge';
import type { MmEnvironment } from '../environment.js';
import type { Mm } from '../mm.js';
import { smallMappingsOf, splitFolio } from './folio-split.js';
import type { Mapping } from './mapped-walk.js';
import { releaseSwapEntry, tryFreeSwap } from './swap-cache.js';
import { folioRun, nextPopulated, pmdEnd } from './table-walk.js';

/** MADV_PAGEOUT: pages out the folios of [start, end) that this process alone maps. */
export function pageOutRange(mm: Mm, vma: Vma, start: number, end: number): void {
  const isolated: number[] = [];
  mm.env.lru.drain();
  advise(mm, start, end, isolated);
  for (const head of isolated) {
    reclaimFolio(mm.env, head, vma);
    mm.env.memory.put(head);
  }
}

/** MADV_COLD: takes the accessed marks of the folios of [start, end) that this process alone maps. */
export function coldRange(mm: Mm, _vma: Vma, start: number, end: number): void {
  mm.env.lru.drain();
  advise(mm, start, end, null);
}

/**
 * Goes through the folios that lie wholly in the range; large ones that do not are split first. With `isolated` they are
 * collected there, with a reference each; without, their entries lose the accessed mark.
 */
function advise(mm: Mm, start: number, end: number, isolated: number[] | null): void {
  const tables = mm.pages;
  for (let page = nextPopulated(tables, start, end); page < end; ) {
    const next = pmdEnd(tables, page, end);
    if (tables.lookup(0, page) === 0) adviseHuge(mm, page, next, isolated);
    if (tables.lookup(0, page) !== 0) adviseTable(mm, page, next, isolated);
    page = nextPopulated(tables, next, end);
  }
}

function adviseHuge(mm: Mm, page: number, next: number, isolated: number[] | null): void {
  const { arch, memory } = mm.env;
  const pmdTable = mm.pages.lookup(1, page);
  const words = mm.pages.pool.words(pmdTable);
  const at = mm.pages.entryAt(pmdTable, 1, page);
  if (arch.kindOf(words, at, 1) !== EntryKind.Page || arch.isSpecial(words, at)) return;
  const head = arch.pfn(words, at, 1);
  if (maybeMappedShared(memory, head)) return;
  if (next - page !== arch.pmdPages) {
    trySplit(mm.env, head);
    return;
  }
  if (isolated === null) {
    if (arch.isYoung(words, at)) arch.mkOld(words, at);
  } else {
    isolate(mm.env, head, isolated);
  }
}

function adviseTable(mm: Mm, start: number, end: number, isolated: number[] | null): void {
  const { arch, memory } = mm.env;
  const table = mm.pages.lookup(0, start);
  const words = mm.pages.pool.words(table);
  const last = mm.pages.entryAt(table, 0, start) + 2 * (end - start);
  for (let at = last - 2 * (end - start); at < last; at += 2) {
    if (!arch.isPresent(words, at) || arch.isSpecial(words, at)) continue;
    const pfn = arch.pfn(words, at, 0);
    const head = memory.headOf(pfn);
    const pages = 1 << memory.order[head]!;
    let count = 1;
    if (pages > 1) {
      count = folioRun(mm.env, words, at, pfn, (last - at) / 2);
      if (count < pages) {
        if (!maybeMappedShared(memory, head) && trySplit(mm.env, head)) at -= 2;
        continue;
      }
    }
    if (memory.folioMapcount(head) === pages) {
      if (isolated === null) ageEntries(mm.env, words, at, count);
      else isolate(mm.env, head, isolated);
    }
    at += 2 * (count - 1);
  }
}

function ageEntries(env: MmEnvironment, words: EntryWords, at: number, count: number): void {
  const { arch } = env;
  for (let entry = at; entry < at + 2 * count; entry += 2) if (arch.isYoung(words, entry)) arch.mkOld(words, entry);
}

function isolate(env: MmEnvironment, head: number, isolated: number[]): void {
  env.memory.get(head);
  isolated.push(head);
}

function trySplit(env: MmEnvironment, head: number): boolean {
  const { memory } = env;
  if (!memory.trylock(head)) return false;
  memory.get(head);
  const done = splitFolio(env, head) === null;
  memory.unlock(head);
  memory.put(head);
  return done;
}

/** Reclaims one folio on which the caller holds a reference, as far as it can be: to swap, to its file, or dropped. */
function reclaimFolio(env: MmEnvironment, head: number, vma: Vma): void {
  const { memory } = env;
  if (!memory.trylock(head)) return;
  if ((memory.flags[head]! & PG_ANON) === 0) reclaimFilePage(env, head, vma);
  else if ((memory.flags[head]! & PG_SWAPBACKED) === 0) dropLazyFree(env, head, vma);
  else if ((memory.flags[head]! & PG_KSM) === 0) swapOut(env, head);
  memory.unlock(head);
}

function swapOut(env: MmEnvironment, head: number): void {
  const { memory, swap } = env;
  const pages = 1 << memory.order[head]!;
  if ((memory.flags[head]! & PG_SWAPCACHE) === 0) {
    if (maybeDmaPinned(memory, head)) return;
    const partial = (memory.flags[head]! & PG_PARTIALLY_MAPPED) !== 0;
    if (pages > 1 && (partial || !env.settings.swapLargeFolios)) {
      swapOutPieces(env, head, pages);
      return;
    }
    if (swap.addFolio(head) < 0) {
      if (pages > 1) swapOutPieces(env, head, pages);
      return;
    }
    memory.flags[head]! |= PG_DIRTY;
  }
  unmapToSwap(env, head);
  if (memory.folioMapcount(head) !== 0) return;
  swap.writeBack(head);
  if (memory.refcount[head] === 1 + pages) swap.removeFolio(head);
}

/** Splits a large folio and pages out its pages one by one. */
function swapOutPieces(env: MmEnvironment, head: number, pages: number): void {
  const { memory } = env;
  if (splitFolio(env, head) !== null) return;
  for (let page = head; page < head + pages; page++) {
    // Pages that nobody mapped, or that hold nothing but zeroes, went with the split.
    if (memory.mapcount[page] === 0) continue;
    if (page !== head) memory.get(page);
    swapOut(env, page);
    if (page !== head) memory.put(page);
  }
}

/** Replaces every entry of a cached folio by a swap entry (try_to_unmap); pages that cannot be shared stay. */
function unmapToSwap(env: MmEnvironment, head: number): void {
  for (const mapping of smallMappingsOf(env, head)) swapOutEntry(env, head, mapping);
}

function swapOutEntry(env: MmEnvironment, head: number, mapping: Mapping): void {
  const { arch, memory, swap } = env;
  const { mm, words, at, index } = mapping;
  const page = head + index;
  const exclusive = (memory.flags[page]! & PG_EXCLUSIVE) !== 0;
  if (exclusive && !tryShareAnonRmap(memory, head, page)) return;
  const slot = swap.slotOf(head) + index;
  let state = exclusive ? EXCLUSIVE : 0;
  if (arch.isSoftDirty(words, at)) state |= SOFT_DIRTY;
  if (arch.isUffdWp(words, at)) state |= UFFD_WP;
  arch.clear(words, at);
  arch.setSwap(words, at, 0, slot, state);
  swap.duplicate(slot);
  mm.rssAnon--;
  mm.swapEntries++;
  removeRmapPtes(memory, head, page, 1, mm.id);
  memory.put(head);
}

/** A folio given up by MADV_FREE is dropped, unless it was written to since: then it needs swap again. */
function dropLazyFree(env: MmEnvironment, head: number, vma: Vma): void {
  const { arch, memory } = env;
  const mappings = smallMappingsOf(env, head);
  if (mappings.some(({ words, at }) => arch.isDirty(words, at))) memory.flags[head]! |= PG_DIRTY;
  if ((memory.flags[head]! & PG_DIRTY) !== 0 && !hasAny(vma.flags, VM_DROPPABLE)) {
    memory.flags[head]! |= PG_SWAPBACKED;
    return;
  }
  if (memory.refcount[head] !== 1 + memory.folioMapcount(head)) return;
  for (const { mm, words, at, index } of mappings) {
    memory.flags[head + index]! &= ~PG_EXCLUSIVE;
    arch.clear(words, at);
    mm.rssAnon--;
    removeRmapPtes(memory, head, head + index, 1, mm.id);
    memory.put(head);
  }
}

function reclaimFilePage(env: MmEnvironment, head: number, vma: Vma): void {
  const { arch, memory } = env;
  const { file } = vma;
  if (file === null || memory.mapping[head] !== -file.id || maybeDmaPinned(memory, head)) return;
  const mm = vma.mm as Mm;
  const page = vma.start + (memory.index[head]! - pageOffsetAt(vma, vma.start));
  const table = mm.pages.lookup(0, page);
  if (table === 0) return;
  const words = mm.pages.pool.words(table);
  const at = mm.pages.entryAt(table, 0, page);
  if (!arch.isPresent(words, at) || arch.pfn(words, at, 0) !== head) return;
  if (arch.isDirty(words, at)) memory.flags[head]! |= PG_DIRTY;
  arch.clear(words, at);
  if (file.isSwapBacked) mm.rssShmem--;
  else mm.rssFile--;
  removeRmapPtes(memory, head, head, 1, mm.id);
  memory.put(head);
  // Beside the page cache, only whoever isolated the page holds a reference now.
  file.reclaim(memory, env.swap, memory.index[head]!, 1);
}

/**
 * MADV_FREE: the pages of [start, end) may be dropped by reclaim as long as they are not written to. Their modified and
 * accessed marks go; what is in swap is dropped at once; large folios that are cut are split.
 */
export function freeLazily(mm: Mm, _vma: Vma, start: number, end: number): void {
  const tables = mm.pages;
  let any = false;
  mm.env.lru.drain();
  for (let page = nextPopulated(tables, start, end); page < end; ) {
    const next = pmdEnd(tables, page, end);
    any = true;
    if (tables.lookup(0, page) === 0) freeHuge(mm, page, next);
    if (tables.lookup(0, page) !== 0) freeTable(mm, page, next);
    page = nextPopulated(tables, next, end);
  }
  if (any) tables.tlb.flushRange(start, end, 0, 0);
}

function freeHuge(mm: Mm, page: number, next: number): void {
  const { arch, memory } = mm.env;
  const pmdTable = mm.pages.lookup(1, page);
  const words = mm.pages.pool.words(pmdTable);
  const at = mm.pages.entryAt(pmdTable, 1, page);
  if (arch.kindOf(words, at, 1) !== EntryKind.Page || arch.isSpecial(words, at)) return;
  const head = arch.pfn(words, at, 1);
  if (maybeMappedShared(memory, head)) return;
  if (next - page !== arch.pmdPages) {
    trySplit(mm.env, head);
    return;
  }
  if (!memory.trylock(head)) return;
  memory.flags[head]! &= ~PG_DIRTY;
  memory.unlock(head);
  arch.mkOld(words, at);
  arch.mkClean(words, at);
  giveUp(mm.env, head);
}

function freeTable(mm: Mm, start: number, end: number): void {
  const { arch, memory } = mm.env;
  const table = mm.pages.lookup(0, start);
  const words = mm.pages.pool.words(table);
  const last = mm.pages.entryAt(table, 0, start) + 2 * (end - start);
  for (let at = last - 2 * (end - start); at < last; at += 2) {
    if (!arch.isPresent(words, at)) {
      freeSwapEntry(mm, words, at);
      continue;
    }
    if (arch.isSpecial(words, at)) continue;
    const pfn = arch.pfn(words, at, 0);
    const head = memory.headOf(pfn);
    const pages = 1 << memory.order[head]!;
    let count = 1;
    if (pages > 1) {
      count = folioRun(mm.env, words, at, pfn, (last - at) / 2);
      if (count < pages) {
        if (!maybeMappedShared(memory, head) && trySplit(mm.env, head)) at -= 2;
        continue;
      }
    }
    if ((memory.flags[head]! & PG_ANON) !== 0 && makeClean(mm.env, head, pages)) {
      for (let entry = at; entry < at + 2 * count; entry += 2) {
        arch.mkOld(words, entry);
        arch.mkClean(words, entry);
      }
      giveUp(mm.env, head);
    }
    at += 2 * (count - 1);
  }
}

/** Reclaim may drop the folio from now on. Those that it may drop already are not moved again. */
function giveUp(env: MmEnvironment, head: number): void {
  const { memory } = env;
  if ((memory.flags[head]! & PG_SWAPBACKED) === 0) return;
  memory.flags[head]! &= ~PG_SWAPBACKED;
  env.lru.lazyFree(head);
}

/** A folio with a copy in swap, or written before, must be this process's alone; it loses both then. */
function makeClean(env: MmEnvironment, head: number, pages: number): boolean {
  const { memory } = env;
  const flags = memory.flags[head]!;
  if ((flags & (PG_SWAPCACHE | PG_DIRTY)) === 0) return true;
  if (!memory.trylock(head)) return false;
  let clean = memory.folioMapcount(head) === pages;
  if (clean && (flags & PG_SWAPCACHE) !== 0) clean = tryFreeSwap(env, head);
  if (clean) memory.flags[head]! &= ~PG_DIRTY;
  memory.unlock(head);
  return clean;
}

function freeSwapEntry(mm: Mm, words: EntryWords, at: number): void {
  const { arch } = mm.env;
  const kind = arch.kindOf(words, at, 0);
  if (kind === EntryKind.Swap) {
    const slot = arch.swapOffset(words, at);
    arch.clear(words, at);
    mm.swapEntries--;
    releaseSwapEntry(mm.env, slot);
  } else if (kind === EntryKind.HardwarePoison) {
    arch.clear(words, at);
  }
}
