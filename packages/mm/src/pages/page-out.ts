import { EntryKind, type EntryWords } from '@vmakit/pagetable';
import { maybeMappedShared } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { MmEnvironment } from '../environment.js';
import type { Mm } from '../mm.js';
import { trySplitFolio } from './folio-split.js';
import { reclaimFolio } from './reclaim.js';
import { entryCount, folioRun, pmdEnd } from './table-walk.js';

/** MADV_PAGEOUT: pages out the folios of [start, end) that this process alone maps. */
export function pageOutRange(mm: Mm, vma: Vma, start: number, end: number): void {
  const isolated: number[] = [];
  mm.env.lru.drain();
  advise(mm, start, end, isolated);
  for (const head of isolated) {
    reclaimFolio(mm.env, head, vma);
    mm.env.memory.put(head);
  }
}

/** MADV_COLD: takes the accessed marks of the folios of [start, end) that this process alone maps. */
export function coldRange(mm: Mm, _vma: Vma, start: number, end: number): void {
  mm.env.lru.drain();
  advise(mm, start, end, null);
}

/**
 * Goes through the folios that lie wholly in the range; large ones that do not are split first. With `isolated` they
 * are collected there, with a reference each; without, their entries lose the accessed mark.
 */
function advise(mm: Mm, start: number, end: number, isolated: number[] | null): void {
  const tables = mm.pages;
  for (let page = tables.nextPopulated(start, end); page < end;) {
    const next = pmdEnd(tables, page, end);
    if (tables.lookup(0, page) === 0) adviseHuge(mm, page, next, isolated);
    if (tables.lookup(0, page) !== 0) adviseTable(mm, page, next, isolated);
    page = tables.nextPopulated(next, end);
  }
}

function adviseHuge(mm: Mm, page: number, next: number, isolated: number[] | null): void {
  const { arch, memory } = mm.env;
  const pmdTable = mm.pages.lookup(1, page);
  const words = mm.pages.pool.words(pmdTable);
  const at = mm.pages.entryAt(pmdTable, 1, page);
  if (arch.kindOf(words, at, 1) !== EntryKind.Page || arch.isSpecial(words, at)) return;
  const head = arch.pfn(words, at, 1);
  if (maybeMappedShared(memory, head)) return;
  if (next - page !== arch.pmdPages) {
    trySplitFolio(mm.env, head);
    return;
  }
  if (isolated === null) {
    if (arch.isYoung(words, at)) arch.mkOld(words, at);
  } else {
    isolate(mm.env, head, isolated);
  }
}

function adviseTable(mm: Mm, start: number, end: number, isolated: number[] | null): void {
  const { arch, memory } = mm.env;
  const table = mm.pages.lookup(0, start);
  const words = mm.pages.pool.words(table);
  const first = mm.pages.entryAt(table, 0, start);
  const last = first + 2 * entryCount(start, end);
  for (let at = first; at < last; at += 2) {
    if (!arch.isPresent(words, at) || arch.isSpecial(words, at)) continue;
    const pfn = arch.pfn(words, at, 0);
    const head = memory.headOf(pfn);
    const pages = 1 << memory.order[head]!;
    let count = 1;
    if (pages > 1) {
      count = folioRun(mm.env, words, at, pfn, (last - at) >> 1);
      if (count < pages) {
        if (!maybeMappedShared(memory, head) && trySplitFolio(mm.env, head)) at -= 2;
        continue;
      }
    }
    if (memory.folioMapcount(head) === pages) {
      if (isolated === null) ageEntries(mm.env, words, at, count);
      else isolate(mm.env, head, isolated);
    }
    at += 2 * (count - 1);
  }
}

function ageEntries(env: MmEnvironment, words: EntryWords, at: number, count: number): void {
  const { arch } = env;
  for (let entry = at; entry < at + 2 * count; entry += 2) if (arch.isYoung(words, entry)) arch.mkOld(words, entry);
}

function isolate(env: MmEnvironment, head: number, isolated: number[]): void {
  env.memory.get(head);
  isolated.push(head);
}
