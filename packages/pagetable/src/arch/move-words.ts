import type { EntryWords } from '../arch.js';

/** Halves of the largest table. */
const MOST_WORDS = 2 * 8192;

/**
 * Words on their way from one table to another. Tables are aligned to pages, so source and target of most moves lie at
 * nearly the same place of a page, and a processor takes each load for one of what was just stored there (the low 12
 * bits of the addresses are alike): straight from one to the other takes six times as long as by here.
 */
const between = new Int32Array(MOST_WORDS);

/** Words up to which the way by there costs more than it saves, where both tables are in one array. */
const FEW_WORDS = 256;

/** Moves `count` words as they are: the source is zero after it. They must not overlap. */
export function moveWords(
  source: EntryWords,
  sourceAt: number,
  target: EntryWords,
  targetAt: number,
  count: number,
): void {
  if (source === target && count <= FEW_WORDS) {
    source.copyWithin(targetAt, sourceAt, sourceAt + count);
    source.fill(0, sourceAt, sourceAt + count);
    return;
  }
  between.set(source.subarray(sourceAt, sourceAt + count));
  source.fill(0, sourceAt, sourceAt + count);
  target.set(between.subarray(0, count), targetAt);
}
