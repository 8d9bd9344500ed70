import type { EntryWords } from '../arch.js';
import {
  ACCESSED,
  CONTIGUOUS,
  READ_ONLY,
  SOFTWARE_DIRTY,
  SPECIAL_BIT,
  TYPE_MASK,
  VALID,
  TYPE_PAGE,
  WRITE,
} from './arm64-bits.js';

/**
 * Contiguous blocks of arm64: `size` entries at an aligned place that map aligned, consecutive frames of one folio with
 * equal permissions carry a hint, and the processor may keep its accessed and modified marks in any of them.
 * Spec 04 section 3, "Contiguous PTEs".
 *
 *     at:      | 0 .. 15 | 16 .. 31 | 32 ..       entries; blocks of 16
 *     folded:  |    C    |          |
 *
 * Whoever changes part of a folded block unfolds it first: the marks, gathered, go to every entry.
 */

/** Marks of a run of entries. */
export const GATHERED_YOUNG = 1;
export const GATHERED_DIRTY = 2;

/** Index of the first entry of the block of `size` entries that `at` is in. */
export function blockStart(at: number, size: number): number {
  return at & ~(2 * size - 1);
}

/** Whether an entry of the lowest level is one of a folded block. */
export function isFolded(words: EntryWords, at: number): boolean {
  return (words[at + 1]! & CONTIGUOUS) !== 0 && (words[at]! & TYPE_MASK) === (VALID | TYPE_PAGE);
}

/** The accessed and modified marks of `count` entries together. */
export function gatherMarks(words: EntryWords, at: number, count: number): number {
  let marks = 0;
  for (let i = at; i < at + 2 * count; i += 2) {
    const low = words[i]!;
    const high = words[i + 1]!;
    if ((low & ACCESSED) !== 0) marks |= GATHERED_YOUNG;
    if ((high & SOFTWARE_DIRTY) !== 0 || ((high & WRITE) !== 0 && (low & READ_ONLY) === 0)) marks |= GATHERED_DIRTY;
  }
  return marks;
}

/** Low half of an entry with gathered marks; `high` as it will be. */
export function markedLow(low: number, high: number, marks: number): number {
  let result = low;
  if ((marks & GATHERED_YOUNG) !== 0) result |= ACCESSED;
  if ((marks & GATHERED_DIRTY) !== 0 && (high & WRITE) !== 0) result &= ~READ_ONLY;
  return result;
}

/** High half of an entry with gathered marks. */
export function markedHigh(high: number, marks: number): number {
  return (marks & GATHERED_DIRTY) !== 0 ? high | SOFTWARE_DIRTY : high;
}

/** Unfolds the block that `at` is in, if it is folded: the gathered marks go to each entry. */
export function unfold(words: EntryWords, at: number, size: number): void {
  if (isFolded(words, at)) rewriteBlock(words, blockStart(at, size), size, 0);
}

/** Unfolds the folded blocks that [at, at + count) covers only in part. */
export function unfoldEdges(words: EntryWords, at: number, count: number, size: number): void {
  const end = at + 2 * count;
  if (at !== blockStart(at, size) || end < blockStart(at, size) + 2 * size) unfold(words, at, size);
  if (end !== blockStart(end, size)) unfold(words, end - 2, size);
}

/**
 * Whether the entries of the block at `first` could be folded: not special, equal but for the marks, and their frames
 * consecutive. `frameStep` is what one frame adds to the low half.
 */
export function isFoldable(words: EntryWords, first: number, size: number, frameStep: number): boolean {
  // Marks are ignored. Without write permission READ_ONLY is always set, so or-ing it in hides nothing.
  const low = words[first]! | READ_ONLY | ACCESSED;
  const high = words[first + 1]! | SOFTWARE_DIRTY;
  if ((high & (CONTIGUOUS | SPECIAL_BIT)) !== 0) return false;
  for (let i = 1; i < size; i++) {
    const entry = first + 2 * i;
    if ((words[entry]! | READ_ONLY | ACCESSED) !== ((low + i * frameStep) | 0)) return false;
    if ((words[entry + 1]! | SOFTWARE_DIRTY) !== high) return false;
  }
  return true;
}

/** Folds the block at `first`: the gathered marks go to each entry. */
export function fold(words: EntryWords, first: number, size: number): void {
  rewriteBlock(words, first, size, CONTIGUOUS);
}

function rewriteBlock(words: EntryWords, first: number, size: number, hint: number): void {
  const marks = gatherMarks(words, first, size);
  for (let entry = first; entry < first + 2 * size; entry += 2) {
    const high = (markedHigh(words[entry + 1]!, marks) & ~CONTIGUOUS) | hint;
    words[entry] = markedLow(words[entry]!, high, marks);
    words[entry + 1] = high;
  }
}
