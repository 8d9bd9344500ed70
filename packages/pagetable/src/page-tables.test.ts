import { InvariantError } from '@vmakit/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Arch } from './arch.js';
import { EntryKind, PROT_READ, YOUNG } from './entry.js';
import { PageTables } from './page-tables.js';
import { createArch } from './registry.js';
import { TablePool } from './table-pool.js';
import { TwoLevelArch } from './testing/two-level-arch.js';

const make = (arch: Arch): PageTables => new PageTables(arch, new TablePool(arch));
const PUD = 512 * 512;

function mapPage(tables: PageTables, page: number, pfn: number): void {
  const table = tables.ensure(0, page);
  tables.arch.setPage(tables.pool.words(table), tables.entryAt(table, 0, page), 0, pfn, PROT_READ, YOUNG);
}

function frameAt(tables: PageTables, page: number): number {
  const table = tables.lookup(0, page);
  if (table === 0) return -1;
  const words = tables.pool.words(table);
  const at = tables.entryAt(table, 0, page);
  if (!tables.arch.isPresent(words, at)) return -1;
  return tables.arch.pfn(words, at, 0);
}

function unmapPage(tables: PageTables, page: number): void {
  const table = tables.lookup(0, page);
  tables.arch.clear(tables.pool.words(table), tables.entryAt(table, 0, page));
}

describe('a walk', () => {
  test.each([
    'x86-64',
    'x86-64-la57',
    'arm64-4k-va39',
    'arm64-4k-va52',
    'arm64-16k',
    'arm64-16k-va36',
    'arm64-64k',
    'arm64-64k-va42',
  ])('reaches every page of %s, and needs one table a level', (name) => {
    const tables = make(createArch(name));
    const last = tables.arch.taskSizePages - 1;
    for (const page of [0, Math.floor(last / 3), last]) mapPage(tables, page, (page % 1000) + 1);
    for (const page of [0, Math.floor(last / 3), last]) expect(frameAt(tables, page)).toBe((page % 1000) + 1);
    expect(frameAt(tables, Math.floor(last / 3) + 1)).toBe(-1);
    expect(tables.lookup(0, Math.floor(last / 2))).toBe(0);
    expect(tables.tables[tables.arch.topLevel]).toBe(1);
    expect(tables.tables[0]).toBe(3);
  });

  test('ends at a huge leaf', () => {
    const tables = make(createArch('x86-64'));
    const pmd = tables.ensure(1, 1024);
    tables.arch.setPage(tables.pool.words(pmd), tables.entryAt(pmd, 1, 1024), 1, 512, PROT_READ, YOUNG);
    expect([tables.lookup(0, 1024), tables.ensure(0, 1024), tables.lookup(1, 1024)]).toEqual([0, 0, pmd]);
  });

  test('knows where an entry is in its table', () => {
    const tables = make(createArch('x86-64'));
    const page = 3 * PUD + 5 * 512 + 7;
    const pmd = tables.ensure(1, page);
    expect([tables.indexAt(0, page), tables.indexAt(1, page), tables.indexAt(2, page)]).toEqual([7, 5, 3]);
    expect(tables.entryAt(pmd, 1, page)).toBe(tables.pool.base(pmd) + 10);
  });

  test('a refused allocation leaves what was allocated above it', () => {
    const tables = make(createArch('x86-64'));
    tables.pool.refuse = (level) => level === 'pte';
    expect(tables.ensure(0, 0)).toBe(0);
    expect([...tables.tables]).toEqual([0, 1, 1, 1]);
    tables.pool.refuse = null;
    expect(tables.ensure(0, 0)).toBeGreaterThan(0);
  });

  test('an address space whose root is refused does not come about', () => {
    const pool = new TablePool(createArch('x86-64'));
    pool.refuse = () => true;
    expect(PageTables.create(pool.arch, pool)).toBeNull();
    expect(() => new PageTables(pool.arch, pool)).toThrow(RangeError);
    pool.refuse = (level) => level !== 'pgd';
    expect(PageTables.create(pool.arch, pool)).toBeInstanceOf(PageTables);
    expect(() => new PageTables(createArch('arm64-4k'), pool)).toThrow(TypeError);
  });
});

describe('freeing tables (spec 04 section 10)', () => {
  test('takes those between the neighbours, and no others', () => {
    const tables = make(createArch('x86-64'));
    for (const page of [0, 600, 1100, PUD + 3]) mapPage(tables, page, 1);
    unmapPage(tables, 600);
    unmapPage(tables, 1100);
    // The mapping after begins within the table of page 1100: it stays.
    tables.freeRange(600, 1101, 1, 1101);
    expect([...tables.tables]).toEqual([3, 2, 1, 1]);
    tables.freeRange(600, 1101, 1, PUD + 3);
    expect([...tables.tables]).toEqual([2, 2, 1, 1]);
    unmapPage(tables, PUD + 3);
    tables.freeRange(PUD + 3, PUD + 4, 1, Infinity);
    expect([...tables.tables]).toEqual([1, 1, 1, 1]);
    unmapPage(tables, 0);
    tables.freeRange(0, 1, 0, Infinity);
    expect([...tables.tables]).toEqual([0, 0, 0, 1]);
    expect(tables.lookup(0, 0)).toBe(0);
  });

  test('is refused with the word when an entry is left', () => {
    const tables = make(createArch('x86-64'));
    mapPage(tables, 5, 0x12345);
    expect(() => tables.freeRange(0, 512, 0, Infinity)).toThrow(InvariantError);
  });

  test('nothing of an address space is left when it goes, reserves included', () => {
    const tables = make(createArch('arm64-16k'));
    for (const page of [0, 3_000, 2 ** 30]) mapPage(tables, page, 7);
    const pmd = tables.lookup(1, 0);
    tables.deposit(pmd, tables.allocateDetached());
    tables.destroy();
    expect([...tables.pool.live]).toEqual([0, 0, 0, 0]);
    expect([...tables.tables]).toEqual([0, 0, 0, 0]);
  });
});

describe('upper entries', () => {
  test('a moved table takes its pages along', () => {
    const tables = make(createArch('x86-64'));
    mapPage(tables, 512 + 9, 99);
    expect(frameAt(tables, 512 + 9)).toBe(99);
    const source = tables.lookup(1, 512);
    const target = tables.ensure(1, PUD + 1024);
    tables.moveTableEntry(1, source, 512, target, PUD + 1024);
    expect([frameAt(tables, 512 + 9), frameAt(tables, PUD + 1024 + 9)]).toEqual([-1, 99]);
    mapPage(tables, 512, 1);
    expect(() => tables.moveTableEntry(1, source, 512, target, PUD + 1024)).toThrow('must be empty');
  });

  test('tables side by side move together, up to what is no table or has its place taken', () => {
    const tables = make(createArch('x86-64'));
    for (const page of [3, 512 + 3, 3 * 512 + 3, PUD + 4 * 512]) mapPage(tables, page, page + 1);
    const source = tables.lookup(1, 0);
    const target = tables.lookup(1, PUD);
    expect(tables.moveTables(1, source, 0, target, PUD, 4)).toBe(2);
    expect([frameAt(tables, 3), frameAt(tables, PUD + 3), frameAt(tables, PUD + 512 + 3)]).toEqual([-1, 4, 516]);
    expect(tables.moveTables(1, source, 3 * 512, target, PUD + 4 * 512, 1)).toBe(0);
    expect(frameAt(tables, 3 * 512 + 3)).toBe(3 * 512 + 4);
  });

  test('a table in reserve takes the place of the leaf it was kept for', () => {
    const tables = make(createArch('x86-64'));
    const pmd = tables.ensure(1, 0);
    const other = tables.ensure(1, PUD);
    tables.deposit(pmd, tables.allocateDetached());
    tables.moveDeposit(pmd, other);
    expect(() => tables.moveDeposit(pmd, other)).toThrow('reserve');
    const table = tables.withdraw(other);
    tables.populate(other, 1, PUD, table);
    expect(tables.lookup(0, PUD)).toBe(table);
    const spare = tables.allocateDetached();
    tables.freeDetached(spare);
    expect(tables.tables[0]).toBe(1);
  });
});

// All of the tiny architecture can be compared with a Map.
test('tables hold what a map of pages holds, whatever is done to them', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('map', 'unmap', 'free', 'move'), fc.nat(63), fc.nat(63)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (list) => {
      const tables = make(new TwoLevelArch());
      const model = new Map<number, number>();
      for (const [what, page, other] of list) {
        if (what === 'map') {
          mapPage(tables, page, other + 1);
          model.set(page, other + 1);
        } else if (what === 'unmap') {
          if (model.delete(page)) unmapPage(tables, page);
        } else if (what === 'free') {
          const pages = [...model.keys()];
          const floor = Math.max(0, ...pages.filter((mapped) => mapped < page).map((mapped) => mapped + 1));
          const ceiling = Math.min(Infinity, ...pages.filter((mapped) => mapped >= page));
          if (ceiling > page) tables.freeRange(page, page + 1, floor, ceiling);
        } else {
          moveWholeTable(tables, model, page - (page % 8), other - (other % 8));
        }
      }
      for (let page = 0; page < 64; page++) expect(frameAt(tables, page)).toBe(model.get(page) ?? -1);
      expect(tables.pool.live[0]).toBe(tables.tables[0]);
    }),
  );
});

function moveWholeTable(tables: PageTables, model: Map<number, number>, from: number, to: number): void {
  const { arch, pool, root } = tables;
  const source = tables.entryAt(root, 1, from);
  if (arch.kindOf(pool.words(root), source, 1) !== EntryKind.Table) return;
  if (!arch.isNone(pool.words(root), tables.entryAt(root, 1, to))) return;
  tables.moveTableEntry(1, root, from, root, to);
  for (let i = 0; i < 8; i++) {
    const frame = model.get(from + i);
    model.delete(from + i);
    if (frame !== undefined) model.set(to + i, frame);
  }
}
