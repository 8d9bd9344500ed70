import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Arch } from './arch.js';
import { readWord } from './describe/word.js';
import {
  DIRTY,
  EntryKind,
  EXCLUSIVE,
  MARKER_GUARD,
  MARKER_POISONED,
  MARKER_UFFD_WP,
  MigrationKind,
  PROT_READ,
  PROT_WRITE,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from './entry.js';
import { moveEntries, MoveTally } from './move.js';
import { createArch } from './registry.js';

/** Every kind of entry that a mover meets (spec 04 section 5), one after another. */
function everyKind(arch: Arch, words: Int32Array): void {
  const prot = PROT_READ | PROT_WRITE;
  arch.setPage(words, 2, 0, 100, prot, WRITABLE | YOUNG | DIRTY);
  arch.setPage(words, 4, 0, 5, PROT_READ, SPECIAL);
  arch.setPage(words, 6, 0, 102, 0, YOUNG | DIRTY);
  arch.setPage(words, 8, 0, 103, PROT_READ, UFFD_WP | DIRTY);
  arch.setSwap(words, 10, 0, 7, EXCLUSIVE);
  arch.setSwap(words, 12, 1, 8, UFFD_WP);
  arch.setMigration(words, 14, MigrationKind.Write, 104, YOUNG);
  arch.setMarker(words, 16, MARKER_GUARD);
  arch.setMarker(words, 18, MARKER_UFFD_WP);
  arch.setMarker(words, 20, MARKER_UFFD_WP | MARKER_POISONED);
}

describe.each(['x86-64', 'arm64-4k'])('moving entries of %s', (name) => {
  const arch = createArch(name);
  const tally = new MoveTally();
  let source: Int32Array;
  let target: Int32Array;
  beforeEach(() => {
    source = new Int32Array(64);
    target = new Int32Array(64);
    everyKind(arch, source);
    tally.reset();
  });

  test('all arrive as they were, marked soft-dirty where that exists', () => {
    const expected = source.slice();
    for (let at = 2; at <= 20; at += 2) arch.setSoftDirty(expected, at);
    moveEntries(arch, source, 0, target, 0, 32, false, tally);
    expect(target).toEqual(expected);
    expect(source.every((half) => half === 0)).toBe(true);
    expect(tally).toMatchObject({ present: 4, absent: 6, dropped: 0 });
  });

  test('to another place, only those asked for', () => {
    moveEntries(arch, source, 4, target, 40, 3, false, tally);
    expect([arch.pfn(target, 40, 0), arch.pfn(target, 44, 0)]).toEqual([5, 103]);
    expect([arch.pfn(source, 2, 0), arch.swapOffset(source, 10)]).toEqual([100, 7]);
    expect(tally).toMatchObject({ present: 3, absent: 0 });
  });

  test('a userfaultfd without remap events leaves its marks behind', () => {
    moveEntries(arch, source, 0, target, 0, 32, true, tally);
    expect([arch.isUffdWp(target, 8), arch.isUffdWp(target, 12)]).toEqual([false, false]);
    expect(arch.isNone(target, 18)).toBe(true);
    expect(arch.markerBits(target, 20)).toBe(MARKER_UFFD_WP | MARKER_POISONED);
    expect(tally).toMatchObject({ present: 4, absent: 5, dropped: 1 });
  });
});

// A full table goes another way than a few entries, and a table with a hole in it another still.
test.each([
  ['of pages only', -1],
  ['with a swap entry', 100],
])('a whole table %s arrives as its entries would one by one', (_, hole) => {
  const arch = createArch('x86-64');
  const source = new Int32Array(1024);
  for (let i = 0; i < 511; i++) arch.setPage(source, 2 * i, 0, 1000 + 3 * i, PROT_READ | PROT_WRITE, i % 8);
  if (hole >= 0) arch.setSwap(source, 2 * hole, 0, 7, EXCLUSIVE);
  const expected = new Int32Array(1024);
  expected.set(source.subarray(0, 1022), 2);
  for (let at = 2; at < 1024; at += 2) arch.setSoftDirty(expected, at);
  const target = new Int32Array(1024);
  const tally = new MoveTally();
  moveEntries(arch, source, 0, target, 2, 511, false, tally);
  expect(target).toEqual(expected);
  expect(source.every((half) => half === 0)).toBe(true);
  expect(tally).toMatchObject(hole < 0 ? { present: 511, absent: 0 } : { present: 510, absent: 1 });
});

test.each([64, 100, 128, 129, 300])('%i entries within one array arrive, and what is between them stays', (count) => {
  const arch = createArch('x86-64');
  const words = new Int32Array(2048);
  for (let i = 0; i < count; i++) arch.setPage(words, 2 * (5 + i), 0, 1000 + 3 * i, PROT_READ, i % 8);
  arch.setPage(words, 2 * 4, 0, 9, PROT_READ, 0);
  const expected = new Int32Array(2048);
  expected.set(words.subarray(8, 10), 8);
  expected.set(words.subarray(10, 10 + 2 * count), 2 * 517);
  for (let i = 0; i < count; i++) arch.setSoftDirty(expected, 2 * (517 + i));
  const tally = new MoveTally();
  moveEntries(arch, words, 2 * 5, words, 2 * 517, count, false, tally);
  expect(words).toEqual(expected);
  expect(tally).toMatchObject({ present: count, absent: 0 });
});

test('on arm64 a folded folio stays folded when its place is aligned, in one batch', () => {
  const arch = createArch('arm64-4k', { pagesToFolioEnd: (pfn) => 32 - (pfn % 32) });
  const tally = new MoveTally();
  const words = new Int32Array(1024);
  arch.setPages(words, 0, 32, 64, PROT_READ | PROT_WRITE, WRITABLE | DIRTY);
  arch.hardwareAccess(words, 2 * 31, false);
  moveEntries(arch, words, 0, words, 2 * 64, 32, false, tally);
  expect(tally.present).toBe(32);
  expect(readWord(words, 2 * 64)).toBe(0x00f8000000040f43n);
  moveEntries(arch, words, 2 * 64, words, 2 * 101, 32, false, tally);
  expect(readWord(words, 2 * 101)).toBe(0x00e8000000040f43n);
  expect(arch.isNone(words, 2 * 64)).toBe(true);
});

test('moving there and back leaves what was there, but for marks', () => {
  const states = fc.array(fc.tuple(fc.nat(5), fc.nat(1000)), { minLength: 64, maxLength: 64 });
  const arch = createArch('x86-64', { softDirty: false });
  fc.assert(
    fc.property(states, fc.nat(30), (list, shift) => {
      const words = new Int32Array(1024);
      list.forEach(([kind, number], index) => {
        if (kind === 1) arch.setSwap(words, 2 * index, 0, number, SOFT_DIRTY);
        if (kind >= 2) arch.setPage(words, 2 * index, 0, number, kind - 2, YOUNG);
      });
      const before = words.slice();
      const target = new Int32Array(1024);
      const tally = new MoveTally();
      moveEntries(arch, words, 0, target, 2 * shift, 64, false, tally);
      for (let at = 0; at < 128; at += 2) expect(arch.kindOf(words, at, 0)).toBe(EntryKind.None);
      moveEntries(arch, target, 2 * shift, words, 0, 64, false, tally);
      expect(words).toEqual(before);
      expect(tally.present + tally.absent).toBe(2 * list.filter(([kind]) => kind > 0).length);
    }),
  );
});
