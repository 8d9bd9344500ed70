/** What one entry of the page tables is, to a policy. */
export const LeafKind = {
  /** A page of a folio: small, or one page of a large folio mapped by small entries. */
  Page: 1,
  /** The zero page: no folio. */
  ZeroPage: 2,
  /** The page is in swap. */
  Swap: 3,
  /** The page is being migrated. */
  Migration: 4,
  /** A marker (guard, poison, write protection by userfaultfd), or a page lost to the hardware: nothing behind it. */
  Marker: 5,
  /** A huge entry: a whole large folio by one entry. */
  HugePage: 6,
  /** The huge zero page: no folio. */
  HugeZeroPage: 7,
  /** A huge entry whose folio is being migrated. */
  HugeMigration: 8,
} as const;
export type LeafKind = (typeof LeafKind)[keyof typeof LeafKind];

/**
 * One entry of the page tables as a policy sees it. One object serves all entries of a walk: copy what must last.
 * Page numbers.
 */
export class Leaf {
  kind: LeafKind = LeafKind.Page;
  /** First page of the entry in the source. */
  page = 0;
  /** What to add to a source page to have its place in the destination. */
  shift = 0;
  /** Frame of the first page; -1 without a page. */
  frame = -1;
  /** Head of the folio; -1 without a folio. */
  head = -1;
  /** Order of the folio; 0 without one. */
  order = 0;
  /** Pages of the entry that lie in the moved range: less than a huge entry has when the range cuts it. */
  pages = 1;
  /** Swap and migration entries: the offset that the entry holds (the slot, or the frame in its low bits). */
  offset = 0;

  /** Where {@link page} will be. */
  get destinationPage(): number {
    return this.page + this.shift;
  }
}
