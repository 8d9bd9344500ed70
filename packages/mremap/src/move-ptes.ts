import type { PhysicalMemory } from '@vmakit/folio';
import { moveEntries } from '@vmakit/pagetable';
import { lockTables, unlockTables } from './move-tables.js';
import { releaseRmapLocks, takeRmapLocks } from './rmap-locks.js';
import type { TableMove } from './table-move.js';

/**
 * Moves the entries of `extent` pages from one table of the lowest level, `source`, to another, `target` (move_ptes,
 * spec 04 section 7).
 *
 * @returns false when the source table could not be locked: the caller looks again.
 */
export function movePtes(move: TableMove, extent: number, source: number, target: number): boolean {
  const { pages, env } = move.mm;
  const { arch, locks, injector, memory } = env;
  takeRmapLocks(move, false);
  const contended = injector !== null && !move.back && injector.fails('page-table-lock');
  if (contended || source === 0) {
    releaseRmapLocks(move, false);
    return false;
  }
  if (locks.enabled) lockTables(move, source, target);
  const { tally } = move;
  tally.reset();
  // A small integer, as page numbers are not: the loop over the entries takes half the time for it.
  const count = extent | 0;
  moveEntries(
    arch,
    pages.pool.words(source),
    pages.entryAt(source, 0, move.source),
    pages.pool.words(target),
    pages.entryAt(target, 0, move.target),
    count,
    move.dropsUserfaultMarks,
    tally,
    arch.contiguousEntries > 1 ? (frame) => pagesToFolioEnd(memory, frame) : null,
  );
  pages.pool.emptied(source, pages.indexAt(0, move.source), count);
  move.ptes += tally.present + tally.absent;
  if (tally.present > 0) {
    // Before the locks are dropped: nobody may see the new entry while a processor still uses the old one.
    pages.tlb.flushRange(extent, 0, 0);
    move.tlbFlushes++;
  }
  if (locks.enabled) unlockTables(move, source, target);
  releaseRmapLocks(move, false);
  return true;
}

/** Pages of the folio of `frame` from that page on. */
function pagesToFolioEnd(memory: PhysicalMemory, frame: number): number {
  const size = 1 << (memory.order[frame] as number);
  return size - (frame & (size - 1));
}
