import { type Arch, type EntryWords, type PageProtection, decodeWord, encodeWord, readWord } from '@vmakit/pagetable';

/** Words that were found to be good, by name of the architecture and level, the high half, then the low half. */
const good = new Map<string, Map<number, Set<number>>[]>();
/** So many words are remembered at most; then it begins anew. */
const MOST_WORDS = 1 << 18;
let wordsKnown = 0;

/**
 * S5.5: the word decodes to something that encodes to the same word: no reserved bit is set. Words seen before are not
 * decoded again, so that this costs little on the same few frames.
 *
 * @param prot protection of the mapping, which has the protection key and, at upper levels, whether to execute
 */
export function roundTrips(arch: Arch, words: EntryWords, at: number, level: number, prot: PageProtection): boolean {
  const high = words[at + 1] as number;
  const low = words[at] as number;
  const known = knownLows(arch, level, high);
  if (known.has(low)) return true;
  const word = readWord(words, at);
  const { name } = arch.level(level);
  if (encodeWord(arch, name, decodeWord(arch, name, word), prot) !== word) return false;
  known.add(low);
  wordsKnown++;
  return true;
}

function knownLows(arch: Arch, level: number, high: number): Set<number> {
  if (wordsKnown > MOST_WORDS) {
    good.clear();
    wordsKnown = 0;
  }
  let levels = good.get(arch.name);
  if (levels === undefined) {
    levels = arch.levels.map(() => new Map<number, Set<number>>());
    good.set(arch.name, levels);
  }
  const highs = levels[level] as Map<number, Set<number>>;
  let lows = highs.get(high);
  if (lows === undefined) {
    lows = new Set();
    highs.set(high, lows);
  }
  return lows;
}
