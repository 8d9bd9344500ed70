import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Arch } from '../arch.js';
import { readWord, writeWord } from '../describe/word.js';
import {
  DIRTY,
  EntryKind,
  EXCLUSIVE,
  MigrationKind,
  PROT_EXEC,
  PROT_KEY_SHIFT,
  PROT_READ,
  PROT_SHARED,
  PROT_WRITE,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import { archNames, createArch } from '../registry.js';
import { TwoLevelArch } from '../testing/two-level-arch.js';

const NAMES = [...archNames(), 'arm64-4k-pa52', 'arm64-16k-pa52', 'arm64-64k-pa52', 'arm64-64k-va52-pa52'];
const ARCHES: readonly Arch[] = [...NAMES.map((name) => createArch(name)), new TwoLevelArch()];
const ACCESS = PROT_READ | PROT_WRITE | PROT_EXEC;

/** A page entry that no shared mapping made writable by its protection alone. */
interface Page {
  readonly level: number;
  readonly pfn: number;
  readonly prot: number;
  readonly state: number;
}

/** Any page entry of `arch`: a frame of the whole range, aligned to the level, any private protection, any state. */
function pages(arch: Arch): fc.Arbitrary<Page> {
  const level = fc.integer({ min: 0, max: Math.min(2, arch.topLevel) });
  return level.chain((at) =>
    fc.record({
      level: fc.constant(at),
      pfn: fc.maxSafeNat().map((n) => {
        const { span } = arch.level(at);
        return (n % (2 ** arch.frameBits / span)) * span;
      }),
      prot: fc
        .tuple(fc.nat(ACCESS), fc.nat(arch.protectionKeys - 1))
        .map(([access, key]) => access | (key << PROT_KEY_SHIFT)),
      state: fc.nat(EXCLUSIVE - 1).map((state) => (arch.hasSoftDirty ? state : state & ~SOFT_DIRTY)),
    }),
  );
}

function store(arch: Arch, { level, pfn, prot, state }: Page): Int32Array {
  // Room for the rest of a contiguous block, which stays empty.
  const words = new Int32Array(2 * arch.contiguousEntries);
  arch.setPage(words, 0, level, pfn, prot, state);
  return words;
}

/** The state that can be read back, in the bits it is set with. */
function stateOf(arch: Arch, words: Int32Array): number {
  return (
    (arch.isWritable(words, 0) ? WRITABLE : 0) |
    (arch.isYoung(words, 0) ? YOUNG : 0) |
    (arch.isDirty(words, 0) ? DIRTY : 0) |
    (arch.isSoftDirty(words, 0) ? SOFT_DIRTY : 0) |
    (arch.isUffdWp(words, 0) ? UFFD_WP : 0) |
    (arch.isSpecial(words, 0) ? SPECIAL : 0)
  );
}

const SETTERS: readonly [
  name: string,
  set: (arch: Arch, words: Int32Array) => void,
  effect: (state: number, arch: Arch) => number,
][] = [
  ['mkWrite', (arch, words) => arch.mkWrite(words, 0), (state) => state | WRITABLE],
  ['wrprotect', (arch, words) => arch.wrprotect(words, 0), (state) => state & ~WRITABLE],
  [
    'mkDirty',
    (arch, words) => arch.mkDirty(words, 0),
    (state, arch) => state | DIRTY | (arch.hasSoftDirty ? SOFT_DIRTY : 0),
  ],
  ['mkClean', (arch, words) => arch.mkClean(words, 0), (state) => state & ~DIRTY],
  ['mkYoung', (arch, words) => arch.mkYoung(words, 0), (state) => state | YOUNG],
  ['mkOld', (arch, words) => arch.mkOld(words, 0), (state) => state & ~YOUNG],
  [
    'setSoftDirty',
    (arch, words) => arch.setSoftDirty(words, 0),
    (state, arch) => state | (arch.hasSoftDirty ? SOFT_DIRTY : 0),
  ],
  ['clearSoftDirty', (arch, words) => arch.clearSoftDirty(words, 0), (state) => state & ~SOFT_DIRTY],
  ['setUffdWp', (arch, words) => arch.setUffdWp(words, 0), (state) => (state | UFFD_WP) & ~WRITABLE],
  ['clearUffdWp', (arch, words) => arch.clearUffdWp(words, 0), (state) => state & ~UFFD_WP],
  [
    'setAccessFlags',
    (arch, words) => arch.setAccessFlags(words, 0, YOUNG | WRITABLE),
    (state) => state | YOUNG | WRITABLE,
  ],
];

describe.each(ARCHES.map((arch) => [arch.name, arch] as const))('entries of %s', (_, arch) => {
  test('a page is read back as it was set', () => {
    fc.assert(
      fc.property(pages(arch), (page) => {
        const words = store(arch, page);
        expect(arch.kindOf(words, 0, page.level)).toBe(EntryKind.Page);
        expect(arch.isPresent(words, 0)).toBe(true);
        expect(arch.pfn(words, 0, page.level)).toBe(page.pfn);
        expect(stateOf(arch, words)).toBe(page.state);
        expect(arch.isProtNone(words, 0)).toBe((page.prot & ACCESS) === 0);
        if (page.level > 0) expect([arch.isLeaf(words, 0), arch.isTable(words, 0)]).toEqual([true, false]);
      }),
    );
  });

  test.each(SETTERS)('%s changes what it says and nothing else', (...[, set, effect]) => {
    fc.assert(
      fc.property(pages(arch), (page) => {
        const words = store(arch, page);
        set(arch, words);
        const expected = store(arch, { ...page, state: effect(page.state, arch) });
        expect(readWord(words, 0)).toBe(readWord(expected, 0));
      }),
    );
  });

  test('a change of protection gives what setting it at once gives, less write permission', () => {
    const newProt = fc.tuple(fc.nat(ACCESS), fc.nat(arch.protectionKeys - 1));
    fc.assert(
      fc.property(pages(arch), newProt, (page, [access, key]) => {
        const prot = access | (key << PROT_KEY_SHIFT);
        const words = store(arch, page);
        arch.modifyProt(words, 0, page.level, prot);
        const expected = store(arch, { ...page, prot, state: page.state & ~WRITABLE });
        expect(readWord(words, 0)).toBe(readWord(expected, 0));
      }),
    );
  });

  test('a shared writable protection gives write permission by itself', () => {
    if (arch instanceof TwoLevelArch) return;
    fc.assert(
      fc.property(pages(arch), (page) => {
        const words = store(arch, { ...page, state: page.state & ~WRITABLE });
        arch.modifyProt(words, 0, page.level, PROT_READ | PROT_WRITE | PROT_SHARED);
        expect(stateOf(arch, words)).toBe(page.state | WRITABLE);
      }),
    );
  });

  test('the processor marks accesses without any software mark', () => {
    fc.assert(
      fc.property(pages(arch), fc.boolean(), (page, isStore) => {
        const words = store(arch, { ...page, state: page.state | WRITABLE });
        arch.hardwareAccess(words, 0, isStore);
        expect(stateOf(arch, words)).toBe(page.state | WRITABLE | YOUNG | (isStore ? DIRTY : 0));
      }),
    );
  });

  const offsetMax = arch instanceof TwoLevelArch ? 2 ** 31 - 1 : 2 ** 50 - 1;
  // Page 0 of a swap device is its header; on arm64 its entry would be none.
  const offsets = fc.maxSafeNat().map((n) => 1 + (n % offsetMax));

  test('swap entries are read back, and their marks change one by one', () => {
    const { swapTypes } = arch.softwareTypes;
    fc.assert(
      fc.property(fc.nat(swapTypes - 1), offsets, fc.nat(7), (type, offset, marks) => {
        const words = new Int32Array(2);
        const state = (marks & 1 ? EXCLUSIVE : 0) | (marks & 2 ? UFFD_WP : 0) | (marks & 4 ? SOFT_DIRTY : 0);
        arch.setSwap(words, 0, type, offset, state);
        expect(arch.kindOf(words, 0, 0)).toBe(EntryKind.Swap);
        expect([arch.isPresent(words, 0), arch.isNone(words, 0)]).toEqual([false, false]);
        expect([arch.swapType(words, 0), arch.swapOffset(words, 0)]).toEqual([type, offset]);
        expect([arch.isExclusive(words, 0), arch.isUffdWp(words, 0)]).toEqual([(marks & 1) !== 0, (marks & 2) !== 0]);
        expect(arch.isSoftDirty(words, 0)).toBe(arch.hasSoftDirty && (marks & 4) !== 0);
        arch.clearExclusive(words, 0);
        arch.clearUffdWp(words, 0);
        arch.clearSoftDirty(words, 0);
        expect([arch.isExclusive(words, 0), arch.isUffdWp(words, 0), arch.isSoftDirty(words, 0)]).toEqual([
          false,
          false,
          false,
        ]);
        arch.setExclusive(words, 0);
        arch.setUffdWp(words, 0);
        arch.setSoftDirty(words, 0);
        const all = new Int32Array(2);
        arch.setSwap(all, 0, type, offset, EXCLUSIVE | UFFD_WP | SOFT_DIRTY);
        expect(readWord(words, 0)).toBe(readWord(all, 0));
      }),
    );
  });

  test('migration entries are read back', () => {
    if (arch instanceof TwoLevelArch) return;
    fc.assert(
      fc.property(pages(arch), fc.constantFrom(...Object.values(MigrationKind)), ({ pfn, state }, kind) => {
        const words = new Int32Array(2);
        arch.setMigration(words, 0, kind, pfn, state);
        expect(arch.kindOf(words, 0, 0)).toBe(EntryKind.Migration);
        expect(arch.kindOf(words, 0, 1)).toBe(EntryKind.Migration);
        expect([arch.isPresent(words, 0), arch.isLeaf(words, 0), arch.isTable(words, 0)]).toEqual([
          false,
          false,
          false,
        ]);
        expect([arch.migrationKind(words, 0), arch.migrationPfn(words, 0)]).toEqual([kind, pfn]);
        expect([arch.migrationYoung(words, 0), arch.migrationDirty(words, 0)]).toEqual([
          (state & YOUNG) !== 0,
          (state & DIRTY) !== 0,
        ]);
        expect([arch.isUffdWp(words, 0), arch.isSoftDirty(words, 0)]).toEqual([
          (state & UFFD_WP) !== 0,
          (state & SOFT_DIRTY) !== 0,
        ]);
      }),
    );
  });

  test('markers are read back', () => {
    for (let bits = 1; bits < 8; bits++) {
      const words = new Int32Array(2);
      arch.setMarker(words, 0, bits);
      expect(arch.kindOf(words, 0, 0)).toBe(EntryKind.Marker);
      expect(arch.markerBits(words, 0)).toBe(bits);
    }
  });

  test('a table entry leads to its table and is nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 22 }), (id) => {
        const words = new Int32Array(2);
        arch.setTable(words, 0, id);
        expect(arch.kindOf(words, 0, 1)).toBe(EntryKind.Table);
        expect([arch.isTable(words, 0), arch.isLeaf(words, 0), arch.isNone(words, 0)]).toEqual([true, false, false]);
        expect(arch.tableAt(words, 0)).toBe(id);
        expect(arch.describer.isBadTable(words, 0)).toBe(false);
      }),
    );
  });

  test('of any word whatever, the questions about its kind agree', () => {
    if (arch instanceof TwoLevelArch) return;
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(1), (word, level) => {
        const words = new Int32Array(2 * arch.contiguousEntries);
        writeWord(words, 0, word);
        const kind = arch.kindOf(words, 0, level);
        expect(Object.values(EntryKind)).toContain(kind);
        expect(arch.isNone(words, 0)).toBe(kind === EntryKind.None);
        expect(arch.isPresent(words, 0)).toBe(kind === EntryKind.Page || kind === EntryKind.Table);
        if (level === 1) expect(arch.isTable(words, 0)).toBe(kind === EntryKind.Table);
        if (level === 1 && arch.isLeaf(words, 0)) expect(kind).toBe(EntryKind.Page);
      }),
    );
  });

  test('moving an entry moves its bits', () => {
    fc.assert(
      fc.property(pages(arch), (page) => {
        const source = store(arch, page);
        const word = readWord(source, 0);
        const target = new Int32Array(2 * arch.contiguousEntries);
        arch.moveEntry(source, 0, target, 0);
        expect([readWord(source, 0), readWord(target, 0)]).toEqual([0n, word]);
      }),
    );
  });
});
