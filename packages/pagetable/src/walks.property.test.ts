import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PROT_READ, YOUNG } from './entry.js';
import { PageTables } from './page-tables.js';
import { createArch } from './registry.js';
import { TablePool } from './table-pool.js';

const PMD = 512;
const PUD = 512 * PMD;
const PGD = 512 * PUD;

/** Pages that are near to each other at one level or another. */
const page = fc
  .tuple(fc.nat(2), fc.nat(2), fc.constantFrom(0, 1, 511), fc.constantFrom(0, 1, 255, 511))
  .map(([pgd, pud, pmd, pte]) => pgd * PGD + pud * PUD + pmd * PMD + pte);
const pages = fc.array(page, { maxLength: 12 });

function makeTables(): PageTables {
  const arch = createArch('x86-64');
  return new PageTables(arch, new TablePool(arch));
}

function setPage(tables: PageTables, at: number): void {
  const table = tables.ensure(0, at);
  tables.arch.setPage(tables.pool.words(table), tables.entryAt(table, 0, at), 0, 7, PROT_READ, YOUNG);
}

function setHuge(tables: PageTables, at: number): void {
  const table = tables.ensure(1, at);
  if (tables.lookup(0, at) !== 0) return;
  tables.arch.setPage(tables.pool.words(table), tables.entryAt(table, 1, at), 1, 512, PROT_READ, YOUNG);
}

/** What `nextPopulated` says, step by step and without anything that is remembered. */
function nextPopulatedSlowly(tables: PageTables, from: number, end: number): number {
  for (let at = from; at < end; at = Math.floor(at / PMD) * PMD + PMD) {
    tables.invalidate();
    const pmd = tables.lookup(1, at);
    if (pmd === 0) at += (Math.ceil((Math.floor(at / PUD) * PUD + PUD - at) / PMD) - 1) * PMD;
    else if (!tables.arch.isNone(tables.pool.words(pmd), tables.entryAt(pmd, 1, at))) return at;
  }
  return end;
}

describe('walks that remember tables', () => {
  test('find what is populated as a walk from the root does', () => {
    fc.assert(
      fc.property(pages, pages, pages, (small, huge, asked) => {
        const tables = makeTables();
        for (const at of small) setPage(tables, at);
        for (const at of huge) setHuge(tables, at);
        for (const from of asked) {
          for (const end of [from, from + 1, from + PMD, from + 3 * PUD, 4 * PGD]) {
            tables.lookup(0, asked[0] ?? 0);
            const found = tables.nextPopulated(from, end);
            expect(found).toBe(nextPopulatedSlowly(tables, from, end));
          }
        }
      }),
    );
  });

  test('find the tables that a walk from the root finds, and make none twice', () => {
    fc.assert(
      fc.property(pages, pages, (made, asked) => {
        const tables = makeTables();
        for (const at of made) expect(tables.ensure(0, at)).toBe(tables.ensure(0, at));
        for (const at of asked) {
          const found = [0, 1, 2, 3].map((level) => tables.lookup(level, at));
          tables.invalidate();
          expect([0, 1, 2, 3].map((level) => tables.lookup(level, at))).toEqual(found);
        }
        for (const [level, span] of [PMD, PUD, PGD].entries()) {
          expect(tables.tables[level]).toBe(new Set(made.map((at) => Math.floor(at / span))).size);
        }
      }),
    );
  });
});

test('ranges freed between their neighbours leave the tables that what is mapped needs', () => {
  const ranges = fc.array(fc.tuple(page, fc.constantFrom(1, 2, 300, PMD, 3 * PMD, 600 * PMD)), { maxLength: 8 });
  fc.assert(
    fc.property(pages, ranges, (mapped, list) => {
      const tables = makeTables();
      for (const at of mapped) setPage(tables, at);
      let left = [...new Set(mapped)];
      for (const [start, length] of list) {
        const end = start + length;
        for (const at of left.filter((other) => other >= start && other < end)) {
          const table = tables.lookup(0, at);
          tables.arch.clear(tables.pool.words(table), tables.entryAt(table, 0, at));
        }
        left = left.filter((other) => other < start || other >= end);
        const floor = Math.max(0, ...left.filter((other) => other < start).map((other) => other + 1));
        const ceiling = Math.min(Infinity, ...left.filter((other) => other >= end));
        tables.freeRange(start, end, floor, ceiling);
        for (const [level, span] of [PMD, PUD, PGD].entries()) {
          const needed = new Set(left.map((at) => Math.floor(at / span))).size;
          expect(tables.tables[level]).toBe(needed);
          expect(tables.pool.live[level]).toBe(needed);
        }
      }
    }),
  );
});
