import { EntryKind, type Level } from '@vmakit/pagetable';
import { hasRemaplessUserfault, releaseRmapLocks, takeRmapLocks } from './rmap-locks.js';
import { type TableMove, keepsDeposit } from './table-move.js';

/**
 * Moves one entry of `level` that leads to a table, and with it all that is below (move_normal_pmd, move_normal_pud).
 * Walkers are always locked out: they would find the table at neither place. Soft-dirty marks are not set.
 *
 * @returns false when it must be done entry by entry: a userfaultfd's marks must be dropped, the target has entries, or
 * the source has no table.
 */
export function moveTable(move: TableMove, shape: Level, level: number, table: number, target: number): boolean {
  const { pages, env } = move.mm;
  const { arch, locks } = env;
  takeRmapLocks(move, true);
  let moved = false;
  if (!hasRemaplessUserfault(move)) {
    const targetWords = pages.pool.words(target);
    const words = pages.pool.words(table);
    if (
      arch.isNone(targetWords, pages.entryAt(target, level, move.target)) &&
      arch.kindOf(words, pages.entryAt(table, level, move.source), level) === EntryKind.Table
    ) {
      if (locks.enabled) lockTables(move, table, target);
      pages.moveTableEntry(level, table, move.source, target, move.target);
      pages.tlb.flushRange(move.source, move.source + shape.span, level, shape.shift);
      move.tlbFlushes++;
      if (locks.enabled) unlockTables(move, table, target);
      moved = true;
    }
  }
  releaseRmapLocks(move, true);
  return moved;
}

/**
 * Moves one huge entry as it is, present or in migration (move_huge_pmd); its reserve table goes with it. Soft-dirty is
 * set. False when the target is not empty.
 */
export function moveHugePmd(move: TableMove, pmd: Level, table: number, target: number): boolean {
  const { pages, env } = move.mm;
  const { arch, locks } = env;
  const level = arch.pmdLevel;
  const targetWords = pages.pool.words(target);
  const to = pages.entryAt(target, level, move.target);
  if (!arch.isNone(targetWords, to)) return false;
  takeRmapLocks(move, false);
  if (locks.enabled) lockTables(move, table, target);
  const words = pages.pool.words(table);
  const at = pages.entryAt(table, level, move.source);
  const present = arch.isPresent(words, at);
  pages.moveTableEntry(level, table, move.source, target, move.target);
  if (table !== target && keepsDeposit(move.sourceVma)) {
    const reserve = pages.withdraw(table);
    if (reserve !== 0) pages.deposit(target, reserve);
  }
  arch.setSoftDirty(targetWords, to);
  if (move.dropsUserfaultMarks) arch.clearUffdWp(targetWords, to);
  if (present) {
    pages.tlb.flushRange(move.source, move.source + pmd.span, level, pmd.shift);
    move.tlbFlushes++;
  }
  if (locks.enabled) unlockTables(move, table, target);
  releaseRmapLocks(move, false);
  move.hugePmds++;
  return true;
}

/** Takes the locks of two tables, the source's first; one when they are the same. */
export function lockTables(move: TableMove, table: number, target: number): void {
  const { locks } = move.mm.env;
  locks.acquire('page-table', table, 'write');
  if (target !== table) locks.acquire('page-table', target, 'write');
}

export function unlockTables(move: TableMove, table: number, target: number): void {
  const { locks } = move.mm.env;
  if (target !== table) locks.release('page-table', target);
  locks.release('page-table', table);
}
