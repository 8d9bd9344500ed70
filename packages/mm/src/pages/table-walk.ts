import { alignUp } from '@vmakit/base';
import type { EntryWords, PageTables } from '@vmakit/pagetable';
import type { MmEnvironment } from '../environment.js';

/**
 * The first page from `page` on, below `end`, for which there is a table of the lowest level or an entry of the PMD
 * level (huge leaf, migration); `end` when there is none. Empty stretches are passed over by the span of what is
 * missing, so a vast unused range costs little.
 */
export function nextPopulated(tables: PageTables, page: number, end: number): number {
  const { arch, pool } = tables;
  const { span, entries } = arch.level(1);
  while (page < end) {
    if (tables.lookup(0, page) !== 0) return page;
    const pmdTable = tables.lookup(1, page);
    if (pmdTable === 0) {
      page = endOfMissing(tables, page);
      continue;
    }
    const words = pool.words(pmdTable);
    const base = pool.base(pmdTable);
    const first = tables.indexAt(1, page);
    let index = first;
    while (index < entries && arch.isNone(words, base + 2 * index)) index++;
    if (index === first) return page;
    page = page - (page % span) + (index - first) * span;
    if (index < entries) return Math.min(page, end);
  }
  return end;
}

/** The end of the largest table span around `page` that has no table. */
function endOfMissing(tables: PageTables, page: number): number {
  const { arch } = tables;
  let level = 1;
  while (level < arch.topLevel && tables.lookup(level + 1, page) === 0) level++;
  return alignUp(page + 1, arch.level(level).tableSpan);
}

/** The end of the PMD entry that maps `page`, but at most `end`. */
export function pmdEnd(tables: PageTables, page: number, end: number): number {
  const { pmdPages } = tables.arch;
  return Math.min(end, page - (page % pmdPages) + pmdPages);
}

/**
 * How many entries from the present one at `at` on (at most `most`) map consecutive pages of its folio from `pfn` on,
 * whatever their marks and write permission.
 */
export function folioRun(env: MmEnvironment, words: EntryWords, at: number, pfn: number, most: number): number {
  const { arch, memory } = env;
  const limit = Math.min(most, memory.headOf(pfn) + (1 << memory.order[pfn]!) - pfn);
  const uffdWp = arch.isUffdWp(words, at);
  let count = 1;
  for (; count < limit; count++) {
    const other = at + 2 * count;
    if (!arch.isPresent(words, other) || arch.pfn(words, other, 0) !== pfn + count) break;
    if (arch.isUffdWp(words, other) !== uffdWp) break;
  }
  return count;
}
