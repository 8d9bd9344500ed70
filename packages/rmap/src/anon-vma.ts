import { InvariantError, NONE, type VmFlags } from '@vmakit/base';
import { LinkTree } from './link-tree.js';
import type { MemoryPolicy } from './memory-policy.js';

/** What reverse mapping needs to know of an address space. */
export interface RmapMm {
  readonly id: number;
}

/** What reverse mapping needs to know of a VMA (spec 01 section 1). Page numbers and page offsets. */
export interface RmapVma {
  readonly mm: RmapMm;
  start: number;
  end: number;
  pageOffset: number;
  /** The offset by which anonymous folios are indexed: `pageOffset` unless a private file mapping says otherwise. */
  anonPageOffset: number;
  flags: VmFlags;
  /** Where new anonymous folios of this VMA go; null: unfaulted. */
  anonVma: AnonVma | null;
  /** Head of the list of links to every anon_vma whose folios may be mapped here. */
  chain: AnonVmaChain | null;
  readonly file: object | null;
  readonly policy: MemoryPolicy | null;
  readonly prev: RmapVma | null;
  readonly next: RmapVma | null;
}

/** A link between one VMA and one anon_vma: `anon_vma_chain` (AVC), spec 03 section 1. */
export class AnonVmaChain {
  vma: RmapVma;
  anonVma: AnonVma;
  /** The next link of the same VMA. */
  next: AnonVmaChain | null;
  /** The next link of the same anon_vma in the order of its tree, while the links are few. */
  sibling: AnonVmaChain | null = null;
  /** Its leaf in the tree of `anonVma` when the links are many. */
  leaf: number = NONE;

  constructor(vma: RmapVma, anonVma: AnonVma, next: AnonVmaChain | null) {
    this.vma = vma;
    this.anonVma = anonVma;
    this.next = next;
  }
}

/**
 * The anchor of reverse mapping: folios point to one, VMAs link to it, and it knows the VMAs through a tree of links
 * ordered by the range of page offsets that each covers (spec 03 section 1).
 */
export class AnonVma {
  /** Never given to another anon_vma of the same kernel, so that a folio left with a dead one can be told. */
  readonly id: number;
  readonly root: AnonVma;
  readonly parent: AnonVma;
  /** Anon_vmas whose parent is this one; a root counts itself. */
  numChildren: number;
  /** VMAs whose own anon_vma this is. */
  numActiveVmas = 0;
  /** One for having links, one more for each living descendant if a root, and those of KSM and walkers. */
  refcount = 1;
  /** Number of links. */
  linkCount = 0;
  /** The first link, the others behind it by `sibling`: while they are few, as they almost always are. */
  firstLink: AnonVmaChain | null = null;
  /** The links when they are many. */
  tree: LinkTree | null = null;

  /**
   * A root when `parent` is null, else a child of it. Counters of the family are adjusted by the caller's operation.
   */
  constructor(id: number, parent: AnonVma | null) {
    this.id = id;
    this.parent = parent ?? this;
    this.root = parent === null ? this : parent.root;
    this.numChildren = parent === null ? 1 : 0;
  }
}

/** With more links than this an anon_vma gets a tree. */
const MOST_WITHOUT_TREE = 8;
/** With as few as this it becomes a plain row again. */
const FEWEST_IN_TREE = 4;

/** Most links that were given back that a kernel keeps. */
const MOST_SPARE_LINKS = 1024;

const CHUNK_BITS = 10;
const CHUNK = 1 << CHUNK_BITS;

/**
 * The living anon_vmas of a kernel by id. Ids go up and are never used again; chunks of ids that are all dead are
 * dropped, so memory follows the living.
 */
export class AnonVmaRegistry {
  readonly #chunks: ((AnonVma | null)[] | null)[] = [];
  readonly #livePerChunk: number[] = [];
  #nextId = 1;
  /** Anon_vmas alive. */
  liveCount = 0;
  /** Links that were given back: to be used again, while they are at hand and the garbage collector knows them. */
  readonly #spareLinks: AnonVmaChain[] = [];

  /** Makes a link that is in no tree yet; `next` is the next one of the same VMA. */
  makeLink(vma: RmapVma, anonVma: AnonVma, next: AnonVmaChain | null): AnonVmaChain {
    const link = this.#spareLinks.pop();
    if (link === undefined) return new AnonVmaChain(vma, anonVma, next);
    link.vma = vma;
    link.anonVma = anonVma;
    link.next = next;
    return link;
  }

  /** Takes back a link that is in no tree and that no VMA has any more. */
  giveBackLink(link: AnonVmaChain): void {
    if (this.#spareLinks.length < MOST_SPARE_LINKS) this.#spareLinks.push(link);
  }

  /** Makes one and registers it. */
  create(parent: AnonVma | null): AnonVma {
    const id = this.#nextId++;
    const chunk = id >>> CHUNK_BITS;
    if (chunk === this.#chunks.length) {
      // Most kernels have a handful; with more, a chunk at its full length is never copied to grow.
      this.#chunks.push(chunk === 0 ? [] : new Array<AnonVma | null>(CHUNK).fill(null));
      this.#livePerChunk.push(0);
    } else if (chunk > this.#chunks.length) {
      throw new InvariantError('ids are given one after the other', { id });
    }
    const anonVma = new AnonVma(id, parent);
    const slots = this.#chunks[chunk] as (AnonVma | null)[];
    slots[id & (CHUNK - 1)] = anonVma;
    (this.#livePerChunk[chunk] as number)++;
    this.liveCount++;
    return anonVma;
  }

  /** The living anon_vma of that id. */
  byId(id: number): AnonVma | undefined {
    return this.#chunks[id >>> CHUNK_BITS]?.[id & (CHUNK - 1)] ?? undefined;
  }

  /** Forgets one that was freed. */
  remove(anonVma: AnonVma): void {
    const chunk = anonVma.id >>> CHUNK_BITS;
    const slots = this.#chunks[chunk];
    if (!slots || slots[anonVma.id & (CHUNK - 1)] !== anonVma) {
      throw new InvariantError(`anon_vma ${anonVma.id} is freed twice`);
    }
    slots[anonVma.id & (CHUNK - 1)] = null;
    this.liveCount--;
    const left = ((this.#livePerChunk[chunk] as number) -= 1);
    const full = this.#nextId > (chunk + 1) * CHUNK;
    if (left === 0 && full) this.#chunks[chunk] = null;
  }

  /** Every living anon_vma, in order of their ids. */
  *[Symbol.iterator](): IterableIterator<AnonVma> {
    for (const slots of this.#chunks) {
      if (slots === null) continue;
      for (const anonVma of slots) if (anonVma) yield anonVma;
    }
  }
}

/** The links of `anonVma` in the order of its tree: ascending start, equal starts in the order of insertion. */
export function* linksOf(anonVma: AnonVma): IterableIterator<AnonVmaChain> {
  if (anonVma.tree !== null) yield* anonVma.tree.all();
  else for (let link = anonVma.firstLink; link !== null; link = link.sibling) yield link;
}

/** The links of `vma` in list order, head first. */
export function* chainOf(vma: RmapVma): IterableIterator<AnonVmaChain> {
  for (let link = vma.chain; link !== null; link = link.next) yield link;
}

/** Exactly one link. */
export function isChainSingular(vma: RmapVma): boolean {
  return vma.chain !== null && vma.chain.next === null;
}

/** The index of the anonymous folio page at `page` of `vma` (spec 01 section 1, index rule). */
export function anonIndex(vma: RmapVma, page: number): number {
  return vma.anonPageOffset + (page - vma.start);
}

/**
 * Calls `visit` for each link whose range of offsets meets the closed interval [first, last], in tree order, until it
 * gives false. The tree must not change meanwhile.
 */
export function forEachOverlap(
  anonVma: AnonVma,
  first: number,
  last: number,
  visit: (link: AnonVmaChain) => boolean,
): void {
  if (anonVma.tree !== null) {
    anonVma.tree.forEachOverlap(first, last + 1, visit);
    return;
  }
  for (let link = anonVma.firstLink; link !== null; link = link.sibling) {
    const { vma } = link;
    if (vma.anonPageOffset > last) return;
    if (vma.anonPageOffset + (vma.end - vma.start) > first && !visit(link)) return;
  }
}

/** Puts a link into the tree of its anon_vma. */
export function insertLink(link: AnonVmaChain): void {
  const { anonVma } = link;
  anonVma.linkCount++;
  if (anonVma.tree !== null) {
    anonVma.tree.insert(link);
    return;
  }
  if (anonVma.firstLink === null) {
    anonVma.firstLink = link;
    return;
  }
  insertIntoRow(link, link.vma.anonPageOffset);
  if (anonVma.linkCount > MOST_WITHOUT_TREE) growTree(anonVma);
}

/** Puts a link that begins at offset `start` into the row of an anon_vma with few. */
function insertIntoRow(link: AnonVmaChain, start: number): void {
  const { anonVma } = link;
  let before: AnonVmaChain | null = null;
  let after = anonVma.firstLink;
  while (after !== null && after.vma.anonPageOffset <= start) {
    before = after;
    after = after.sibling;
  }
  link.sibling = after;
  if (before === null) anonVma.firstLink = link;
  else before.sibling = link;
}

/** The link before `link` in the row of an anon_vma with few; null: it is the first. */
function beforeInRow(link: AnonVmaChain): AnonVmaChain | null {
  const { anonVma } = link;
  if (anonVma.firstLink === link) return null;
  let before = anonVma.firstLink;
  while (before !== null && before.sibling !== link) before = before.sibling;
  if (before === null) throw new InvariantError('a link that is removed is in the tree', { anonVma: anonVma.id });
  return before;
}

function removeFromRow(link: AnonVmaChain, before: AnonVmaChain | null): void {
  if (before === null) link.anonVma.firstLink = link.sibling;
  else before.sibling = link.sibling;
  link.sibling = null;
}

/** Takes a link out of the tree of its anon_vma. The range of its VMA must be as it was when it was put in. */
export function removeLink(link: AnonVmaChain): void {
  const { anonVma } = link;
  anonVma.linkCount--;
  if (anonVma.tree !== null) {
    anonVma.tree.remove(link);
    if (anonVma.linkCount <= FEWEST_IN_TREE) dropTree(anonVma, anonVma.tree);
    return;
  }
  removeFromRow(link, beforeInRow(link));
}

function growTree(anonVma: AnonVma): void {
  const tree = new LinkTree();
  for (let link = anonVma.firstLink; link !== null;) {
    const next: AnonVmaChain | null = link.sibling;
    link.sibling = null;
    tree.insert(link);
    link = next;
  }
  anonVma.firstLink = null;
  anonVma.tree = tree;
}

function dropTree(anonVma: AnonVma, tree: LinkTree): void {
  anonVma.tree = null;
  let last: AnonVmaChain | null = null;
  for (const link of tree.all()) {
    link.leaf = NONE;
    if (last === null) anonVma.firstLink = link;
    else last.sibling = link;
    last = link;
  }
}

/**
 * Lets every link of `vma` follow a new range, `pages` pages from offset `start` on, as if it were taken out and put in
 * again: before the range of the VMA changes.
 */
export function moveAllLinks(vma: RmapVma, start: number, pages: number): void {
  for (let link = vma.chain; link !== null; link = link.next) {
    const { anonVma } = link;
    if (anonVma.tree !== null) anonVma.tree.move(link, start, pages);
    else if (anonVma.linkCount > 1) moveInRow(link, start);
  }
}

function moveInRow(link: AnonVmaChain, start: number): void {
  const before = beforeInRow(link);
  const after = link.sibling;
  const isAfter = before === null || before.vma.anonPageOffset <= start;
  if (isAfter && (after === null || after.vma.anonPageOffset > start)) return;
  removeFromRow(link, before);
  insertIntoRow(link, start);
}
