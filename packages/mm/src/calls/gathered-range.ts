import { NONE, VM_ACCOUNT, VM_LOCKED, isDataMapping, isExecMapping, isStackMapping } from '@vmakit/base';
import type { VmaOwner } from '@vmakit/vma-merge';

/**
 * The VMAs of a range that is about to be unmapped and what they have in it: `vma_munmap_struct`. They stay in the
 * tree, in one unbroken row from `first` on, until `removeGathered`.
 *
 * The first may begin before the range, the last one end behind it: such a VMA is not cut in two, of which one is
 * removed, but shrinks when the others are removed (see `gatherVmas`).
 *
 * An address space has one, and begins it anew for each unmapping: nothing is allocated. Pages.
 */
export class GatheredRange {
  readonly mm: VmaOwner;
  start = 0;
  end = 0;
  /** The row of the lowest VMA. */
  first: number = NONE;
  /** Rows of what will be the neighbours of the range. */
  prev: number = NONE;
  next: number = NONE;
  count = 0;
  pages = 0;
  locked = 0;
  accounted = 0;
  exec = 0;
  stack = 0;
  data = 0;

  constructor(mm: VmaOwner) {
    this.mm = mm;
  }

  /** Begins an unmapping of [start, end), of which the VMA in the row `first` is the lowest. */
  begin(start: number, end: number, first: number): this {
    const { table } = this.mm.tree;
    this.start = start;
    this.end = end;
    this.first = first;
    this.prev = table.start(first) < start ? first : table.prev(first);
    this.next = NONE;
    this.count = 0;
    this.pages = 0;
    this.locked = 0;
    this.accounted = 0;
    this.exec = 0;
    this.stack = 0;
    this.data = 0;
    return this;
  }

  /** The first VMA begins before the range. */
  get cutsFirst(): boolean {
    return this.first !== NONE && this.first === this.prev;
  }

  /** The last VMA ends behind the range. */
  get cutsLast(): boolean {
    return this.next !== NONE && this.mm.tree.table.start(this.next) < this.end;
  }

  /** Counts one more VMA, with what it has in the range. */
  add(row: number): void {
    const { table } = this.mm.tree;
    const flags = table.flags(row);
    const pages = Math.min(table.end(row), this.end) - Math.max(table.start(row), this.start);
    this.count++;
    this.pages += pages;
    if ((flags & VM_LOCKED) !== 0) this.locked += pages;
    if ((flags & VM_ACCOUNT) !== 0) this.accounted += pages;
    if (isExecMapping(flags)) this.exec += pages;
    else if (isStackMapping(flags)) this.stack += pages;
    else if (isDataMapping(flags)) this.data += pages;
  }
}
