import { PG_ANON, PG_DIRTY, PG_SWAPBACKED, PG_SWAPCACHE } from '@vmakit/folio';
import { type Arch, EntryKind, type EntryWords, MARKER_POISONED } from '@vmakit/pagetable';
import { maybeMappedShared } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { MmEnvironment } from '../environment.js';
import type { Mm } from '../mm.js';
import { trySplitFolio } from './folio-split.js';
import { releaseSwapEntry, tryFreeSwap } from './swap-cache.js';
import { entryCount, folioRun, pmdEnd } from './table-walk.js';

/**
 * MADV_FREE: the pages of [start, end) may be dropped by reclaim as long as they are not written to. Their modified and
 * accessed marks go; what is in swap is dropped at once; large folios that are cut are split.
 */
export function freeLazily(mm: Mm, _vma: Vma, start: number, end: number): void {
  const tables = mm.pages;
  let any = false;
  mm.env.lru.drain();
  for (let page = tables.nextPopulated(start, end); page < end;) {
    const next = pmdEnd(tables, page, end);
    any = true;
    if (tables.lookup(0, page) === 0) freeHuge(mm, page, next);
    if (tables.lookup(0, page) !== 0) freeTable(mm, page, next);
    page = tables.nextPopulated(next, end);
  }
  if (any) tables.tlb.flushRange(end - start, 0, 0);
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
    trySplitFolio(mm.env, head);
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
  const first = mm.pages.entryAt(table, 0, start);
  const last = first + 2 * entryCount(start, end);
  for (let at = first; at < last; at += 2) {
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
      count = folioRun(mm.env, words, at, pfn, (last - at) >> 1);
      if (count < pages) {
        if (!maybeMappedShared(memory, head) && trySplitFolio(mm.env, head)) at -= 2;
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
  } else if (kind === EntryKind.HardwarePoison || isPoisonMarker(arch, kind, words, at)) {
    arch.clear(words, at);
  }
}

function isPoisonMarker(arch: Arch, kind: EntryKind, words: EntryWords, at: number): boolean {
  return kind === EntryKind.Marker && (arch.markerBits(words, at) & MARKER_POISONED) !== 0;
}
