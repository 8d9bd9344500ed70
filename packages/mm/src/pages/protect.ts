import { VM_HUGETLB, VM_SHARED, VM_UFFD_WP, type VmFlags, VM_WRITE } from '@vmakit/base';
import { PG_ANON, PG_EXCLUSIVE } from '@vmakit/folio';
import {
  EntryKind,
  type EntryWords,
  MARKER_UFFD_WP,
  MigrationKind,
  type PageProtection,
  UFFD_WP,
  WRITABLE,
} from '@vmakit/pagetable';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { needsSoftDirtyFault, pageProtection, protectionFor, wantsWriteNotify } from './page-protection.js';
import { makeMigrationReadable } from './migration-entry.js';
import { entryCount, pmdEnd } from './table-walk.js';
import { splitHugePmd } from './thp.js';

/** Set or take away the protection by userfaultfd, beside the change of rights. 0: leave it. */
export const UFFD_WP_SET = 1;
export const UFFD_WP_CLEAR = 2;

/** One change of protection, as it is applied to entry after entry. */
interface Change {
  readonly mm: Mm;
  /** Of the VMA: its row and its flags. */
  readonly row: number;
  readonly flags: VmFlags;
  readonly prot: PageProtection;
  /** Entries that a store would make writable at once are made so now. */
  readonly upgrade: boolean;
  readonly uffd: 0 | 1 | 2;
}

/**
 * Makes the entries of [start, end) of the VMA in `row` fit its flags, which are set already (mprotect). Entries are
 * made writable at once where a store would not have to do anything: exclusive anonymous pages, dirty pages of shared
 * mappings.
 */
export function changeProtection(mm: Mm, row: number, start: number, end: number): void {
  const page = mm.pages.nextPopulated(start, end);
  if (page >= end) return;
  const { table } = mm.tree;
  const flags = table.flags(row);
  const file = table.file(row);
  const upgrade = (flags & VM_SHARED) !== 0 ? wantsWriteNotify(mm.env, flags, file) : (flags & VM_WRITE) !== 0;
  change({ mm, row, flags, prot: protectionFor(mm.env, flags, file), upgrade, uffd: 0 }, page, start, end);
}

/** Write-protects [start, end) by userfaultfd, or takes that back. `markers`: absent pages are marked too. */
export function changeUffdProtection(
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  protect: boolean,
  markers: boolean,
): void {
  const { row, flags } = vma;
  const upgrade = !protect && (flags & VM_WRITE) !== 0 && (flags & VM_SHARED) === 0;
  if (protect && markers) ensureTables(mm, start, end);
  const uffd = protect ? UFFD_WP_SET : UFFD_WP_CLEAR;
  const what = { mm, row, flags, prot: pageProtection(mm.env, vma), upgrade, uffd } as const;
  change(what, mm.pages.nextPopulated(start, end), start, end);
  if (protect && markers) markAbsent(mm, start, end);
}

/** `first`: the first page of [start, end) with something to change. */
function change(what: Change, first: number, start: number, end: number): void {
  if (first >= end) return;
  const { mm } = what;
  const tables = mm.pages;
  const { arch } = tables;
  for (let page = first; page < end;) {
    const next = pmdEnd(tables, page, end);
    let table = tables.lookup(0, page);
    if (table === 0) {
      if (next - page === arch.pmdPages || (what.flags & VM_HUGETLB) !== 0) changeHuge(what, page);
      else splitHugePmd(mm, mm.tree.table.view(what.row), page);
      table = tables.lookup(0, page);
    }
    if (table !== 0) changeTable(what, table, page, next);
    page = next < end ? tables.nextPopulated(next, end) : end;
  }
  tables.tlb.flushRange(end - start, 0, 0);
}

function changeTable(what: Change, table: number, start: number, end: number): void {
  const { mm } = what;
  const { arch, memory } = mm.env;
  const words = mm.pages.pool.words(table);
  const first = mm.pages.entryAt(table, 0, start);
  const last = first + 2 * entryCount(start, end);
  for (let at = first; at < last; at += 2) {
    if (arch.isNone(words, at)) {
      at += 2 * (arch.emptyEntries(words, at, (last - at) >> 1) - 1);
      continue;
    }
    if (!arch.isPresent(words, at)) {
      changeNonPresent(what, words, at);
      continue;
    }
    const pfn = arch.isSpecial(words, at) ? -1 : arch.pfn(words, at, 0);
    if (pfn < 0 || memory.order[pfn] === 0) changePage(what, words, at, pfn);
    else at += 2 * (changeRun(what, words, at, pfn, (last - at) >> 1) - 1);
  }
}

function changePage(what: Change, words: EntryWords, at: number, pfn: number): void {
  const { arch } = what.mm.env;
  arch.modifyProt(words, at, 0, what.prot);
  if (what.uffd === UFFD_WP_SET) arch.setUffdWp(words, at);
  else if (what.uffd === UFFD_WP_CLEAR) arch.clearUffdWp(words, at);
  if (what.upgrade && !arch.isWritable(words, at) && mayUpgrade(what, words, at, pfn)) arch.mkWrite(words, at);
}

/** Entries of one large folio are changed together, as far as they look alike; gives their number. */
function changeRun(what: Change, words: EntryWords, at: number, pfn: number, most: number): number {
  const { arch, memory } = what.mm.env;
  const head = memory.headOf(pfn);
  const limit = Math.min(most, head + (1 << memory.order[pfn]!) - pfn);
  const count = runWithSameSoftDirty(what.mm, words, at, arch.runLength(words, at, limit));
  const drop = what.uffd === UFFD_WP_CLEAR ? UFFD_WP : 0;
  const add = what.uffd === UFFD_WP_SET ? UFFD_WP : 0;
  for (let done = 0; done < count;) {
    const from = at + 2 * done;
    const part = sameExclusive(what.mm, pfn + done, count - done);
    const upgrade = add === 0 && what.upgrade && mayUpgrade(what, words, from, pfn + done);
    arch.modifyProtPages(words, from, part, what.prot, upgrade ? WRITABLE : add, drop);
    done += part;
  }
  return count;
}

function runWithSameSoftDirty(mm: Mm, words: EntryWords, at: number, limit: number): number {
  const { arch } = mm.env;
  const first = arch.isSoftDirty(words, at);
  let count = 1;
  while (count < limit && arch.isSoftDirty(words, at + 2 * count) === first) count++;
  return count;
}

function sameExclusive(mm: Mm, pfn: number, limit: number): number {
  const { flags } = mm.env.memory;
  let count = 1;
  while (count < limit && ((flags[pfn]! ^ flags[pfn + count]!) & PG_EXCLUSIVE) === 0) count++;
  return count;
}

/** Whether a store through the entry would only have to set its write bit. */
function mayUpgrade(what: Change, words: EntryWords, at: number, pfn: number): boolean {
  const { arch, memory } = what.mm.env;
  const { flags } = what;
  if ((flags & VM_WRITE) === 0 || arch.isProtNone(words, at)) return false;
  if (needsSoftDirtyFault(what.mm.env, flags, arch.isSoftDirty(words, at))) return false;
  const protectedByUffd = what.uffd !== UFFD_WP_CLEAR && arch.isUffdWp(words, at);
  if ((flags & VM_UFFD_WP) !== 0 && protectedByUffd) return false;
  if ((flags & VM_SHARED) !== 0) return arch.isDirty(words, at);
  if (pfn < 0) return false;
  return (memory.flags[memory.headOf(pfn)]! & PG_ANON) !== 0 && (memory.flags[pfn]! & PG_EXCLUSIVE) !== 0;
}

/** Migration entries lose write permission; userfaultfd marks change on swap and migration entries and markers. */
function changeNonPresent(what: Change, words: EntryWords, at: number): void {
  const { arch, memory } = what.mm.env;
  const kind = arch.kindOf(words, at, 0);
  if (kind === EntryKind.Marker) {
    if (what.uffd === UFFD_WP_CLEAR && arch.markerBits(words, at) === MARKER_UFFD_WP) arch.clear(words, at);
    return;
  }
  if (kind === EntryKind.Migration && arch.migrationKind(words, at) === MigrationKind.Write) {
    const pfn = arch.migrationPfn(words, at);
    const exclusive = (memory.flags[pfn]! & PG_EXCLUSIVE) !== 0;
    makeMigrationReadable(arch, words, at, exclusive ? MigrationKind.ReadExclusive : MigrationKind.Read);
  }
  if (what.uffd === UFFD_WP_SET) arch.setUffdWp(words, at);
  else if (what.uffd === UFFD_WP_CLEAR) arch.clearUffdWp(words, at);
}

function changeHuge(what: Change, page: number): void {
  const { mm } = what;
  const { arch } = mm.env;
  const pmdTable = mm.pages.lookup(1, page);
  const words = mm.pages.pool.words(pmdTable);
  const at = mm.pages.entryAt(pmdTable, 1, page);
  if (arch.kindOf(words, at, 1) !== EntryKind.Page) {
    changeNonPresent(what, words, at);
    return;
  }
  const head = arch.isSpecial(words, at) ? -1 : arch.pfn(words, at, 1);
  const wasWritable = arch.isWritable(words, at);
  arch.modifyProt(words, at, 1, what.prot);
  if (what.uffd === UFFD_WP_SET) arch.setUffdWp(words, at);
  else if (what.uffd === UFFD_WP_CLEAR) arch.clearUffdWp(words, at);
  const isPrivateHugetlb = (what.flags & (VM_HUGETLB | VM_WRITE)) === (VM_HUGETLB | VM_WRITE) && wasWritable;
  if (isPrivateHugetlb || (what.upgrade && mayUpgrade(what, words, at, head))) arch.mkWrite(words, at);
}

function ensureTables(mm: Mm, start: number, end: number): void {
  const { pmdPages } = mm.env.arch;
  for (let page = start; page < end; page += pmdPages - (page % pmdPages)) mm.pages.ensure(0, page);
}

function markAbsent(mm: Mm, start: number, end: number): void {
  const { arch } = mm.env;
  const tables = mm.pages;
  for (let page = start; page < end; page++) {
    const table = tables.lookup(0, page);
    if (table === 0) continue;
    const words = tables.pool.words(table);
    const at = tables.entryAt(table, 0, page);
    if (arch.isNone(words, at)) arch.setMarker(words, at, MARKER_UFFD_WP);
  }
}
