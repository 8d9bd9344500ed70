import { InvariantError, pagesInto } from '@vmakit/base';
import { PG_DIRTY } from '@vmakit/folio';
import {
  DIRTY,
  EntryKind,
  type EntryState,
  type EntryWords,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '@vmakit/pagetable';
import { splitRmapPmd } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { migrationState } from './migration-entry.js';
import { pageProtection } from './page-protection.js';

/**
 * Before the VMA in `row` gets a boundary at `page`: a huge entry that reaches over it is split. An entry that begins
 * there is not affected (spec 04 section 10, THP boundary rule).
 */
export function splitHugeEntryAt(mm: Mm, row: number, page: number): void {
  const { pmdPages } = mm.env.arch;
  const { table } = mm.tree;
  const base = page - pagesInto(page, pmdPages);
  if (base === page || base < table.start(row) || base + pmdPages > table.end(row)) return;
  if (mm.pages.lookup(1, page) !== 0) splitHugePmd(mm, table.view(row), page);
}

/**
 * Turns the huge entry over `page` into entries of single pages, in the table that was kept in reserve for it. The
 * folio stays whole. Nothing happens when there is no huge entry (spec 04 section 10, split_huge_pmd).
 */
export function splitHugePmd(mm: Mm, vma: Vma, page: number): void {
  const tables = mm.pages;
  const { arch } = tables;
  const pmdTable = tables.lookup(1, page);
  if (pmdTable === 0) return;
  const words = tables.pool.words(pmdTable);
  const at = tables.entryAt(pmdTable, 1, page);
  const kind = arch.kindOf(words, at, 1);
  if (kind !== EntryKind.Page && kind !== EntryKind.Migration) return;
  const table = tables.withdraw(pmdTable);
  if (table === 0) throw new InvariantError('a table is kept in reserve for every huge entry', { page, mm: mm.id });
  if (kind === EntryKind.Migration) fillWithMigration(mm, table, words, at);
  else if (arch.isSpecial(words, at)) fillWithZeroPages(mm, vma, table, words, at);
  else fillWithPages(mm, vma, table, words, at);
  arch.clear(words, at);
  tables.populate(pmdTable, 1, page, table);
  tables.tlb.flushRange(arch.pmdPages, 1, arch.pmdOrder);
}

/** The marks of a present entry, huge or not. */
export function entryState(mm: Mm, words: EntryWords, at: number): EntryState {
  const { arch } = mm.env;
  let state = 0;
  if (arch.isWritable(words, at)) state |= WRITABLE;
  if (arch.isYoung(words, at)) state |= YOUNG;
  if (arch.isDirty(words, at)) state |= DIRTY;
  if (arch.isSoftDirty(words, at)) state |= SOFT_DIRTY;
  if (arch.isUffdWp(words, at)) state |= UFFD_WP;
  return state;
}

function fillWithPages(mm: Mm, vma: Vma, table: number, words: EntryWords, at: number): void {
  const { arch, memory } = mm.env;
  const head = arch.pfn(words, at, 1);
  let state = entryState(mm, words, at);
  if ((state & DIRTY) !== 0) {
    memory.flags[head]! |= PG_DIRTY;
    state |= SOFT_DIRTY;
  }
  const { pool } = mm.pages;
  arch.setPages(pool.words(table), pool.base(table), arch.pmdPages, head, pageProtection(mm.env, vma), state);
  splitRmapPmd(memory, head, mm.id);
}

function fillWithZeroPages(mm: Mm, vma: Vma, table: number, words: EntryWords, at: number): void {
  const { arch, memory } = mm.env;
  const { pool } = mm.pages;
  const state = SPECIAL | YOUNG | (arch.isUffdWp(words, at) ? UFFD_WP : 0);
  const prot = pageProtection(mm.env, vma);
  const target = pool.words(table);
  const base = pool.base(table);
  for (let i = 0; i < arch.pmdPages; i++) arch.setPage(target, base + 2 * i, 0, memory.zeroFrame, prot, state);
}

function fillWithMigration(mm: Mm, table: number, words: EntryWords, at: number): void {
  const { arch } = mm.env;
  const { pool } = mm.pages;
  const state = migrationState(arch, words, at);
  const pfn = arch.migrationPfn(words, at);
  const kind = arch.migrationKind(words, at);
  const target = pool.words(table);
  const base = pool.base(table);
  for (let i = 0; i < arch.pmdPages; i++) arch.setMigration(target, base + 2 * i, kind, pfn + i, state);
}
