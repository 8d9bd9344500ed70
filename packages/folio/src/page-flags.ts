/**
 * Bits of {@link PhysicalMemory.flags}. Those marked "page" belong to every page of a folio by itself, the others to
 * the folio and are kept at its head.
 */

/** First page of a large folio. */
export const PG_HEAD: number = 1 << 0;
/** Page: any other page of a large folio. */
export const PG_TAIL: number = 1 << 1;
/** Anonymous: `mapping` names an anon_vma. Spec 03 section 4. */
export const PG_ANON: number = 1 << 2;
/** Merged by KSM: `mapping` and `index` mean nothing. */
export const PG_KSM: number = 1 << 3;
/** Page: PageAnonExclusive, mapped by one process only; for a PMD map the head's bit counts. Spec 03 section 4. */
export const PG_EXCLUSIVE: number = 1 << 4;
/** In the swap cache; holds one reference for each page. */
export const PG_SWAPCACHE: number = 1 << 5;
/** Modified since it was last written to swap or file. */
export const PG_DIRTY: number = 1 << 6;
/** Locked: the folio lock. */
export const PG_LOCKED: number = 1 << 7;
/** Large folio that lost some of its mappings: queued to be split. */
export const PG_PARTIALLY_MAPPED: number = 1 << 8;
/** Large folio that may be mapped by more than one process: the "shared" bit of spec 03 section 4. */
export const PG_MAYBE_SHARED: number = 1 << 9;
/** Anonymous memory that needs swap; cleared by MADV_FREE, which lets reclaim drop a clean page. */
export const PG_SWAPBACKED: number = 1 << 10;
/** Frame that heads a free block of the allocator. */
export const PG_FREE: number = 1 << 11;
/** Frame with no folio: a zero page. */
export const PG_RESERVED: number = 1 << 12;

/** What a new folio takes over when a large one is split, from each page and from the head. Spec 07 section 1. */
export const PG_KEPT_PER_PAGE: number = PG_EXCLUSIVE;
export const PG_KEPT_FROM_HEAD: number = PG_ANON | PG_SWAPCACHE | PG_DIRTY | PG_SWAPBACKED;
