import { pagesInto } from '@vmakit/base';
import type { EntryWords, PageTables } from '@vmakit/pagetable';
import type { MmEnvironment } from '../environment.js';

/**
 * Entries of [start, end), which one table maps. A small integer, as page numbers are not: a loop over entries takes
 * half the time for it.
 */
export function entryCount(start: number, end: number): number {
  return (end - start) | 0;
}

/** The end of the PMD entry that maps `page`, but at most `end`. */
export function pmdEnd(tables: PageTables, page: number, end: number): number {
  const { pmdPages } = tables.arch;
  return Math.min(end, page - pagesInto(page, pmdPages) + pmdPages);
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
