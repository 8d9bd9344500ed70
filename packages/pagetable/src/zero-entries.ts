import type { EntryWords } from './arch.js';

/** How many of the `limit` entries from the one at `at` on are 0. Four at a time, and then one by one. */
export function countZero(words: EntryWords, at: number, limit: number): number {
  const end = at + 2 * limit;
  let entry = at;
  for (; entry + 8 <= end; entry += 8) {
    const bits =
      words[entry]! |
      words[entry + 1]! |
      words[entry + 2]! |
      words[entry + 3]! |
      words[entry + 4]! |
      words[entry + 5]! |
      words[entry + 6]! |
      words[entry + 7]!;
    if (bits !== 0) break;
  }
  while (entry < end && (words[entry]! | words[entry + 1]!) === 0) entry += 2;
  return (entry - at) >> 1;
}
