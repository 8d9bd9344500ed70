import { VM_ACCOUNT, VM_LOCKED, isDataMapping, isExecMapping, isStackMapping } from '@vmakit/base';
import type { Vma } from '@vmakit/vma-merge';

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
  start = 0;
  end = 0;
  /** The lowest VMA. */
  first: Vma | null = null;
  /** What will be the neighbours of the range. */
  prev: Vma | null = null;
  next: Vma | null = null;
  count = 0;
  pages = 0;
  locked = 0;
  accounted = 0;
  exec = 0;
  stack = 0;
  data = 0;

  /** Begins an unmapping of [start, end), of which `first` is the lowest VMA. */
  begin(start: number, end: number, first: Vma): this {
    this.start = start;
    this.end = end;
    this.first = first;
    this.prev = first.start < start ? first : first.prev;
    this.next = null;
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
    return this.first !== null && this.first === this.prev;
  }

  /** The last VMA ends behind the range. */
  get cutsLast(): boolean {
    return this.next !== null && this.next.start < this.end;
  }

  /** Counts one more VMA, with what it has in the range. */
  add(vma: Vma): void {
    const { flags } = vma;
    const pages = Math.min(vma.end, this.end) - Math.max(vma.start, this.start);
    this.count++;
    this.pages += pages;
    if ((flags & VM_LOCKED) !== 0) this.locked += pages;
    if ((flags & VM_ACCOUNT) !== 0) this.accounted += pages;
    if (isExecMapping(flags)) this.exec += pages;
    else if (isStackMapping(flags)) this.stack += pages;
    else if (isDataMapping(flags)) this.data += pages;
  }
}
