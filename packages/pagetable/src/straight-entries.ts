import type { EntryWords } from './arch.js';

/**
 * How many of the `limit` small entries from the one at `at` on are like it but for their frames, which follow one
 * another: each is `step` more than the one before. Four at a time, which is twice as fast, and then one by one.
 */
export function countStraight(words: EntryWords, at: number, limit: number, step: number): number {
  const high = words[at + 1]!;
  let low = words[at]!;
  // Where the lower half overflows the run ends.
  const room = Math.ceil((2 ** 32 - (low >>> 0)) / step);
  const end = at + 2 * (room < limit ? room : limit);
  let entry = at + 2;
  for (; entry + 8 <= end; entry += 8) {
    const differences =
      (words[entry]! ^ (low + step)) |
      (words[entry + 1]! ^ high) |
      (words[entry + 2]! ^ (low + 2 * step)) |
      (words[entry + 3]! ^ high) |
      (words[entry + 4]! ^ (low + 3 * step)) |
      (words[entry + 5]! ^ high) |
      (words[entry + 6]! ^ (low + 4 * step)) |
      (words[entry + 7]! ^ high);
    if (differences !== 0) break;
    low = (low + 4 * step) | 0;
  }
  for (; entry < end; entry += 2) {
    low = (low + step) | 0;
    if (((words[entry]! ^ low) | (words[entry + 1]! ^ high)) !== 0) break;
  }
  return (entry - at) >> 1;
}
