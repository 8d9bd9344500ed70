import { InvariantError, NONE } from '@vmakit/base';
import type { AnonVma, AnonVmaChain, RmapVma } from './anon-vma.js';
import { ANON_VMA_FIELDS, LINKS, LINK_COUNT } from './anon-vma-numbers.js';
import type { AnonVmaRegistry } from './anon-vma-registry.js';
import type { LinkTree } from './link-tree.js';

/*
 * The links of each anon_vma in the order of the kernel's interval tree: few, as almost always, are a row, linked one
 * to the next; many are a tree.
 */

/** With more links than this an anon_vma gets a tree. */
const MOST_WITHOUT_TREE = 24;
/** With as few as this it becomes a plain row again. */
const FEWEST_IN_TREE = 12;

/** The links of `anonVma` in the order of its tree: ascending start, equal starts in the order of insertion. */
export function* linksOf(anonVma: AnonVma): IterableIterator<AnonVmaChain> {
  const { registry, slot } = anonVma;
  const { links, numbers } = registry;
  const tree = registry.treeOf(slot);
  if (tree !== null) {
    for (const link of tree.all()) yield { vma: links.vma(link), anonVma: registry.inSlot(links.slot(link)) };
    return;
  }
  for (let link = numbers[slot * ANON_VMA_FIELDS + LINKS] as number; link !== NONE; link = links.sibling(link)) {
    yield { vma: links.vma(link), anonVma: registry.inSlot(links.slot(link)) };
  }
}

/** The links of `vma` in list order, head first. */
export function* chainOf(vma: RmapVma): IterableIterator<AnonVmaChain> {
  const registry = vma.mm.anonVmas;
  const { links } = registry;
  for (let link = vma.chain; link !== NONE; link = links.next(link)) {
    yield { vma: links.vma(link), anonVma: registry.inSlot(links.slot(link)) };
  }
}

/** Exactly one link. */
export function isChainSingular(vma: RmapVma): boolean {
  return vma.mm.anonVmas.links.isSingular(vma.chain);
}

/**
 * Calls `visit` for the VMA of each link whose range of offsets meets the closed interval [first, last], in tree order,
 * until it gives false. The tree must not change meanwhile.
 */
export function forEachOverlap(anonVma: AnonVma, first: number, last: number, visit: (vma: RmapVma) => boolean): void {
  const { registry, slot } = anonVma;
  const tree = registry.treeOf(slot);
  if (tree !== null) {
    tree.forEachOverlap(first, last + 1, visit);
    return;
  }
  const { links, numbers } = registry;
  for (let link = numbers[slot * ANON_VMA_FIELDS + LINKS] as number; link !== NONE; link = links.sibling(link)) {
    const offset = links.anonPageOffset(link);
    if (offset > last) return;
    if (offset + links.pages(link) > first && !visit(links.vma(link))) return;
  }
}

/** Puts a link into the tree of its anon_vma, by the range that its VMA has now. */
export function insertLink(registry: AnonVmaRegistry, link: number): void {
  const { links, numbers } = registry;
  const slot = links.slot(link);
  const at = slot * ANON_VMA_FIELDS;
  const count = (numbers[at + LINK_COUNT] = (numbers[at + LINK_COUNT] as number) + 1);
  const first = numbers[at + LINKS] as number;
  if (first < NONE) {
    links.enterTree(link);
    (registry.treeOf(slot) as LinkTree).insert(link);
  } else if (first === NONE) {
    numbers[at + LINKS] = link;
  } else {
    insertIntoRow(registry, at, link, links.anonPageOffset(link));
    if (count > MOST_WITHOUT_TREE) growTree(registry, slot);
  }
}

/** Puts a link that begins at offset `start` into the row of the anon_vma whose numbers are from `at` on. */
function insertIntoRow(registry: AnonVmaRegistry, at: number, link: number, start: number): void {
  const { links, numbers } = registry;
  let before = NONE;
  let after = numbers[at + LINKS] as number;
  while (after !== NONE && links.anonPageOffset(after) <= start) {
    before = after;
    after = links.sibling(after);
  }
  links.setSibling(link, after);
  if (before === NONE) numbers[at + LINKS] = link;
  else links.setSibling(before, link);
}

/** The link before `link` in a row; {@link NONE}: it is the first. */
function beforeInRow(registry: AnonVmaRegistry, at: number, link: number): number {
  const { links, numbers } = registry;
  let before = numbers[at + LINKS] as number;
  if (before === link) return NONE;
  while (before !== NONE && links.sibling(before) !== link) before = links.sibling(before);
  if (before === NONE) throw new InvariantError('a link that is changed or removed is in the tree', { link });
  return before;
}

function removeFromRow(registry: AnonVmaRegistry, at: number, link: number, before: number): void {
  const { links, numbers } = registry;
  const after = links.sibling(link);
  if (before === NONE) numbers[at + LINKS] = after;
  else links.setSibling(before, after);
  links.setSibling(link, NONE);
}

/** Takes a link out of the tree of its anon_vma. The range of its VMA must be as it was when it was put in. */
export function removeLink(registry: AnonVmaRegistry, link: number): void {
  const { links, numbers } = registry;
  const slot = links.slot(link);
  const at = slot * ANON_VMA_FIELDS;
  const left = (numbers[at + LINK_COUNT] = (numbers[at + LINK_COUNT] as number) - 1);
  if (!links.isInTree(link)) {
    removeFromRow(registry, at, link, beforeInRow(registry, at, link));
    return;
  }
  const tree = registry.treeOf(slot) as LinkTree;
  tree.remove(link);
  links.leaveTree(link);
  if (left <= FEWEST_IN_TREE) dropTree(registry, slot, tree);
}

function growTree(registry: AnonVmaRegistry, slot: number): void {
  const { links, numbers } = registry;
  let link = numbers[slot * ANON_VMA_FIELDS + LINKS] as number;
  const tree = registry.plantTree(slot);
  while (link !== NONE) {
    const next = links.sibling(link);
    links.enterTree(link);
    tree.insert(link);
    link = next;
  }
}

function dropTree(registry: AnonVmaRegistry, slot: number, tree: LinkTree): void {
  const { links, numbers } = registry;
  registry.fellTree(slot);
  let last = NONE;
  for (const link of tree.all()) {
    links.leaveTree(link);
    if (last === NONE) numbers[slot * ANON_VMA_FIELDS + LINKS] = link;
    else links.setSibling(last, link);
    last = link;
  }
}

/**
 * Lets every link of a VMA, of which `chain` is the first, follow a new range, `pages` pages from offset `start` on, as
 * if it were taken out and put in again: before the range of the VMA changes, which begins at offset `from`.
 */
export function moveAllLinks(
  registry: AnonVmaRegistry,
  chain: number,
  from: number,
  start: number,
  pages: number,
): void {
  const { links } = registry;
  for (let link = chain; link !== NONE; link = links.next(link)) {
    const slot = links.slot(link);
    if (links.isInTree(link)) (registry.treeOf(slot) as LinkTree).move(link, from, start, pages);
    else moveInRow(registry, slot * ANON_VMA_FIELDS, link, from, start);
  }
}

function moveInRow(registry: AnonVmaRegistry, at: number, link: number, from: number, start: number): void {
  const { links, numbers } = registry;
  if (numbers[at + LINK_COUNT] === 1) return;
  const after = links.sibling(link);
  const isBefore = after === NONE || links.anonPageOffset(after) > start;
  // Behind the one before it is wherever it was, unless it moves down.
  if (isBefore && start >= from) return;
  const before = beforeInRow(registry, at, link);
  if (isBefore && (before === NONE || links.anonPageOffset(before) <= start)) return;
  removeFromRow(registry, at, link, before);
  insertIntoRow(registry, at, link, start);
}
