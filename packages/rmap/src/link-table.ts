import { type IntervalItem, NONE } from '@vmakit/base';
import type { RmapVma } from './anon-vma.js';
import type { LinkTree } from './link-tree.js';
import { enlarged, roomBeyond } from './room.js';

/** Numbers of a link in `words`. */
const LINK_FIELDS = 3;
/** The slot of its anon_vma. */
const ANON_VMA = 0;
/** The next link of the same VMA; of a free link, the next free one. */
const NEXT = 1;
/** In a row: the next link of the same anon_vma, in the order of its tree. In a tree: {@link IN_TREE} less its item. */
const SIBLING = 2;

/** Below {@link NONE}, so that no sibling is. */
const IN_TREE = -2;

/** A link in a tree. */
export class TreeLink implements IntervalItem {
  leaf: number = NONE;
  /** Its number in {@link LinkTable}, and that of the link; in one that is free, the next free one. */
  readonly number: number;
  link: number = NONE;
  vma: RmapVma | null = null;
  tree: LinkTree | null = null;

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
  #freeItem = NONE;

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

  /** Puts a link that is in no row into `tree`. */
  enterTree(link: number, tree: LinkTree): void {
    const number = this.#freeItem;
    let item: TreeLink;
    if (number === NONE) {
      item = this.#addItem();
    } else {
      item = this.#items[number] as TreeLink;
      this.#freeItem = item.link;
    }
    item.link = link;
    item.vma = this.vma(link);
    item.tree = tree;
    this.setSibling(link, IN_TREE - item.number);
    tree.insert(item);
  }

  /** What stands for a link in its tree; null: it is in none. */
  itemOf(link: number): TreeLink | null {
    const sibling = this.sibling(link);
    return sibling > IN_TREE ? null : (this.#items[IN_TREE - sibling] as TreeLink);
  }

  /** What stood for a link is out of its tree: the link may go into a row, or be given back. */
  leaveTree(item: TreeLink): void {
    this.setSibling(item.link, NONE);
    item.leaf = NONE;
    item.vma = null;
    item.tree = null;
    item.link = this.#freeItem;
    this.#freeItem = item.number;
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
