import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readWord } from '../describe/word.js';
import {
  DIRTY,
  EntryKind,
  EXCLUSIVE,
  MigrationKind,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import type { Granule } from './arm64-geometry.js';
import { Arm64 } from './arm64.js';

const READ_WRITE = PROT_READ | PROT_WRITE;
const WRITTEN = WRITABLE | YOUNG | DIRTY;
/** Entries of a table that the tests use: some blocks of every size. */
const ENTRIES = 512;
/** Folios of 128 pages: at least the block of every granule. */
const FOLIO = 128;

const machine = (granule: Granule = 4): Arm64 =>
  new Arm64({ granule, pagesToFolioEnd: (pfn) => FOLIO - (pfn % FOLIO) });
const at = (entry: number): number => 2 * entry;

/** The words of entries [start, end) as runs: `16..31 f8000000000f43`, frames left out. */
function picture(words: Int32Array, start: number, end: number): string[] {
  const runs: { first: number; last: number; bits: string }[] = [];
  for (let entry = start; entry < end; entry++) {
    const bits = (readWord(words, at(entry)) & ~0x0000_ffff_ffff_f000n).toString(16);
    const run = runs.at(-1);
    if (run?.bits === bits) run.last = entry;
    else runs.push({ first: entry, last: entry, bits });
  }
  return runs.map(({ first, last, bits }) => `${first}..${last} ${bits}`);
}

// golden/words-scenarios-arm64-4k.jsonl.gz, scenario `words/contiguous`: the words are those that it shows.
describe('the recorded life of a 64 KiB folio', () => {
  const arch = machine();
  const words = new Int32Array(at(ENTRIES));
  const child = new Int32Array(at(ENTRIES));
  const PFN = 0x44ab0;

  test('a write fault maps it folded', () => {
    arch.setPages(words, at(16), 16, PFN, READ_WRITE, WRITTEN);
    expect(picture(words, 16, 32)).toEqual(['16..31 f8000000000f43']);
    expect(readWord(words, at(18))).toBe(0xf8000044ab2f43n);
  });

  test('mprotect of all of it keeps it folded, there and back', () => {
    arch.modifyProtPages(words, at(16), 16, PROT_READ, 0, 0);
    expect(picture(words, 16, 32)).toEqual(['16..31 f0000000000fc3']);
    arch.modifyProtPages(words, at(16), 16, READ_WRITE, WRITABLE, 0);
    expect(picture(words, 16, 32)).toEqual(['16..31 f8000000000f43']);
  });

  test('MADV_COLD takes the accessed marks and leaves it folded', () => {
    arch.mkOld(words, at(20));
    expect(picture(words, 16, 32)).toEqual(['16..31 f8000000000b43']);
  });

  test('the processor marks one entry; all of the block show the mark', () => {
    arch.hardwareAccess(words, at(18), false);
    expect(picture(words, 16, 32)).toEqual(['16..17 f8000000000b43', '18..18 f8000000000f43', '19..31 f8000000000b43']);
    expect(arch.isYoung(words, at(31))).toBe(true);
  });

  test('fork write-protects all of it: folded, each entry with its own marks', () => {
    arch.wrprotectPages(words, at(16), 16);
    expect(picture(words, 16, 32)).toEqual(['16..17 f0000000000bc3', '18..18 f0000000000fc3', '19..31 f0000000000bc3']);
    arch.setPages(child, at(16), 16, PFN, READ_WRITE, DIRTY);
    expect(picture(child, 16, 32)).toEqual(['16..31 f0000000000bc3']);
  });

  test('a copy of one page unfolds the block of the child', () => {
    arch.clear(child, at(16));
    arch.setPage(child, at(16), 0, 0x483a7, READ_WRITE, WRITTEN);
    expect(picture(child, 16, 32)).toEqual(['16..16 e8000000000f43', '17..31 e0000000000bc3']);
  });

  test('reuse of one page unfolds it and writes the gathered marks to every entry', () => {
    arch.setAccessFlags(words, at(21), WRITTEN);
    expect(picture(words, 16, 32)).toEqual(['16..20 e0000000000fc3', '21..21 e8000000000f43', '22..31 e0000000000fc3']);
  });

  test('a move of unequal entries does not fold them', () => {
    const target = new Int32Array(at(ENTRIES));
    for (let i = 0; i < 16; i++) arch.moveEntry(words, at(16 + i), target, at(64 + i));
    expect(picture(target, 64, 80)).toEqual([
      '64..68 e0000000000fc3',
      '69..69 e8000000000f43',
      '70..79 e0000000000fc3',
    ]);
    expect(picture(words, 0, 64)).toEqual(['0..63 0']);
  });
});

// golden/words-scenarios-arm64-4k.jsonl.gz, scenarios `words/contiguous-migrate` and `words/huge-moved`.
describe('more of what was recorded', () => {
  const arch = machine();

  test('without access nothing is folded; with access again it is', () => {
    const words = new Int32Array(at(64));
    arch.setPages(words, at(16), 16, 0x44ab0, READ_WRITE, WRITTEN);
    arch.modifyProtPages(words, at(16), 16, 0, 0, 0);
    expect(picture(words, 16, 32)).toEqual(['16..31 e0000000000f82']);
    arch.modifyProtPages(words, at(16), 16, PROT_READ | PROT_EXEC, 0, 0);
    expect(picture(words, 16, 32)).toEqual(['16..31 b0000000000fc3']);
  });

  test('pages that come back from migration one by one fold with the last of the block', () => {
    const words = new Int32Array(at(16));
    for (let i = 0; i < 16; i++) arch.setMigration(words, at(i), MigrationKind.Read, 0x43a00 + i, YOUNG | DIRTY);
    for (let i = 0; i < 16; i++) {
      expect(arch.isContiguous(words, 0)).toBe(false);
      arch.setPage(words, at(i), 0, 0x43a00 + i, PROT_READ, YOUNG | DIRTY);
    }
    expect(picture(words, 0, 16)).toEqual(['0..15 f0000000000fc3']);
  });

  test('a part moved away leaves the rest of its block unfolded, and the next block as it was', () => {
    const words = new Int32Array(at(64));
    arch.setPages(words, 0, 32, 0x43a00, READ_WRITE, YOUNG | DIRTY);
    arch.movePages(words, 0, words, at(48), 4, 0);
    expect(picture(words, 0, 64)).toEqual([
      '0..3 0',
      '4..15 e0000000000fc3',
      '16..31 f0000000000fc3',
      '32..47 0',
      '48..51 e0000000000fc3',
      '52..63 0',
    ]);
  });

  test('unmapping the middle unfolds the blocks at both ends only', () => {
    const words = new Int32Array(at(64));
    arch.setPages(words, 0, 64, 0x43a00, READ_WRITE, YOUNG | DIRTY);
    arch.clearEntries(words, at(8), 40);
    expect(picture(words, 0, 64)).toEqual(['0..7 e0000000000fc3', '8..47 0', '48..63 f0000000000fc3']);
  });
});

describe('folding', () => {
  const set = (arch: Arm64, first: number, pfn: number, state: number = WRITTEN): Int32Array => {
    const words = new Int32Array(at(ENTRIES));
    arch.setPages(words, at(first), arch.contiguousEntries, pfn, READ_WRITE, state);
    return words;
  };

  test.each([4, 16, 64] as const)('takes aligned entries of aligned frames (%i KiB pages)', (granule) => {
    const arch = machine(granule);
    const size = arch.contiguousEntries;
    expect(arch.isContiguous(set(arch, size, 3 * size), at(size))).toBe(true);
    expect(arch.isContiguous(set(arch, size, 3 * size + 1), at(size))).toBe(false);
    expect(arch.isContiguous(set(arch, size + 1, 3 * size + 1), at(size + 1))).toBe(false);
  });

  test('never takes pages that are not counted', () => {
    expect(machine().isContiguous(set(machine(), 16, 32, YOUNG | SPECIAL), at(16))).toBe(false);
  });

  test('of pages set one by one needs one folio, which only the owner of the folios knows', () => {
    const small = new Arm64({ granule: 4, pagesToFolioEnd: () => 1 });
    const unknown = new Arm64({ granule: 4 });
    for (const [arch, folded] of [
      [machine(), true],
      [small, false],
      [unknown, false],
    ] as const) {
      const words = new Int32Array(at(16));
      for (let i = 0; i < 16; i++) arch.setPage(words, at(i), 0, 128 + i, READ_WRITE, WRITTEN);
      expect(arch.isContiguous(words, 0)).toBe(folded);
    }
  });

  test('makes no contiguous blocks of upper entries', () => {
    const arch = machine();
    const words = new Int32Array(at(16));
    for (let i = 0; i < 16; i++) arch.setPage(words, at(i), 1, 512 * (16 + i), READ_WRITE, WRITTEN);
    expect(picture(words, 0, 16)).toEqual(['0..15 e8000000000f41']);
  });
});

describe('batches', () => {
  test('reach to the end of the folio while permissions are equal', () => {
    const arch = machine();
    const words = new Int32Array(at(ENTRIES));
    arch.setPages(words, 0, 256, 0x40000, READ_WRITE, WRITTEN);
    expect(arch.batchLength(words, 0, 256)).toBe(FOLIO);
    expect(arch.batchLength(words, 0, 20)).toBe(20);
    arch.wrprotectPages(words, at(32), 16);
    expect(arch.batchLength(words, 0, 256)).toBe(32);
  });

  test('reach to the end of the block when nobody knows the folio; single pages go alone', () => {
    const arch = new Arm64({ granule: 4 });
    const words = new Int32Array(at(64));
    arch.setPages(words, 0, 32, 0x40000, READ_WRITE, WRITTEN);
    expect(arch.batchLength(words, at(3), 64)).toBe(13);
    arch.setPages(words, at(33), 8, 0x50000, READ_WRITE, WRITTEN);
    expect(arch.batchLength(words, at(33), 8)).toBe(1);
  });

  test('gather the marks of all and drop the mark of userfaultfd if told to', () => {
    const arch = machine();
    const words = new Int32Array(at(64));
    arch.setPages(words, 0, 32, 0x40000, READ_WRITE, UFFD_WP);
    arch.hardwareAccess(words, at(20), false);
    arch.movePages(words, 0, words, at(32), 32, UFFD_WP);
    expect(picture(words, 0, 64)).toEqual(['0..31 0', '32..63 70000000000fc3']);
  });
});

/** What is left when one entry is looked at without marks: those of a folded block are shared. */
interface Expected {
  kind: EntryKind;
  value: number;
  writable: boolean;
  young: boolean;
  dirty: boolean;
}

const NOTHING: Expected = { kind: EntryKind.None, value: 0, writable: false, young: false, dirty: false };

/** Steps on 64 entries: what is done, where, to how many, with which number. */
const STEPS = [
  'setPages',
  'setPage',
  'clear',
  'clearEntries',
  'wrprotect',
  'wrprotectPages',
  'mkWrite',
  'mkDirty',
  'swap',
  'store',
  'load',
  'old',
  'move',
  'protect',
] as const;
const step = fc.record({
  what: fc.constantFrom(...STEPS),
  entry: fc.nat(63),
  count: fc.integer({ min: 1, max: 40 }),
  pfn: fc.nat(7).map((n) => n * 16),
});

/** Plays one step on the words and on the expectation. */
function play(
  arch: Arm64,
  words: Int32Array,
  expected: Expected[],
  { what, entry, count, pfn }: typeof step extends fc.Arbitrary<infer T> ? T : never,
): void {
  const here = expected[entry]!;
  const length = Math.min(count, 64 - entry);
  const present = here.kind === EntryKind.Page;
  const put = (index: number, next: Partial<Expected>): void =>
    void (expected[index] = { ...expected[index]!, ...next });
  const page = (index: number): Expected => ({
    ...NOTHING,
    kind: EntryKind.Page,
    value: pfn + index - entry,
    writable: true,
    young: true,
  });
  switch (what) {
    case 'setPages':
      arch.setPages(words, at(entry), length, pfn, READ_WRITE, WRITABLE | YOUNG);
      for (let i = entry; i < entry + length; i++) put(i, page(i));
      break;
    case 'setPage':
      arch.setPage(words, at(entry), 0, pfn, READ_WRITE, WRITABLE | YOUNG);
      put(entry, page(entry));
      break;
    case 'clear':
      arch.clear(words, at(entry));
      put(entry, NOTHING);
      break;
    case 'clearEntries':
      arch.clearEntries(words, at(entry), length);
      for (let i = entry; i < entry + length; i++) put(i, NOTHING);
      break;
    case 'swap':
      arch.setSwap(words, at(entry), 0, pfn, EXCLUSIVE);
      put(entry, { ...NOTHING, kind: EntryKind.Swap, value: pfn });
      break;
    case 'move': {
      const to = (entry + count) % 64;
      if (expected[to]!.kind !== EntryKind.None) break;
      arch.moveEntry(words, at(entry), words, at(to));
      put(to, here);
      put(entry, NOTHING);
      break;
    }
    default:
      if (present) playOnPage(arch, words, expected, what, entry, length);
  }
}

function playOnPage(
  arch: Arm64,
  words: Int32Array,
  expected: Expected[],
  what: string,
  entry: number,
  count: number,
): void {
  const change = (next: Partial<Expected>): void => void (expected[entry] = { ...expected[entry]!, ...next });
  switch (what) {
    case 'wrprotect':
      arch.wrprotect(words, at(entry));
      return change({ writable: false });
    case 'wrprotectPages': {
      const length = arch.runLength(words, at(entry), count);
      arch.wrprotectPages(words, at(entry), length);
      for (let i = entry; i < entry + length; i++) expected[i] = { ...expected[i]!, writable: false };
      return;
    }
    case 'mkWrite':
      arch.mkWrite(words, at(entry));
      return change({ writable: true });
    case 'mkDirty':
      arch.mkDirty(words, at(entry));
      return change({ dirty: true });
    case 'store':
      if (!arch.isWritable(words, at(entry))) return;
      arch.hardwareAccess(words, at(entry), true);
      return change({ dirty: true, young: true });
    case 'load':
      arch.hardwareAccess(words, at(entry), false);
      return change({ young: true });
    case 'old': {
      const first = arch.isContiguous(words, at(entry)) ? arch.blockAt(at(entry)) / 2 : entry;
      const size = arch.isContiguous(words, at(entry)) ? arch.contiguousEntries : 1;
      arch.mkOld(words, at(entry));
      for (let i = first; i < first + size; i++) expected[i] = { ...expected[i]!, young: false };
      return;
    }
    case 'protect': {
      const length = arch.runLength(words, at(entry), count);
      arch.modifyProtPages(words, at(entry), length, PROT_READ, 0, 0);
      for (let i = entry; i < entry + length; i++) expected[i] = { ...expected[i]!, writable: false };
    }
  }
}

test('folding never changes what entries say, loses no mark, and keeps blocks whole', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const arch = machine();
      const words = new Int32Array(at(64));
      const expected = Array.from({ length: 64 }, () => NOTHING);
      for (const one of steps) play(arch, words, expected, one);
      expected.forEach((want, entry) => {
        const kind = arch.kindOf(words, at(entry), 0);
        expect(kind).toBe(want.kind);
        if (kind === EntryKind.Swap) expect(arch.swapOffset(words, at(entry))).toBe(want.value);
        if (kind !== EntryKind.Page) return;
        expect([arch.pfn(words, at(entry), 0), arch.isWritable(words, at(entry))]).toEqual([want.value, want.writable]);
        if (want.dirty) expect(arch.isDirty(words, at(entry))).toBe(true);
        if (want.young) expect(arch.isYoung(words, at(entry))).toBe(true);
        if (!arch.isContiguous(words, at(entry))) return;
        const first = arch.blockAt(at(entry));
        expect(arch.pfn(words, first, 0) % 16).toBe(0);
        expect(arch.runLength(words, first, 16)).toBe(16);
      });
    }),
    { numRuns: 2000 },
  );
});
