import {
  PG_ANON,
  PG_EXCLUSIVE,
  PG_HEAD,
  PG_PARTIALLY_MAPPED,
  PG_SWAPBACKED,
  PIN_BIAS,
  type PhysicalMemory,
  addEntireMapcount,
  addLargeMappings,
  addPagesMapped,
  entireMapcount,
  largeMapcount,
  largePins,
  pagesMapped,
  removeLargeMappings,
} from '@vmakit/folio';
import { type RmapVma, anonIndex, anonVmaIdOf } from './anon-vma.js';

/*
 * Which page is mapped how often, and by whom. Rules: spec 03 section 4. References are the caller's: one for each
 * mapping.
 */

/**
 * Makes a folio anonymous: it points to the VMA's anon_vma when it is exclusive, else to the root of the family; its
 * index is that of `page`, where its first page is (or would be) mapped.
 */
export function setAnonRmap(
  memory: PhysicalMemory,
  head: number,
  vma: RmapVma,
  page: number,
  exclusive: boolean,
): void {
  const { anonVmas } = vma.mm;
  const slot = vma.anonVmaSlot;
  place(memory, head, anonVmas.idOf(exclusive ? slot : anonVmas.rootOf(slot)), anonIndex(vma, page));
}

function place(memory: PhysicalMemory, head: number, anonVmaId: number, index: number): void {
  (memory.flags[head] as number) |= PG_ANON | PG_SWAPBACKED;
  memory.mapping[head] = anonVmaId;
  memory.index[head] = index;
}

/**
 * Maps a new folio of one page by a PTE, exclusive: it points to the anon_vma with that id, and `index` is that of the
 * page.
 */
export function addNewAnonRmapPage(memory: PhysicalMemory, frame: number, anonVmaId: number, index: number): void {
  place(memory, frame, anonVmaId, index);
  memory.mapcount[frame] = 1;
  (memory.flags[frame] as number) |= PG_EXCLUSIVE;
}

/** Maps a new folio of any order by PTEs, all of it, its first page at `page`. */
export function addNewAnonRmapPtes(
  memory: PhysicalMemory,
  head: number,
  vma: RmapVma,
  page: number,
  exclusive: boolean,
): void {
  setAnonRmap(memory, head, vma, page, exclusive);
  if (memory.order[head] === 0) {
    memory.mapcount[head] = 1;
    if (exclusive) (memory.flags[head] as number) |= PG_EXCLUSIVE;
    return;
  }
  addAnonRmapPtes(memory, head, head, 1 << (memory.order[head] as number), vma.mm.id, exclusive);
}

/** Maps a new folio of PMD size by one PMD entry at `page`. */
export function addNewAnonRmapPmd(
  memory: PhysicalMemory,
  head: number,
  vma: RmapVma,
  page: number,
  exclusive: boolean,
): void {
  setAnonRmap(memory, head, vma, page, exclusive);
  addAnonRmapPmd(memory, head, vma.mm.id, exclusive);
}

/** PTEs of `mmId` map `count` pages of the folio from `frame` on; `exclusive` marks each as exclusive. */
export function addAnonRmapPtes(
  memory: PhysicalMemory,
  head: number,
  frame: number,
  count: number,
  mmId: number,
  exclusive: boolean,
): void {
  addRmapPtes(memory, head, frame, count, mmId);
  if (!exclusive) return;
  const { flags } = memory;
  for (let page = frame; page < frame + count; page++) (flags[page] as number) |= PG_EXCLUSIVE;
}

/** A PMD entry of `mmId` maps the folio. */
export function addAnonRmapPmd(memory: PhysicalMemory, head: number, mmId: number, exclusive: boolean): void {
  addRmapPmd(memory, head, mmId);
  if (exclusive) (memory.flags[head] as number) |= PG_EXCLUSIVE;
}

/** Counts `count` more PTEs of `mmId`, to consecutive pages from `frame` on. Anonymous (fork) and file folios alike. */
export function addRmapPtes(memory: PhysicalMemory, head: number, frame: number, count: number, mmId: number): void {
  const { mapcount } = memory;
  if (memory.order[head] === 0) {
    (mapcount[head] as number)++;
    return;
  }
  let newlyMapped = 0;
  for (let page = frame; page < frame + count; page++) {
    if (((mapcount[page] as number) += 1) === 1) newlyMapped++;
  }
  addPagesMapped(memory, head, newlyMapped);
  addLargeMappings(memory, head, mmId, count);
}

/** Counts one more PMD entry of `mmId`. */
export function addRmapPmd(memory: PhysicalMemory, head: number, mmId: number): void {
  addEntireMapcount(memory, head, 1);
  addLargeMappings(memory, head, mmId, 1);
}

/**
 * `count` PTEs of `mmId` to consecutive pages from `frame` on are gone. A large folio of which some page is mapped no
 * more while others are gets the mark for the split queue.
 */
export function removeRmapPtes(memory: PhysicalMemory, head: number, frame: number, count: number, mmId: number): void {
  const { mapcount } = memory;
  if (memory.order[head] === 0) {
    (mapcount[head] as number)--;
    return;
  }
  let unmapped = 0;
  for (let page = frame; page < frame + count; page++) {
    if (((mapcount[page] as number) -= 1) === 0) unmapped++;
  }
  if (unmapped > 0) {
    addPagesMapped(memory, head, -unmapped);
    if (entireMapcount(memory, head) === 0 && pagesMapped(memory, head) > 0) markPartiallyMapped(memory, head);
  }
  removeLargeMappings(memory, head, mmId, count);
}

/** A PMD entry of `mmId` is gone. */
export function removeRmapPmd(memory: PhysicalMemory, head: number, mmId: number): void {
  addEntireMapcount(memory, head, -1);
  removeLargeMappings(memory, head, mmId, 1);
  const left = pagesMapped(memory, head);
  if (entireMapcount(memory, head) === 0 && left > 0 && left < 1 << (memory.order[head] as number)) {
    markPartiallyMapped(memory, head);
  }
}

function markPartiallyMapped(memory: PhysicalMemory, head: number): void {
  const flags = memory.flags[head] as number;
  if (flags & PG_ANON) memory.flags[head] = flags | PG_PARTIALLY_MAPPED;
}

/**
 * Turns a PMD mapping of `mmId` into PTE mappings of every page (split_huge_pmd). The head's exclusive mark becomes
 * that of all pages. References: one becomes 2^order.
 */
export function splitRmapPmd(memory: PhysicalMemory, head: number, mmId: number): void {
  const pages = 1 << (memory.order[head] as number);
  const exclusive = ((memory.flags[head] as number) & PG_EXCLUSIVE) !== 0;
  addAnonRmapPtes(memory, head, head, pages, mmId, exclusive);
  (memory.refcount[head] as number) += pages - 1;
  removeRmapPmd(memory, head, mmId);
}

/** The folio belongs to `vma` alone from now on: it points to its anon_vma, whatever it was. The index stays. */
export function moveAnonRmap(memory: PhysicalMemory, head: number, vma: RmapVma): void {
  memory.mapping[head] = anonVmaIdOf(vma);
}

/** Whether the folio may be mapped by more than one process: exact for small ones, perhaps falsely true for large. */
export function maybeMappedShared(memory: PhysicalMemory, head: number): boolean {
  if ((memory.flags[head] as number) & PG_HEAD) {
    return largeMapcount(memory, head) > 1 && memory.isMarkedShared(head);
  }
  return (memory.mapcount[head] as number) > 1;
}

/** Whether the folio may be pinned for device access: exact for large ones, perhaps falsely true for small. */
export function maybeDmaPinned(memory: PhysicalMemory, head: number): boolean {
  // GUP-fast pins without any lock: a pin can be there whenever it is looked for.
  if (memory.injector !== null && memory.injector.fails('folio-pinned')) return true;
  if ((memory.flags[head] as number) & PG_HEAD) return largePins(memory, head) > 0;
  return (memory.refcount[head] as number) >= PIN_BIAS;
}

/** PageAnonExclusive of one page. */
export function isAnonExclusive(memory: PhysicalMemory, frame: number): boolean {
  return ((memory.flags[frame] as number) & PG_EXCLUSIVE) !== 0;
}

/**
 * Takes the exclusive mark off `page` (a PMD-mapped folio: its head), so that it can be shared, unmapped for swap or
 * migrated: not possible while the folio is pinned.
 *
 * @returns false when the mark had to stay.
 */
export function tryShareAnonRmap(memory: PhysicalMemory, head: number, page: number): boolean {
  if (maybeDmaPinned(memory, head)) return false;
  (memory.flags[page] as number) &= ~PG_EXCLUSIVE;
  return true;
}
