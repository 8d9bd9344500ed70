import { type ItemWords, NONE, enlarged, roomBeyond } from '@vmakit/base';
import type { RmapVma } from './anon-vma.js';

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

/**
 * The links between VMAs and anon_vmas of a kernel (`anon_vma_chain`): a link is a number from 0 on, used again when
 * the link is gone. 24 bytes each.
 */
export class LinkTable implements ItemWords {
  /** Four numbers of each link. */
  words: Int32Array = new Int32Array(0);
  /** The VMA of each link. */
  #vmas: (RmapVma | null)[] = [];
  /** Links ever made, and those that there are. */
  #used = 0;
  #live = 0;
  #free = NONE;

  /** Makes room for `count` more links, in place of growing on the way. */
  reserve(count: number): void {
    const room = this.#live + count;
    if (room > this.#vmas.length) this.#grow(Math.max(room, roomBeyond(this.#vmas.length)));
  }

  /** Makes a link to the anon_vma in `slot`, which is in no tree yet; `next` is the next one of the same VMA. */
  make(vma: RmapVma, slot: number, next: number): number {
    let link = this.#free;
    if (link !== NONE) {
      this.#free = this.next(link);
    } else {
      link = this.#used++;
      if (link === this.#vmas.length) this.#grow(roomBeyond(link));
    }
    this.#live++;
    const { words } = this;
    const at = link << LINK_SHIFT;
    words[at + ANON_VMA] = slot;
    words[at + NEXT] = next;
    words[at + SIBLING] = NONE;
    words[at + LINK_LEAF] = NONE;
    this.#vmas[link] = vma;
    return link;
  }

  /** Takes back a link that is in no tree and that no VMA has any more. */
  giveBack(link: number): void {
    this.#vmas[link] = null;
    this.setNext(link, this.#free);
    this.#free = link;
    this.#live--;
  }

  vma(link: number): RmapVma {
    return this.#vmas[link] as RmapVma;
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
    const words = new Int32Array(room << LINK_SHIFT);
    words.set(this.words);
    this.words = words;
    this.#vmas = enlarged(this.#vmas, room);
  }
}
