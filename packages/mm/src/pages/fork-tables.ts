import { NONE, pagesInto } from '@vmakit/base';
import type { EntryWords } from '@vmakit/pagetable';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';

/** A first page that no page is near to. */
const NOWHERE = -(2 ** 53);

/**
 * What the copying of page tables works with: one for each address space, so that there always is one and the engine
 * keeps the code compiled for it (see `refuse` of base); begun anew for each fork and each VMA. The table of the lowest
 * level that was copied last and the child's copy of it are held: of many small VMAs the next one most often has its
 * pages there too.
 */
export class ForkCopy {
  readonly parent: Mm;
  child!: Mm;
  /** The VMAs, by row. */
  childRow: number = NONE;
  parentRow: number = NONE;
  /** Private memory that may be written: both sides are write-protected. */
  cow = false;
  /** The first page that the tables held map; an array of one, since a property would be an object of its own. */
  readonly #firstPage: Float64Array = Float64Array.of(NOWHERE);
  /** The words of the parent's table, and where it begins in there. */
  source!: EntryWords;
  base = 0;
  /** The words of the child's table, and by how much its entries lie behind those of the parent's. */
  target!: EntryWords;
  distance = 0;

  constructor(parent: Mm) {
    this.parent = parent;
  }

  /** Nothing is copied yet. */
  begin(child: Mm): this {
    this.child = child;
    this.#firstPage[0] = NOWHERE;
    return this;
  }

  get childVma(): Vma {
    return this.child.tree.table.view(this.childRow);
  }

  get parentVma(): Vma {
    return this.parent.tree.table.view(this.parentRow);
  }

  /** Where in the tables held the pages from `page` on are: entries from there on; below 0: not in there. */
  entriesFrom(page: number): number {
    return page - this.#firstPage[0]!;
  }

  /** The page that the parent's entry at `at` maps. */
  pageAt(at: number): number {
    return this.#firstPage[0]! + ((at - this.base) >> 1);
  }

  /** Holds the parent's table for `page`, which there is, and the child's, which is made if need be. */
  hold(page: number): boolean {
    const source = this.parent.pages;
    const target = this.child.pages;
    const table = source.lookup(0, page);
    const copy = target.ensure(0, page);
    if (copy === 0) return false;
    this.#firstPage[0] = page - pagesInto(page, source.arch.pmdPages);
    this.source = source.pool.words(table);
    this.base = source.pool.base(table);
    this.target = target.pool.words(copy);
    this.distance = target.pool.base(copy) - this.base;
    return true;
  }
}
