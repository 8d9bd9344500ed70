import { type Arch, EntryKind, type EntryWords, MARKER_UFFD_WP, UFFD_WP } from '@vmakit/pagetable';
import { lockTables, unlockTables } from './move-tables.js';
import { releaseRmapLocks, takeRmapLocks } from './rmap-locks.js';
import type { TableMove } from './table-move.js';

/**
 * Moves the entries of `extent` pages from one table of the lowest level to another (move_ptes, spec 04 section 7).
 *
 * @returns false when the source table could not be locked: the caller looks again.
 */
export function movePtes(move: TableMove, extent: number): boolean {
  const { pages, env } = move.mm;
  const { arch, locks, injector } = env;
  takeRmapLocks(move, false);
  const contended = injector !== null && !move.back && injector.fails('page-table-lock');
  const table = contended ? 0 : pages.lookup(0, move.source);
  const target = pages.lookup(0, move.target);
  if (table === 0 || target === 0) {
    releaseRmapLocks(move, false);
    return false;
  }
  if (locks.enabled) lockTables(move, table, target);
  const from = pages.pool.words(table);
  const at = pages.entryAt(table, 0, move.source);
  const to = pages.pool.words(target);
  const toAt = pages.entryAt(target, 0, move.target);
  let flush: boolean;
  if (arch.contiguousEntries > 1 || move.dropsUserfaultMarks) {
    flush = moveMixed(move, arch, from, at, to, toAt, extent);
  } else {
    const moved = arch.moveEntries(from, at, to, toAt, extent);
    flush = moved < 0;
    move.ptes += Math.abs(moved);
  }
  if (flush) {
    // Before the locks are dropped: nobody may see the new entry while a processor still uses the old one.
    pages.tlb.flushRange(move.source, move.source + extent, 0, 0);
    move.tlbFlushes++;
  }
  if (locks.enabled) unlockTables(move, table, target);
  releaseRmapLocks(move, false);
  return true;
}

/** With contiguous blocks, which move as one, or marks of a userfaultfd to drop. Gives whether any was present. */
function moveMixed(
  move: TableMove,
  arch: Arch,
  from: EntryWords,
  fromAt: number,
  to: EntryWords,
  toAt: number,
  extent: number,
): boolean {
  const { memory } = move.mm.env;
  const end = fromAt + 2 * extent;
  let present = false;
  for (let at = fromAt, target = toAt, count = 1; at < end; at += 2 * count, target += 2 * count) {
    count = 1;
    if (arch.isNone(from, at)) continue;
    if (move.dropsUserfaultMarks && isWriteProtectMarker(arch, from, at)) {
      arch.clear(from, at);
      continue;
    }
    if (arch.isPresent(from, at)) {
      present = true;
      if (arch.isContiguous(from, at)) {
        const frame = arch.pfn(from, at, 0);
        const order = memory.order[frame] as number;
        const left = (1 << order) - (frame & ((1 << order) - 1));
        count = arch.batchLength(from, at, Math.min(left, (end - at) / 2));
      }
    }
    if (count > 1) {
      arch.movePages(from, at, to, target, count, move.dropsUserfaultMarks ? UFFD_WP : 0);
    } else {
      arch.moveEntry(from, at, to, target);
      if (move.dropsUserfaultMarks) arch.clearUffdWp(to, target);
    }
    for (let i = 0; i < count; i++) arch.setSoftDirty(to, target + 2 * i);
    move.ptes += count;
  }
  return present;
}

/** A marker that only says "write-protected by userfaultfd": without the registration it says nothing. */
function isWriteProtectMarker(arch: Arch, words: EntryWords, at: number): boolean {
  return arch.kindOf(words, at, 0) === EntryKind.Marker && arch.markerBits(words, at) === MARKER_UFFD_WP;
}
