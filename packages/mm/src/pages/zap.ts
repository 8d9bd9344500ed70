import { VM_UFFD_WP, alignUp } from '@vmakit/base';
import { PG_ANON, PG_DIRTY, PG_HEAD, PG_SWAPCACHE, PG_TAIL } from '@vmakit/folio';
import {
  type Arch,
  EntryKind,
  MARKER_GUARD,
  MARKER_POISONED,
  MARKER_UFFD_WP,
  type EntryWords,
} from '@vmakit/pagetable';
import { removeRmapPmd, removeRmapPtes } from '@vmakit/rmap';
import type { Mm } from '../mm.js';
import { putMapped, releaseSwapEntry } from './swap-cache.js';
import { entryCount, folioRun, pmdEnd } from './table-walk.js';
import { splitHugePmd } from './thp.js';

/**
 * Drops every entry of [start, end), which lies in the VMA in `row`: folios lose a mapping, swap slots an entry, huge
 * entries that are cut are split first. The tables stay. For munmap: markers go too.
 */
export function zapRow(mm: Mm, row: number, start: number, end: number): void {
  const page = mm.pages.nextPopulated(start, end);
  if (page < end) zap(mm, row, page, end, end - start, true);
}

/**
 * The same for MADV_DONTNEED: guard markers stay, as do userfaultfd markers of files, and pages of files that are
 * protected by userfaultfd leave one (measured on 6.18.44).
 */
export function zapRowKeepMarkers(mm: Mm, row: number, start: number, end: number): void {
  const page = mm.pages.nextPopulated(start, end);
  if (page < end) zap(mm, row, page, end, end - start, false);
}

/** Gives back the tables of the lowest level that [start, end) covers whole and that are empty. */
export function freeEmptyTables(mm: Mm, start: number, end: number): void {
  const tables = mm.pages;
  const { arch } = tables;
  const { pmdPages } = arch;
  for (let page = alignUp(start, pmdPages); page + pmdPages <= end; page += pmdPages) {
    const table = tables.lookup(0, page);
    if (table === 0) continue;
    const words = tables.pool.words(table);
    const first = tables.entryAt(table, 0, page);
    if (arch.emptyEntries(words, first, pmdPages) !== pmdPages) continue;
    tables.freeRange(page, page + pmdPages, page, page + pmdPages);
  }
}

/** Of the `pages` pages before `end`; `first`: the first of them that a table is there for. */
function zap(mm: Mm, row: number, first: number, end: number, pages: number, dropMarkers: boolean): void {
  const tables = mm.pages;
  let page = first;
  while (page < end) {
    const next = pmdEnd(tables, page, end);
    let table = tables.lookup(0, page);
    if (table === 0 && next - page === tables.arch.pmdPages) {
      zapHuge(mm, page);
    } else {
      if (table === 0) {
        splitHugePmd(mm, mm.tree.table.view(row), page);
        table = tables.lookup(0, page);
      }
      if (table !== 0) zapTable(mm, row, table, tables.indexAt(0, page), entryCount(page, next), dropMarkers);
    }
    page = next < end ? tables.nextPopulated(next, end) : end;
  }
  tables.tlb.flushRange(pages, 0, 0);
}

/** Entries from which on it pays to look first whether there are any. */
const MANY = 32;

/** Drops `count` entries of `table` from number `index` on. */
function zapTable(mm: Mm, row: number, table: number, index: number, count: number, dropMarkers: boolean): void {
  const { arch, memory } = mm.env;
  const { pool } = mm.pages;
  // What a move leaves behind is empty, and most often more than a few entries.
  if (count >= MANY && pool.isZero(table, index, count)) {
    pool.emptied(table, index, count);
    return;
  }
  const words = pool.words(table);
  const first = pool.base(table) + 2 * index;
  const last = first + 2 * count;
  const leavesMarks = !dropMarkers && leavesMarkers(mm, row);
  let zapped = 1;
  for (let at = first; at < last; at += 2 * zapped) {
    zapped = 1;
    const pfn = arch.countedFrame(words, at);
    if (pfn < 0) {
      if (arch.isNone(words, at)) zapped = arch.emptyEntries(words, at, (last - at) >> 1);
      else if (arch.isPresent(words, at)) arch.clear(words, at);
      else zapNonPresent(mm, row, words, at, dropMarkers);
      continue;
    }
    const marked = leavesMarks && arch.isUffdWp(words, at);
    if ((memory.flags[pfn]! & (PG_HEAD | PG_TAIL)) === 0) zapSmall(mm, row, words, at, pfn);
    else zapped = zapLarge(mm, row, words, at, pfn, last);
    if (marked) markProtected(arch, words, at, zapped);
  }
  if (dropMarkers) pool.emptied(table, index, count);
}

/** Dropping pages of a VMA for a while leaves markers where userfaultfd protects them. */
function leavesMarkers({ tree: { table } }: Mm, row: number): boolean {
  return !table.isAnonymous(row) && (table.flagsLower(row) & VM_UFFD_WP) !== 0;
}

function markProtected(arch: Arch, words: EntryWords, first: number, count: number): void {
  for (let at = first; at < first + 2 * count; at += 2) arch.setMarker(words, at, MARKER_UFFD_WP);
}

function zapSmall(mm: Mm, row: number, words: EntryWords, at: number, pfn: number): void {
  const { arch, memory } = mm.env;
  const flags = memory.flags[pfn]!;
  if ((flags & PG_ANON) !== 0) mm.rssAnon--;
  else zapFileAccounting(mm, row, words, at, pfn, 1);
  arch.clear(words, at);
  memory.mapcount[pfn]!--;
  if ((flags & PG_SWAPCACHE) !== 0) putMapped(mm.env, pfn, 1);
  else memory.put(pfn);
}

/** Drops as many entries as map consecutive pages of one large folio; gives their number. */
function zapLarge(mm: Mm, row: number, words: EntryWords, at: number, pfn: number, last: number): number {
  const { arch, memory } = mm.env;
  const head = memory.headOf(pfn);
  const count = folioRun(mm.env, words, at, pfn, (last - at) >> 1);
  if ((memory.flags[head]! & PG_ANON) !== 0) mm.rssAnon -= count;
  else zapFileAccounting(mm, row, words, at, head, count);
  arch.clearEntries(words, at, count);
  removeRmapPtes(memory, head, pfn, count, mm.id);
  putMapped(mm.env, head, count);
  return count;
}

function zapFileAccounting(mm: Mm, row: number, words: EntryWords, at: number, head: number, count: number): void {
  const { arch, memory } = mm.env;
  if (arch.isDirty(words, at)) memory.flags[head]! |= PG_DIRTY;
  if (mm.tree.table.extras(row).file?.isSwapBacked === true) mm.rssShmem -= count;
  else mm.rssFile -= count;
}

function zapNonPresent(mm: Mm, row: number, words: EntryWords, at: number, dropMarkers: boolean): void {
  const { arch } = mm.env;
  switch (arch.kindOf(words, at, 0)) {
    case EntryKind.Swap: {
      const slot = arch.swapOffset(words, at);
      const marked = !dropMarkers && leavesMarkers(mm, row) && arch.isUffdWp(words, at);
      mm.swapEntries--;
      arch.clear(words, at);
      if (marked) markProtected(arch, words, at, 1);
      releaseSwapEntry(mm.env, slot);
      return;
    }
    case EntryKind.Migration:
      mm.rssAnon--;
      arch.clear(words, at);
      return;
    case EntryKind.Marker:
      if (!dropMarkers && staysOnDontNeed(mm, row, arch.markerBits(words, at))) return;
      arch.clear(words, at);
      return;
    default:
      arch.clear(words, at);
  }
}

/** MADV_DONTNEED removes poison, and userfaultfd markers of anonymous memory; it keeps guards. */
function staysOnDontNeed(mm: Mm, row: number, marker: number): boolean {
  if ((marker & MARKER_GUARD) !== 0) return true;
  return (marker & MARKER_POISONED) === 0 && (marker & MARKER_UFFD_WP) !== 0 && !mm.tree.table.isAnonymous(row);
}

/** Drops the huge entry at `page`, and the table that was kept in reserve for it. */
function zapHuge(mm: Mm, page: number): void {
  const { arch, memory } = mm.env;
  const tables = mm.pages;
  const pmdTable = tables.lookup(1, page);
  const words = tables.pool.words(pmdTable);
  const at = tables.entryAt(pmdTable, 1, page);
  const kind = arch.kindOf(words, at, 1);
  const special = kind === EntryKind.Page && arch.isSpecial(words, at);
  const pfn = kind === EntryKind.Page ? arch.pfn(words, at, 1) : 0;
  arch.clear(words, at);
  const reserve = tables.withdraw(pmdTable);
  if (reserve !== 0) {
    tables.freeDetached(reserve);
    if (!special) mm.rssAnon -= arch.pmdPages;
  }
  if (special || kind !== EntryKind.Page) return;
  removeRmapPmd(memory, pfn, mm.id);
  putMapped(mm.env, pfn, 1);
}
