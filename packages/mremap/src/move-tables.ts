import type { Level } from '@vmakit/pagetable';
import { hasRemaplessUserfault, releaseRmapLocks, takeRmapLocks } from './rmap-locks.js';
import { type TableMove, keepsDeposit } from './table-move.js';

/**
 * Moves entries of `level` that lead to tables, and with them all that is below (move_normal_pmd, move_normal_pud): at
 * most `count`, next to each other in one table, to one table. Walkers are always locked out: they would find the table
 * at neither place. Soft-dirty marks are not set.
 *
 * @returns how many. 0: it must be done entry by entry, since a userfaultfd's marks must be dropped, the target has
 * entries, or the source has no table.
 */
export function moveTables(
  move: TableMove,
  shape: Level,
  level: number,
  table: number,
  target: number,
  count: number,
): number {
  const { pages, env } = move.mm;
  const { locks } = env;
  takeRmapLocks(move, true);
  let moved = 0;
  if (!hasRemaplessUserfault(move)) {
    if (locks.enabled) lockTables(move, table, target);
    moved = pages.moveTables(level, table, move.source, target, move.target, count);
    pages.tlb.flushEntries(moved, level, shape.shift);
    move.tlbFlushes += moved;
    if (locks.enabled) unlockTables(move, table, target);
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
  if (table !== target && keepsDeposit(move)) {
    const reserve = pages.withdraw(table);
    if (reserve !== 0) pages.deposit(target, reserve);
  }
  arch.setSoftDirty(targetWords, to);
  if (move.dropsUserfaultMarks) arch.clearUffdWp(targetWords, to);
  if (present) {
    pages.tlb.flushRange(pmd.span, level, pmd.shift);
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
