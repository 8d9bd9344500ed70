import { describe, expect, test } from 'vitest';
import { DIRTY, EXCLUSIVE, MARKER_GUARD, PROT_READ, PROT_WRITE, SPECIAL, WRITABLE, YOUNG } from '../entry.js';
import { PageTables } from '../page-tables.js';
import { archByName, createArch } from '../registry.js';
import { TablePool } from '../table-pool.js';
import { decodeWord, type DecodedPage, type DecodedSoftware } from './decode.js';
import { dumpTables, renderDump, renderWhat } from './dump.js';
import { encodeWord } from './encode.js';
import { renderFields, wordFields } from './fields.js';
import { parseProtection } from './protection.js';
import { formatWord, parseWord } from './word.js';

const x8664 = archByName('x86-64');
const arm64 = archByName('arm64-4k');
const page = decodeWord(x8664, 'pte', 0x8000000012345067n) as DecodedPage;
const swap = decodeWord(x8664, 'pte', 0x07fffffffffffc00n) as DecodedSoftware;
const marker: DecodedSoftware = { ...swap, kind: 'marker', marker: 8 };

describe('words', () => {
  test('are read and written as people write them', () => {
    expect([parseWord('0x8000000012345067'), parseWord('12'), formatWord(0x67n)]).toEqual([
      0x8000000012345067n,
      12n,
      '0x67',
    ]);
    for (const wrong of ['', '0x', 'x67', '-1', '0x1ffffffffffffffff', '1.5']) {
      expect(() => parseWord(wrong), wrong).toThrow(RangeError);
    }
    expect(() => decodeWord(x8664, 'pte', 1n << 64n)).toThrow('word: 18446744073709551616 is not in 0..2^64-1');
  });

  test('say in one line what they are', () => {
    expect(renderWhat(page)).toBe('page pfn 74565 writable young dirty');
    expect(renderWhat(swap)).toBe('swap swapType 0 swapOffset 1');
    expect(renderWhat(decodeWord(x8664, 'pte', 0n))).toBe('none');
    expect(renderWhat(decodeWord(x8664, 'pmd', 0x1067n))).toBe('table pfn 1');
    expect(renderWhat(decodeWord(x8664, 'pud', 0x80000000c00000e7n))).toContain('page pfn 786432');
  });

  test('say which bits of an entry are set', () => {
    expect(renderFields(wordFields(x8664, 'pte', 0x040fffffa01d5920n))).toMatchInlineSnapshot(`
      "62:59  key          0x0  protection key
         58  SavedDirty   1  modified, kept here while not writable
      51:12  PFN          0xfffffa01d5  stored complemented
         11  SoftDirty    1
          8  G            1  global; alone without P: no access
          5  A            1  accessed"
    `);
    expect(renderFields(wordFields(arm64, 'pte', 0x12340c0n), true)).toMatchInlineSnapshot(`
      "61:12  offset       0x1234
         11  invalid      0  clear: maps no page
       10:6  type         0x3
          3  Uffd         0
          2  Exclusive    0
          0  valid        0"
    `);
  });

  test.each(['x86-64', 'arm64-4k', 'arm64-4k-va52', 'arm64-64k', 'arm64-64k-pa52'])(
    'fields of %s never overlap',
    (name) => {
      const arch = archByName(name);
      const words = [
        0x8000000012345067n,
        0x040fffffa01d5920n,
        0x80000000048008e7n,
        0x1067n,
        0x00e8000012345f43n,
        0x803n,
        0x40n,
      ];
      for (const word of words) {
        for (const level of ['pte', 'pmd'] as const) {
          let seen = 0n;
          for (const { high, low, value } of wordFields(arch, level, word)) {
            const mask = ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
            expect(seen & mask).toBe(name.startsWith('x86') && low === 12 && high === 12 ? seen & mask : 0n);
            expect((word & mask) >> BigInt(low)).toBe(value);
            seen |= mask;
          }
        }
      }
    },
  );
});

describe('encoding refuses what does not fit, by name and limit', () => {
  const cases: readonly [string, () => bigint, string][] = [
    [
      'a frame',
      () => encodeWord(x8664, 'pte', { ...page, pfn: 2 ** 34 }),
      'pfn: 17179869184 is not an integer in 0..17179869183',
    ],
    ['a fraction', () => encodeWord(x8664, 'pte', { ...page, pfn: 0.5 }), 'pfn: 0.5 is not an integer'],
    [
      'a huge page',
      () => encodeWord(x8664, 'pmd', { ...page, pfn: 5 }),
      'pfn: 5 is not a multiple of the 512 pages of the entry',
    ],
    [
      'a swap type',
      () => encodeWord(x8664, 'pte', { ...swap, swapType: 27 }),
      'swapType: 27 is not an integer in 0..26',
    ],
    [
      'a swap offset',
      () => encodeWord(x8664, 'pte', { ...swap, swapOffset: 2 ** 50 }),
      'swapOffset: 1125899906842624 is not',
    ],
    [
      'a swap offset that is the header of the device, where its word would be empty',
      () => encodeWord(arm64, 'pte', { ...swap, swapType: 0, swapOffset: 0, exclusive: false, uffdWp: false }),
      'swapOffset: 0 of type 0 without marks is no entry; offsets begin at 1',
    ],
    ['a negative', () => encodeWord(x8664, 'pte', { ...swap, swapOffset: -1 }), 'swapOffset: -1 is not'],
    ['a key', () => encodeWord(arm64, 'pte', page, 8 << 4), 'protectionKey: 8 is not an integer in 0..7'],
    ['a table', () => encodeWord(x8664, 'pte', { table: true, pfn: 1 }), 'table: an entry of the lowest level'],
    ['a marker', () => encodeWord(x8664, 'pte', marker), 'marker: 8 is not an integer in 0..7'],
    [
      'a level',
      () => encodeWord(x8664, 'p4d', page),
      'levelName: x86-64 has no level p4d; its levels are pte, pmd, pud, pgd',
    ],
  ];
  test.each(cases)('%s', (_, encode, message) => {
    expect(encode).toThrow(RangeError);
    expect(encode).toThrow(message);
  });

  test('a block that is not one', () => {
    expect(() => decodeWord(arm64, 'pte', 0xf8000044ab0f43n, { block: [1n] })).toThrow('block: 1 words, not the 16');
  });

  test('a protection that is not one', () => {
    expect(parseProtection(x8664, 'rw-p')).toBe(PROT_READ | PROT_WRITE);
    expect(() => parseProtection(x8664, 'rwz')).toThrow('protection: "rwz" is not of the form rwxp');
  });
});

describe('a dump', () => {
  const make = (name: string): PageTables => {
    const arch = createArch(name);
    return new PageTables(arch, new TablePool(arch));
  };

  test('shows the way to each entry and collapses what runs on', () => {
    const tables = make('x86-64');
    const { arch, pool } = tables;
    const table = tables.ensure(0, 1024);
    const words = pool.words(table);
    const at = (vpn: number): number => tables.entryAt(table, 0, vpn);
    arch.setPages(words, at(1024), 16, 0x40, PROT_READ | PROT_WRITE, WRITABLE | YOUNG | DIRTY);
    for (let i = 0; i < 4; i++) arch.setPage(words, at(1050 + i), 0, 9, PROT_READ, SPECIAL | YOUNG);
    arch.setSwap(words, at(1060), 0, 5, EXCLUSIVE);
    arch.setSwap(words, at(1061), 0, 6, EXCLUSIVE);
    arch.setMarker(words, at(1062), MARKER_GUARD);
    arch.setMarker(words, at(1063), MARKER_GUARD);
    const pmd = tables.lookup(1, 1536);
    arch.setPage(pool.words(pmd), tables.entryAt(pmd, 1, 1536), 1, 512, PROT_READ, YOUNG);
    arch.setPage(pool.words(pmd), tables.entryAt(pmd, 1, 2048), 1, 1024, PROT_READ, YOUNG);
    expect(renderDump(dumpTables(tables, { start: 1000, end: 2 ** 35 }))).toMatchInlineSnapshot(`
      "x86-64: pages of 4096 bytes
      entries x pages each: pgd 512 x 134217728, pud 512 x 262144, pmd 512 x 512, pte 512 x 1
      pgd 0-134217727  0x200000002067  table pfn 8589934594
        pud 0-262143  0x200000003067  table pfn 8589934595
          pmd 1024-1535  0x200000004067  table pfn 8589934596
            pte 1024-1039 x16  0x8000000000040067  page pfn 64 writable young dirty
            pte 1050-1053 x4  0x8000000000009225  page pfn 9 young special zero
            pte 1060-1061 x2  0x7fffffffffff408  swap swapType 0 swapOffset 5 exclusive
            pte 1062-1063 x2  0xfffffffffffff600  guard swapType 31 swapOffset 4 marker 4
          pmd 1536-2559 x2  0x80000000002000a5  page pfn 512 huge young"
    `);
  });

  test('begins and ends where it is told to', () => {
    const tables = make('x86-64');
    for (const vpn of [510, 511, 512, 513]) {
      const table = tables.ensure(0, vpn);
      tables.arch.setPage(tables.pool.words(table), tables.entryAt(table, 0, vpn), 0, vpn, PROT_READ, YOUNG);
    }
    const entries = (start: number, end: number): (string | number)[][] =>
      dumpTables(tables, { start, end }).runs.map(({ level, page, count }) => [level, page, count]);
    const top = [
      ['pgd', 0, 1],
      ['pud', 0, 1],
    ];
    expect(entries(511, 513)).toEqual([...top, ['pmd', 0, 1], ['pte', 511, 1], ['pmd', 512, 1], ['pte', 512, 1]]);
    expect(entries(0, 510)).toEqual([...top, ['pmd', 0, 1]]);
    expect(entries(600, 600)).toEqual([]);
  });

  test('of a contiguous block tells own marks from those of the block', () => {
    const tables = make('arm64-4k');
    const table = tables.ensure(0, 0);
    const words = tables.pool.words(table);
    const base = tables.pool.base(table);
    tables.arch.setPages(words, base, 16, 0x40, PROT_READ | PROT_WRITE, WRITABLE);
    tables.arch.hardwareAccess(words, base + 6, false);
    const runs = dumpTables(tables, { start: 0, end: 512 }).runs.filter(({ level }) => level === 'pte');
    expect(runs.map(({ page, count, what }) => [page, count, renderWhat(what)])).toEqual([
      [0, 3, 'page pfn 64 writable contiguous readOnly gatheredYoung'],
      [3, 1, 'page pfn 67 writable young contiguous readOnly'],
      [4, 12, 'page pfn 68 writable contiguous readOnly gatheredYoung'],
    ]);
  });
});
