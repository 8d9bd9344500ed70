/*
 * A VMA as a row of 64 bytes in the table of its address space: three doubles, then 32-bit words. Read through
 * `VmaTable` or `Vma`.
 */

/** log2 of the doubles of a row, and of its 32-bit words. */
export const NUMBERS_SHIFT = 3;
export const WORDS_SHIFT = 4;
/** Doubles: page numbers. */
export const START = 0;
export const END = 1;
export const PAGE_OFFSET = 2;
/** Words, behind the doubles. What one bit of the upper flags stands for is 2^32. */
export const FLAGS_LOWER = 6;
export const FLAGS_UPPER = 7;
/** {@link ATTACHED}, {@link DETACHED} or {@link FREED}. */
export const STATE = 8;
export const ANON_VMA = 9;
export const CHAIN = 10;
/** Not 0: it has extras. */
export const HAS_EXTRAS = 11;
/** Neighbours by address, kept by the tree. NEXT of a free row: the next free one. */
export const PREV = 12;
export const NEXT = 13;

/** What a row is: in its mm's tree, in none, or free. */
export const ATTACHED = 1;
export const DETACHED = 0;
export const FREED = -1;
