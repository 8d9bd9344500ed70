import type { EntryWords } from '../arch.js';

/** One past the greatest word. */
const WORD_LIMIT = 1n << 64n;

/** The 64-bit word at `at`. */
export function readWord(words: EntryWords, at: number): bigint {
  return (BigInt(words[at + 1]! >>> 0) << 32n) | BigInt(words[at]! >>> 0);
}

/** Stores a 64-bit word at `at`. @throws {RangeError} when it has more than 64 bits or is negative */
export function writeWord(words: EntryWords, at: number, word: bigint): void {
  if (word < 0n || word >= WORD_LIMIT) throw new RangeError(`word: ${word} is not in 0..2^64-1`);
  words[at] = Number(word & 0xffffffffn) | 0;
  words[at + 1] = Number(word >> 32n) | 0;
}

/** A word as people write it: `0x8000000012345067`. */
export function formatWord(word: bigint): string {
  return `0x${word.toString(16)}`;
}

/** Reads a word as people write it. @throws {RangeError} when it is not a number of at most 64 bits */
export function parseWord(text: string): bigint {
  if (!/^(?:0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) {
    throw new RangeError(`word: ${JSON.stringify(text)} is not a number such as 0x8000000012345067`);
  }
  const word = BigInt(text);
  if (word >= WORD_LIMIT) throw new RangeError(`word: ${text} has more than 64 bits`);
  return word;
}
