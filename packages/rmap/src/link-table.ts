import { type IntervalItem, NONE } from '@vmakit/base';
import type { RmapVma } from './anon-vma.js';
import { enlarged, roomBeyond } from './room.js';

/** Numbers of a link in `words`. */
const LINK_FIELDS = 3;
/** The slot of its anon_vma. */
const ANON_VMA = 0;
/** The next link of the same VMA; of a free link, the next free one. */
const NEXT = 1;
/** In a row: the next link of the same anon_vma, in the order of its tree. Else {@link IN_TREE}. */
const SIBLING = 2;

/** No number of a link, and not {@link NONE}. */
const IN_TREE = -2;

/** What stands for a link in a tree. */
export class TreeLink implements IntervalItem {
  leaf: number = NONE;
  link: number;
  vma: RmapVma;

  constructor(link: number, vma: RmapVma) {
    this.link = link;
    this.vma = vma;
  }
}

/** Most of what stood for links that are gone that a kernel keeps, to be used again while it is at hand. */
const MOST_SPARE_ITEMS = 1024;

/**
 * The links between VMAs and anon_vmas of a kernel (`anon_vma_chain`): a link is a number from 0 on, used again when
 * the link is gone. 20 bytes each; those in a tree have an object in it besides.
 */
export class LinkTable {
  /** Three numbers of each link. */
  #words: Int32Array = new Int32Array(0);
  /** The VMA of each link; of one in a tree what stands for it there, which knows the VMA: a step less to the tree. */
  #ends: (RmapVma | TreeLink | null)[] = [];
  /** Links ever made, and those that there are. */
  #used = 0;
  #live = 0;
  #free = NONE;
  readonly #spareItems: TreeLink[] = [];

  /** Makes room for `count` more links, in place of growing on the way. */
  reserve(count: number): void {
    const room = this.#live + count;
    if (room > this.#ends.length) this.#grow(Math.max(room, roomBeyond(this.#ends.length)));
  }

  /** Makes a link to the anon_vma in `slot`, which is in no tree yet; `next` is the next one of the same VMA. */
  make(vma: RmapVma, slot: number, next: number): number {
    let link = this.#free;
    if (link !== NONE) {
      this.#free = this.#words[LINK_FIELDS * link + NEXT] as number;
    } else {
      link = this.#used++;
      if (link === this.#ends.length) this.#grow(roomBeyond(link));
    }
    this.#live++;
    const words = this.#words;
    const at = LINK_FIELDS * link;
    words[at + ANON_VMA] = slot;
    words[at + NEXT] = next;
    words[at + SIBLING] = NONE;
    this.#ends[link] = vma;
    return link;
  }

  /** Takes back a link that is in no tree and that no VMA has any more. */
  giveBack(link: number): void {
    this.#ends[link] = null;
    this.#words[LINK_FIELDS * link + NEXT] = this.#free;
    this.#free = link;
    this.#live--;
  }

  /** The VMA of a link in a row. */
  vmaInRow(link: number): RmapVma {
    return this.#ends[link] as RmapVma;
  }

  vma(link: number): RmapVma {
    return this.itemOf(link)?.vma ?? this.vmaInRow(link);
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

  /** Makes what stands for a link, which is in no row, in a tree. */
  enterTree(link: number): TreeLink {
    const vma = this.vmaInRow(link);
    let item = this.#spareItems.pop();
    if (item === undefined) {
      item = new TreeLink(link, vma);
    } else {
      item.link = link;
      item.vma = vma;
    }
    this.#ends[link] = item;
    this.setSibling(link, IN_TREE);
    return item;
  }

  /** What stands for a link in its tree; null: it is in none. */
  itemOf(link: number): TreeLink | null {
    return this.sibling(link) === IN_TREE ? (this.#ends[link] as TreeLink) : null;
  }

  /** What stood for a link is out of its tree: the link may go into a row, or be given back. */
  leaveTree(item: TreeLink): void {
    const { link } = item;
    this.setSibling(link, NONE);
    this.#ends[link] = item.vma;
    item.leaf = NONE;
    if (this.#spareItems.length < MOST_SPARE_ITEMS) this.#spareItems.push(item);
  }

  #grow(room: number): void {
    const words = new Int32Array(LINK_FIELDS * room);
    words.set(this.#words);
    this.#words = words;
    this.#ends = enlarged(this.#ends, room);
  }
}
