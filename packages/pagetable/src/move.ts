import type { Arch, EntryWords, PagesToFolioEnd } from './arch.js';
import { EntryKind, MARKER_UFFD_WP, UFFD_WP } from './entry.js';

/** Counts what a move of lowest-level entries met. Reused: moving allocates nothing. */
export class MoveTally {
  /** Entries moved that map a page: the old range must be flushed before the locks are dropped. */
  present = 0;
  /** Entries moved that map none: swap, migration, markers. */
  absent = 0;
  /** Markers of userfaultfd left behind, because the new mapping does not inherit it. */
  dropped = 0;

  reset(): void {
    this.present = 0;
    this.absent = 0;
    this.dropped = 0;
  }
}

/**
 * Moves `count` entries of the lowest level from one table to another: step 4 of `move_ptes`, spec 04 section 7. Empty
 * ones are skipped; all others keep their bits, are marked soft-dirty, and with `dropUffd` (a userfaultfd without
 * remap events) lose its protection. The destination entries must be empty. Counts are added to `tally`.
 *
 * @param pagesToFolioEnd how far the pages of a folio go that move as one where there are contiguous blocks; null: the
 * architecture knows, or they go to the end of their block
 */
export function moveEntries(
  arch: Arch,
  source: EntryWords,
  sourceAt: number,
  target: EntryWords,
  targetAt: number,
  count: number,
  dropUffd: boolean,
  tally: MoveTally,
  pagesToFolioEnd: PagesToFolioEnd | null = null,
): void {
  if (arch.contiguousEntries === 1 && !dropUffd) {
    const moved = arch.moveRun(source, sourceAt, target, targetAt, count);
    tally.present += moved >>> 16;
    tally.absent += moved & 0xffff;
    return;
  }
  const distance = targetAt - sourceAt;
  const end = sourceAt + 2 * count;
  let at = sourceAt;
  while (at < end) {
    let taken = 1;
    if (arch.isNone(source, at)) {
      // Nothing to move.
    } else if (arch.isPresent(source, at)) {
      taken = batchLength(arch, source, at, (end - at) >> 1, pagesToFolioEnd);
      if (taken === 1) moveOne(arch, source, at, target, at + distance, dropUffd);
      else moveBatch(arch, source, at, target, at + distance, taken, dropUffd);
      tally.present += taken;
    } else if (dropUffd && isUffdMarker(arch, source, at)) {
      arch.clear(source, at);
      tally.dropped++;
    } else {
      moveOne(arch, source, at, target, at + distance, dropUffd);
      tally.absent++;
    }
    at += 2 * taken;
  }
}

function batchLength(
  arch: Arch,
  source: EntryWords,
  at: number,
  limit: number,
  pagesToFolioEnd: PagesToFolioEnd | null,
): number {
  if (pagesToFolioEnd === null || !arch.isContiguous(source, at)) return arch.batchLength(source, at, limit);
  return arch.runLength(source, at, Math.min(limit, pagesToFolioEnd(arch.pfn(source, at, 0))));
}

function moveOne(
  arch: Arch,
  source: EntryWords,
  at: number,
  target: EntryWords,
  targetAt: number,
  dropUffd: boolean,
): void {
  arch.moveEntry(source, at, target, targetAt);
  arch.setSoftDirty(target, targetAt);
  if (dropUffd && arch.isUffdWp(target, targetAt)) arch.clearUffdWp(target, targetAt);
}

function moveBatch(
  arch: Arch,
  source: EntryWords,
  at: number,
  target: EntryWords,
  targetAt: number,
  count: number,
  dropUffd: boolean,
): void {
  arch.movePages(source, at, target, targetAt, count, dropUffd ? UFFD_WP : 0);
  if (!arch.hasSoftDirty) return;
  for (let i = 0; i < count; i++) arch.setSoftDirty(target, targetAt + 2 * i);
}

/** A marker that says nothing but "protected by userfaultfd". */
function isUffdMarker(arch: Arch, words: EntryWords, at: number): boolean {
  return arch.kindOf(words, at, 0) === EntryKind.Marker && arch.markerBits(words, at) === MARKER_UFFD_WP;
}
