import { type ItemWords, NONE, copiedInto, roomBeyond } from '@vmakit/base';
import type { RmapVma, RmapVmaTable } from './anon-vma.js';

/** log2 of the numbers of a link in `words`. */
export const LINK_SHIFT = 2;
/** The slot of its anon_vma. */
const ANON_VMA = 0;
/** The next link of the same VMA; of a free link, the next free one. */
const NEXT = 1;
/** In a row: the next link of the same anon_vma, in the order of its tree. Else {@link IN_TREE}. */
const SIBLING = 2;
/** In a tree: its leaf. Kept by the tree. */
export const LINK_LEAF = 3;

/** No number of a link, and not {@link NONE}. */
const IN_TREE = -2;

/** log2 of the numbers that say which VMA a link is of. */
const VMA_SHIFT = 1;
/** The number of its table... */
const OWNER = 0;
/** ... and its row in there. */
const ROW = 1;

/**
 * The links between VMAs and anon_vmas of a kernel (`anon_vma_chain`): a link is a number from 0 on, used again when
 * the link is gone. 24 bytes each. It names its VMA by table and row, so that a link needs no object of one.
 */
export class LinkTable implements ItemWords {
  /** Four numbers of each link. */
  words: Int32Array = new Int32Array(0);
  /** Two numbers of each link: of which VMA it is. */
  #vmas: Int32Array = new Int32Array(0);
  /** The tables that have links, by their number, how many they have, and numbers that none has any more. */
  readonly #owners: (RmapVmaTable | null)[] = [];
  readonly #owned: number[] = [];
  readonly #freeOwners: number[] = [];
  /** Links ever made, and those that there are. */
  #used = 0;
  #live = 0;
  #free = NONE;

  /** Makes room for `count` more links, in place of growing on the way. */
  reserve(count: number): void {
    const room = this.#live + count;
    const there = this.#vmas.length >> VMA_SHIFT;
    if (room > there) this.#grow(Math.max(room, roomBeyond(there)));
  }

  /**
   * Makes a link of the VMA in `row` to the anon_vma in `slot`, which is in no tree yet; `next` is the next one of the
   * same VMA.
   */
  make(table: RmapVmaTable, row: number, slot: number, next: number): number {
    let link = this.#free;
    if (link !== NONE) {
      this.#free = this.next(link);
    } else {
      link = this.#used++;
      if (link === this.#vmas.length >> VMA_SHIFT) this.#grow(roomBeyond(link));
    }
    this.#live++;
    const { words } = this;
    const at = link << LINK_SHIFT;
    words[at + ANON_VMA] = slot;
    words[at + NEXT] = next;
    words[at + SIBLING] = NONE;
    words[at + LINK_LEAF] = NONE;
    const owner = table.linkOwner === NONE ? this.#addOwner(table) : table.linkOwner;
    (this.#owned[owner] as number)++;
    this.#vmas[(link << VMA_SHIFT) + OWNER] = owner;
    this.#vmas[(link << VMA_SHIFT) + ROW] = row;
    return link;
  }

  #addOwner(table: RmapVmaTable): number {
    const owner = this.#freeOwners.pop() ?? this.#owners.length;
    this.#owners[owner] = table;
    this.#owned[owner] = 0;
    table.linkOwner = owner;
    return owner;
  }

  /** A table whose last link is gone is forgotten: its address space may be gone for good. */
  #removeOwner(owner: number): void {
    (this.#owners[owner] as RmapVmaTable).linkOwner = NONE;
    this.#owners[owner] = null;
    this.#freeOwners.push(owner);
  }

  /** Takes back a link that is in no tree and that no VMA has any more. */
  giveBack(link: number): void {
    const owner = this.#vmas[(link << VMA_SHIFT) + OWNER] as number;
    if (((this.#owned[owner] as number) -= 1) === 0) this.#removeOwner(owner);
    this.setNext(link, this.#free);
    this.#free = link;
    this.#live--;
  }

  /** The table of its VMA. */
  table(link: number): RmapVmaTable {
    return this.#owners[this.#vmas[(link << VMA_SHIFT) + OWNER] as number] as RmapVmaTable;
  }

  /** The row of its VMA in {@link table}. */
  row(link: number): number {
    return this.#vmas[(link << VMA_SHIFT) + ROW] as number;
  }

  /** Its VMA as an object. */
  vma(link: number): RmapVma {
    return this.table(link).view(this.row(link));
  }

  /** The offset at which its VMA begins, by which links are in order. */
  anonPageOffset(link: number): number {
    return this.table(link).anonPageOffset(this.row(link));
  }

  /** Pages of its VMA. */
  pages(link: number): number {
    const table = this.table(link);
    const row = this.row(link);
    return table.end(row) - table.start(row);
  }

  /** The slot of its anon_vma. */
  slot(link: number): number {
    return this.words[(link << LINK_SHIFT) + ANON_VMA] as number;
  }

  /** The next link of the same VMA; {@link NONE}: it is the last. */
  next(link: number): number {
    return this.words[(link << LINK_SHIFT) + NEXT] as number;
  }

  /** Whether the links of a VMA, of which `chain` is the first, are one. */
  isSingular(chain: number): boolean {
    return chain !== NONE && this.next(chain) === NONE;
  }

  setNext(link: number, next: number): void {
    this.words[(link << LINK_SHIFT) + NEXT] = next;
  }

  /** The link behind it in a row; {@link NONE}: it is the last. */
  sibling(link: number): number {
    return this.words[(link << LINK_SHIFT) + SIBLING] as number;
  }

  setSibling(link: number, sibling: number): void {
    this.words[(link << LINK_SHIFT) + SIBLING] = sibling;
  }

  /** The leaf of a link in a tree. */
  leaf(link: number): number {
    return this.words[(link << LINK_SHIFT) + LINK_LEAF] as number;
  }

  /** A link is in a tree, and in no row. */
  isInTree(link: number): boolean {
    return this.sibling(link) === IN_TREE;
  }

  /** A link, which is in no row, goes into a tree. */
  enterTree(link: number): void {
    this.setSibling(link, IN_TREE);
  }

  /** A link is out of its tree: it may go into a row, or be given back. */
  leaveTree(link: number): void {
    this.setSibling(link, NONE);
  }

  #grow(room: number): void {
    this.words = copiedInto(new Int32Array(room << LINK_SHIFT), this.words);
    this.#vmas = copiedInto(new Int32Array(room << VMA_SHIFT), this.#vmas);
  }
}
