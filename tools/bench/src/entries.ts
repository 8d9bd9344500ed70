import { MoveTally, PROT_READ, PROT_WRITE, WRITABLE, YOUNG, moveEntries } from '@vmakit/pagetable';
import { layoutOf } from './layout.js';
import { ARENA_A, ARENA_B, type Machine, PAGE } from './machine.js';
import type { Measurement, Workload } from './workloads.js';

/** Tables that the entries are in: 8 MiB, more than is in a processor's own caches. */
const TABLES = 2048;
const FIRST: number = ARENA_A / PAGE;
const OTHER: number = ARENA_B / PAGE + 1;
const FIRST_FRAME = 2 ** 16;

/** What is done to each entry of many page tables in turn; the page tables alone, without VMAs and folios. */
function overEntries(name: string, mapped: boolean, body: (machine: Machine, pages: number) => number): Workload {
  return {
    name,
    modelOnly: true,
    run(machine): Measurement {
      const pages = TABLES * machine.kernel.env.arch.pmdPages;
      if (mapped) mapEntries(machine, pages);
      const start = process.hrtime.bigint();
      const done = body(machine, pages);
      const nanoseconds = Number(process.hrtime.bigint() - start);
      if (done !== pages) throw new Error(`${name}: ${done} entries of ${pages}`);
      clearEntries(machine, pages);
      return { nanoseconds, operations: pages, errors: 0, layout: layoutOf(machine.process.mm) };
    },
  };
}

/** As a fault does it: each page's table is looked up by itself. */
function mapEntries({ process }: Machine, pages: number): number {
  const tables = process.mm.pages;
  const { arch, pool } = tables;
  let mapped = 0;
  for (let page = FIRST; page < FIRST + pages; page++) {
    const table = tables.ensure(0, page);
    const at = tables.entryAt(table, 0, page);
    arch.setPage(pool.words(table), at, 0, FIRST_FRAME + mapped, PROT_READ | PROT_WRITE, WRITABLE | YOUNG);
    mapped++;
  }
  return mapped;
}

function readEntries({ process }: Machine, pages: number): number {
  const tables = process.mm.pages;
  const { arch, pool } = tables;
  let found = 0;
  for (let page = FIRST; page < FIRST + pages; page++) {
    const table = tables.lookup(0, page);
    const words = pool.words(table);
    const at = tables.entryAt(table, 0, page);
    if (arch.isPresent(words, at) && !arch.isDirty(words, at) && arch.pfn(words, at, 0) === FIRST_FRAME + found)
      found++;
  }
  return found;
}

/** To tables that lie one page off, so that none can be moved whole. */
function shiftEntries({ process }: Machine, pages: number): number {
  const tables = process.mm.pages;
  const { arch, pool } = tables;
  const { pmdPages } = arch;
  const tally = new MoveTally();
  for (let page = 0; page < pages;) {
    const count = Math.min(pmdPages - ((FIRST + page) % pmdPages), pmdPages - ((OTHER + page) % pmdPages));
    const from = tables.lookup(0, FIRST + page);
    const to = tables.ensure(0, OTHER + page);
    const sourceAt = tables.entryAt(from, 0, FIRST + page);
    const targetAt = tables.entryAt(to, 0, OTHER + page);
    moveEntries(arch, pool.words(from), sourceAt, pool.words(to), targetAt, count, false, tally);
    page += count;
  }
  return tally.present;
}

function clearEntries({ process }: Machine, pages: number): void {
  const tables = process.mm.pages;
  const { arch, pool } = tables;
  for (const start of [FIRST, OTHER]) {
    for (let page = start; page < start + pages; page++) {
      const table = tables.lookup(0, page);
      if (table !== 0) arch.clear(pool.words(table), tables.entryAt(table, 0, page));
    }
    tables.freeRange(start, start + pages, 0, Infinity);
  }
}

/** What one entry of a page table costs. */
export const ENTRY_WORKLOADS: readonly Workload[] = [
  overEntries('entry map', false, mapEntries),
  overEntries('entry read', true, readEntries),
  overEntries('entry move', true, shiftEntries),
];
