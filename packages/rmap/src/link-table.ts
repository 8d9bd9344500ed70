import { type IntervalItem, InvariantError, NONE } from '@vmakit/base';
import type { RmapVma } from './anon-vma.js';
import { enlarged, roomBeyond } from './room.js';

/** Numbers of a link in `words`. */
const LINK_FIELDS = 3;
/** The slot of its anon_vma. */
const ANON_VMA = 0;
/** The next link of the same VMA; of a free link, the next free one. */
const NEXT = 1;
/** In a row: the next link of the same anon_vma, in the order of its tree. In a tree: the number of its item. */
const SIBLING = 2;

/** A link in a tree. */
export class TreeLink implements IntervalItem {
  leaf: number = NONE;
  /** Its number in {@link LinkTable}, and that of the link. */
  readonly number: number;
  link: number = NONE;
  vma: RmapVma | null = null;

  constructor(number: number) {
    this.number = number;
  }
}

/**
 * The links between VMAs and anon_vmas of a kernel (`anon_vma_chain`): a link is a number from 0 on, used again when the
 * link is gone. 20 bytes each; those in a tree have an object in it besides.
 */
export class LinkTable {
  /** Three numbers of each link. */
  #words: Int32Array = new Int32Array(0);
  #vmas: (RmapVma | null)[] = [];
  /** Links ever made, and those that there are. */
  #used = 0;
  #live = 0;
  #free = NONE;
  readonly #items: TreeLink[] = [];
  readonly #freeItems: number[] = [];

  /** Makes room for `count` more links, in place of growing on the way. */
  reserve(count: number): void {
    if (this.#live + count > this.#vmas.length) this.#grow(this.#live + count);
  }

  /** Makes a link to the anon_vma in `slot`, which is in no tree yet; `next` is the next one of the same VMA. */
  make(vma: RmapVma, slot: number, next: number): number {
    let link = this.#free;
    if (link !== NONE) {
      this.#free = this.#words[LINK_FIELDS * link + NEXT] as number;
    } else {
      link = this.#used++;
      if (link === this.#vmas.length) this.#grow(roomBeyond(link));
    }
    this.#live++;
    const words = this.#words;
    const at = LINK_FIELDS * link;
    words[at + ANON_VMA] = slot;
    words[at + NEXT] = next;
    words[at + SIBLING] = NONE;
    this.#vmas[link] = vma;
    return link;
  }

  /** Takes back a link that is in no tree and that no VMA has any more. */
  giveBack(link: number): void {
    this.#vmas[link] = null;
    this.#words[LINK_FIELDS * link + NEXT] = this.#free;
    this.#free = link;
    this.#live--;
  }

  vma(link: number): RmapVma {
    return this.#vmas[link] as RmapVma;
  }

  /** The slot of its anon_vma. */
  slot(link: number): number {
    return this.#words[LINK_FIELDS * link + ANON_VMA] as number;
  }

  /** The next link of the same VMA; {@link NONE}: it is the last. */
  next(link: number): number {
    return this.#words[LINK_FIELDS * link + NEXT] as number;
  }

  setNext(link: number, next: number): void {
    this.#words[LINK_FIELDS * link + NEXT] = next;
  }

  /** The link behind it in a row; {@link NONE}: it is the last. */
  sibling(link: number): number {
    return this.#words[LINK_FIELDS * link + SIBLING] as number;
  }

  setSibling(link: number, sibling: number): void {
    this.#words[LINK_FIELDS * link + SIBLING] = sibling;
  }

  /** Makes the object that stands for `link`, which is in no row, in a tree. */
  enterTree(link: number): TreeLink {
    const number = this.#freeItems.pop();
    const item = number === undefined ? this.#addItem() : (this.#items[number] as TreeLink);
    item.link = link;
    item.vma = this.vma(link);
    this.setSibling(link, item.number);
    return item;
  }

  /** The object that stands for a link in a tree. */
  itemOf(link: number): TreeLink {
    const item = this.#items[this.sibling(link)];
    if (item === undefined || item.link !== link) {
      throw new InvariantError('a link that is changed or removed is in the tree', { link });
    }
    return item;
  }

  /** The object is out of its tree; its link may go into a row, or be given back. */
  leaveTree(item: TreeLink): void {
    this.setSibling(item.link, NONE);
    item.link = NONE;
    item.vma = null;
    this.#freeItems.push(item.number);
  }

  #grow(room: number): void {
    const words = new Int32Array(LINK_FIELDS * room);
    words.set(this.#words);
    this.#words = words;
    this.#vmas = enlarged(this.#vmas, room);
  }

  #addItem(): TreeLink {
    const item = new TreeLink(this.#items.length);
    this.#items.push(item);
    return item;
  }
}
