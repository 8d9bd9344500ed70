import { VM_MERGEABLE } from '@vmakit/base';
import { PG_ANON, PG_DIRTY, PG_EXCLUSIVE, PG_KSM, PG_SWAPCACHE } from '@vmakit/folio';
import { type EntryWords, YOUNG } from '@vmakit/pagetable';
import { type AnonVma, addRmapPtes, getAnonVma, putAnonVma, removeRmapPtes, tryShareAnonRmap } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { MmEnvironment } from '../environment.js';
import type { Mm } from '../mm.js';
import { FAULT_UNSHARE } from './fault-result.js';
import { handleFault } from './fault.js';
import { splitFolio } from './folio-split.js';
import { type KsmNode, KsmPages } from './ksm-pages.js';
import { pageProtection } from './page-protection.js';
import { putMapped } from './swap-cache.js';
import { splitHugePmd } from './thp.js';
import { pmdEnd } from './table-walk.js';

/** Most mappings of one merged page: `max_page_sharing`. */
const MOST_SHARERS = 256;

/** A page whose content has been seen once in this scan. */
interface Candidate {
  readonly mm: Mm;
  readonly vma: Vma;
  readonly page: number;
}

/**
 * Runs the same-page merger over all memory marked MADV_MERGEABLE until it has nothing left to do. Of the first two
 * pages with the same content the second becomes the merged page; all others are replaced by it.
 *
 * @param mms the living address spaces, in the order in which they are scanned
 */
export function ksmScan(env: MmEnvironment, mms: Iterable<Mm>): void {
  env.lru.drain();
  const living = new Set<KsmPages>();
  const all = [...mms];
  for (const mm of all) if (mm.ksm !== null) living.add(mm.ksm);
  for (const space of env.ksm.spaces) if (!living.has(space)) forgetSpace(env, space);
  const seen = new Map<number, Candidate>();
  for (const mm of all) {
    forgetStale(mm);
    for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
      if (vma.hasAny(VM_MERGEABLE) && vma.faulted) scanVma(mm, vma, seen);
    }
  }
}

/**
 * Takes merged pages of [start, end) apart: each entry gets a page of its own, read-only still (MADV_UNMERGEABLE, and
 * mremap before it moves them).
 *
 * @returns false when memory ran out.
 */
export function breakKsm(mm: Mm, vma: Vma, start: number, end: number): boolean {
  const { arch, memory, injector } = mm.env;
  const tables = mm.pages;
  for (let page = tables.nextPopulated(start, end); page < end; page = tables.nextPopulated(page, end)) {
    const stop = pmdEnd(tables, page, end);
    const table = tables.lookup(0, page);
    if (table === 0) {
      page = stop;
      continue;
    }
    const words = tables.pool.words(table);
    for (let at = tables.entryAt(table, 0, page); page < stop; page++, at += 2) {
      if (!arch.isPresent(words, at) || arch.isSpecial(words, at)) continue;
      if ((memory.flags[arch.pfn(words, at, 0)]! & PG_KSM) === 0) continue;
      if (injector !== null && injector.fails('ksm-break')) return false;
      if (handleFault(mm, vma, page, FAULT_UNSHARE) < 0) return false;
    }
  }
  return true;
}

function forgetSpace(env: MmEnvironment, space: KsmPages): void {
  for (const { anonVma } of space.items.values()) putAnonVma(env, anonVma);
  env.ksm.spaces.delete(space);
}

/** Forgets items whose page is not the merged one any more, also when a new page has its frame. */
function forgetStale(mm: Mm): void {
  if (mm.ksm === null) return;
  const { arch, memory } = mm.env;
  for (const [page, item] of mm.ksm.items) {
    const entry = entryOf(mm, page);
    const isMerged = (memory.flags[item.frame]! & PG_KSM) !== 0;
    if (isMerged && entry !== null && arch.pfn(entry.words, entry.at, 0) === item.frame) continue;
    mm.ksm.items.delete(page);
    putAnonVma(mm.env, item.anonVma);
  }
}

function scanVma(mm: Mm, vma: Vma, seen: Map<number, Candidate>): void {
  const tables = mm.pages;
  for (
    let page = tables.nextPopulated(vma.start, vma.end);
    page < vma.end;
    page = tables.nextPopulated(page, vma.end)
  ) {
    const stop = pmdEnd(tables, page, vma.end);
    for (; page < stop; page++) scanPage(mm, vma, page, seen);
  }
}

function scanPage(mm: Mm, vma: Vma, page: number, seen: Map<number, Candidate>): void {
  const { arch, memory } = mm.env;
  const frame = anonFrame(mm, page);
  if (frame < 0) return;
  const content = memory.content[frame]!;
  if ((memory.flags[memory.headOf(frame)]! & PG_KSM) !== 0) {
    if (mm.ksm?.items.get(page) === undefined) remember(mm, vma, page, frame);
    return;
  }
  const node = findStable(mm.env, content);
  if (node !== null) {
    if (mergeInto(mm, vma, page, node.frame)) node.sharers++;
    return;
  }
  const first = seen.get(content);
  if (first === undefined) {
    seen.set(content, { mm, vma, page });
    return;
  }
  const other = anonFrame(first.mm, first.page);
  if (other < 0 || other === frame || !makeMerged(mm, vma, page)) return;
  seen.delete(content);
  const entry = entryOf(mm, page);
  const merged = entry === null ? -1 : arch.pfn(entry.words, entry.at, 0);
  const sharers = mergeInto(first.mm, first.vma, first.page, merged) ? 2 : 1;
  const nodes = mm.env.ksm.stable.get(content) ?? [];
  nodes.push({ frame: merged, generation: memory.generation[merged]!, sharers });
  mm.env.ksm.stable.set(content, nodes);
}

function findStable(env: MmEnvironment, content: number): KsmNode | null {
  const { memory } = env;
  const nodes = env.ksm.stable.get(content);
  if (nodes === undefined) return null;
  const alive = nodes.filter(({ frame, generation }) => memory.generation[frame] === generation);
  env.ksm.stable.set(content, alive);
  return alive.find(({ sharers }) => sharers < MOST_SHARERS) ?? null;
}

/** Makes the page at `page` the merged page of its content. */
function makeMerged(mm: Mm, vma: Vma, page: number): boolean {
  const { memory } = mm.env;
  const frame = takeApart(mm, vma, page);
  if (frame < 0 || !protect(mm, page, frame)) return false;
  memory.flags[frame]! |= PG_KSM | PG_DIRTY;
  memory.mapping[frame] = 0;
  memory.index[frame] = 0;
  remember(mm, vma, page, frame);
  return true;
}

/** Replaces the page at `page` by the merged one. */
function mergeInto(mm: Mm, vma: Vma, page: number, merged: number): boolean {
  const { arch, memory } = mm.env;
  const frame = takeApart(mm, vma, page);
  if (frame < 0 || frame === merged || !protect(mm, page, frame)) return false;
  const entry = entryOf(mm, page);
  if (entry === null) return false;
  arch.clear(entry.words, entry.at);
  removeRmapPtes(memory, frame, frame, 1, mm.id);
  putMapped(mm.env, frame, 1);
  memory.get(merged);
  addRmapPtes(memory, merged, merged, 1, mm.id);
  arch.setPage(entry.words, entry.at, 0, merged, pageProtection(mm.env, vma), YOUNG);
  remember(mm, vma, page, merged);
  return true;
}

function remember(mm: Mm, vma: Vma, page: number, frame: number): void {
  if (mm.ksm === null) {
    mm.ksm = new KsmPages(mm.id);
    mm.env.ksm.spaces.add(mm.ksm);
  }
  const anonVma = vma.anonVma as AnonVma;
  getAnonVma(anonVma);
  mm.ksm.items.set(page, { frame, anonVma });
}

/** The frame of the anonymous page at `page`, part of a large folio or not; -1: none. */
function anonFrame(mm: Mm, page: number): number {
  const { arch, memory } = mm.env;
  const tables = mm.pages;
  const table = tables.lookup(0, page);
  const level = table === 0 ? 1 : 0;
  const holder = table === 0 ? tables.lookup(1, page) : table;
  if (holder === 0) return -1;
  const words = tables.pool.words(holder);
  const at = tables.entryAt(holder, level, page);
  if (!arch.isPresent(words, at) || arch.isSpecial(words, at) || (level === 1 && !arch.isLeaf(words, at))) return -1;
  const frame = arch.pfn(words, at, level) + (level === 0 ? 0 : page % arch.pmdPages);
  return (memory.flags[memory.headOf(frame)]! & PG_ANON) !== 0 ? frame : -1;
}

/** The small folio at `page`: a large one is split first. -1 when that fails, or a zero page is there now. */
function takeApart(mm: Mm, vma: Vma, page: number): number {
  const { memory } = mm.env;
  const frame = anonFrame(mm, page);
  if (frame < 0 || memory.order[frame] === 0) return frame;
  const head = memory.headOf(frame);
  splitHugePmd(mm, vma, page);
  memory.get(head);
  const failed = splitFolio(mm.env, head) !== null;
  memory.put(head);
  return failed ? -1 : anonFrame(mm, page);
}

interface Entry {
  readonly words: EntryWords;
  readonly at: number;
}

function entryOf(mm: Mm, page: number): Entry | null {
  const table = mm.pages.lookup(0, page);
  if (table === 0) return null;
  const words = mm.pages.pool.words(table);
  const at = mm.pages.entryAt(table, 0, page);
  return mm.env.arch.isPresent(words, at) ? { words, at } : null;
}

/** Makes an entry read-only and clean, so that its page can be compared in peace. Fails when others hold the page. */
function protect(mm: Mm, page: number, frame: number): boolean {
  const { arch, memory } = mm.env;
  const entry = entryOf(mm, page);
  if (entry === null) return false;
  const flags = memory.flags[frame]!;
  const cached = (flags & PG_SWAPCACHE) !== 0 ? 1 : 0;
  if (memory.refcount[frame] !== memory.folioMapcount(frame) + cached) return false;
  if ((flags & PG_EXCLUSIVE) !== 0 && !tryShareAnonRmap(memory, frame, frame)) return false;
  const { words, at } = entry;
  if (arch.isDirty(words, at)) memory.flags[frame]! |= PG_DIRTY;
  arch.mkClean(words, at);
  arch.wrprotect(words, at);
  return true;
}
