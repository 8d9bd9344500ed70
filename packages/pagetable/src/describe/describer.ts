import type { EntryWords } from '../arch.js';

/** A named run of bits of an entry. */
export interface BitField {
  readonly name: string;
  /** Highest bit, 63 at most. */
  readonly high: number;
  /** Lowest bit. */
  readonly low: number;
  /** What a reader should know about it. */
  readonly note?: string;
}

/** One thing that is said of a page entry beside what all architectures say: its name and value. */
export type PageDetails = Readonly<Record<string, boolean>>;

/**
 * What an architecture has to say about its entries to people: the questions that nothing in the model asks, but that a
 * kernel answers about a word, and the bits by name. Not for hot paths.
 */
export interface EntryDescriber {
  /** Whether an upper entry that leads to a table would be taken for corrupt. */
  isBadTable(words: EntryWords, at: number): boolean;
  /** Whether a program can reach the page through this present entry. */
  isUserAccessible(words: EntryWords, at: number): boolean;
  /** Whether the processor may have this present entry cached. */
  isAccessible(words: EntryWords, at: number): boolean;
  /** Whether the page of this present entry may be executed. */
  isExecutable(words: EntryWords, at: number): boolean;
  /** The details of this architecture, in the order in which they are printed. */
  pageDetails(words: EntryWords, at: number, level: number): PageDetails;
  /** Sets the bits that details decide beyond the common state; those that are not given are left as they are. */
  setPageDetails(words: EntryWords, at: number, level: number, details: Readonly<Record<string, unknown>>): void;
  /** The bits of this entry by name, from the top. */
  fields(words: EntryWords, at: number, level: number): readonly BitField[];
}
