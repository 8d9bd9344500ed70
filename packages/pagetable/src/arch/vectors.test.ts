import { describe, expect, test } from 'vitest';
import type { Arch } from '../arch.js';
import { readWord } from '../describe/word.js';
import {
  DIRTY,
  EntryKind,
  MARKER_GUARD,
  MARKER_POISONED,
  MARKER_UFFD_WP,
  MigrationKind,
  PROT_READ,
  PROT_WRITE,
  SOFT_DIRTY,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import { createArch } from '../registry.js';

/** Spec 04 section 11: frame 0x12345, 4 KiB pages, a kernel with all kinds of software entries. */
const PFN = 0x12345;
const READ_WRITE = PROT_READ | PROT_WRITE;

type Store = (arch: Arch, words: Int32Array) => void;

const page =
  (prot: number, state: number): Store =>
  (arch, words) =>
    arch.setPage(words, 0, 0, PFN, prot, state);

const VECTORS: readonly [name: string, store: Store, x8664: bigint, arm64: bigint][] = [
  [
    'a private page after a write fault',
    page(READ_WRITE, WRITABLE | YOUNG | DIRTY),
    0x8000000012345067n,
    0x00e8000012345f43n,
  ],
  ['a private read-only clean young page', page(PROT_READ, YOUNG), 0x8000000012345025n, 0x0060000012345fc3n],
  [
    'the same written page after fork',
    (arch, words) => {
      page(READ_WRITE, WRITABLE | YOUNG | DIRTY)(arch, words);
      arch.wrprotect(words, 0);
    },
    0x8400000012345025n,
    0x00e0000012345fc3n,
  ],
  ['a page without access', page(0, YOUNG), 0x000fffffedcba120n, 0x0060000012345f82n],
  ['swap type 0 offset 1', (arch, words) => arch.setSwap(words, 0, 0, 1, 0), 0x07fffffffffffc00n, 0x1000n],
  ['swap type 3 offset 0x1234', (arch, words) => arch.setSwap(words, 0, 3, 0x1234, 0), 0x1fffffffffdb9600n, 0x12340c0n],
  [
    'migration of a readable page',
    (arch, words) => arch.setMigration(words, 0, MigrationKind.Read, PFN, 0),
    0xcffffffffdb97400n,
    0x12345640n,
  ],
  [
    'migration of a readable exclusive page',
    (arch, words) => arch.setMigration(words, 0, MigrationKind.ReadExclusive, PFN, 0),
    0xd7fffffffdb97400n,
    0x12345680n,
  ],
  [
    'migration of a writable page',
    (arch, words) => arch.setMigration(words, 0, MigrationKind.Write, PFN, 0),
    0xdffffffffdb97400n,
    0x123456c0n,
  ],
  ['userfaultfd marker', (arch, words) => arch.setMarker(words, 0, MARKER_UFFD_WP), 0xfffffffffffffc00n, 0x17c0n],
  ['poison marker', (arch, words) => arch.setMarker(words, 0, MARKER_POISONED), 0xfffffffffffffa00n, 0x27c0n],
  ['guard marker', (arch, words) => arch.setMarker(words, 0, MARKER_GUARD), 0xfffffffffffff600n, 0x47c0n],
];

describe.each([
  ['x86-64', 2],
  ['arm64-4k', 3],
] as const)('the vectors of spec 04 section 11 on %s', (name, column) => {
  const arch = createArch(name, { deviceMemory: true });
  test.each(VECTORS)('%s', (...vector) => {
    const words = new Int32Array(2);
    vector[1](arch, words);
    expect(readWord(words, 0)).toBe(vector[column]);
  });
});

describe('x86-64', () => {
  const arch = createArch('x86-64');
  const words = new Int32Array(2);

  test('a written page is soft-dirty too when the kernel keeps that', () => {
    arch.setPage(words, 0, 0, PFN, READ_WRITE, WRITABLE | YOUNG | DIRTY | SOFT_DIRTY);
    expect(readWord(words, 0)).toBe(0x8000000012345867n);
  });

  test('without soft-dirty nothing sets its bit', () => {
    const plain = createArch('x86-64', { softDirty: false });
    plain.setPage(words, 0, 0, PFN, READ_WRITE, WRITABLE | YOUNG | DIRTY | SOFT_DIRTY);
    plain.setSoftDirty(words, 0);
    plain.mkDirty(words, 0);
    expect(readWord(words, 0)).toBe(0x8000000012345067n);
    expect(plain.isSoftDirty(words, 0)).toBe(false);
  });

  test('a huge page without access has its frame complemented from bit 21 on only', () => {
    arch.setPage(words, 0, 1, 0x4800, 0, YOUNG | DIRTY | SOFT_DIRTY);
    expect(readWord(words, 0)).toBe(0x040ffffffb6009a0n);
    expect(arch.pfn(words, 0, 1)).toBe(0x4800);
  });

  test('accessed and dirty bits alone leave an entry empty', () => {
    words.set([0x60, 0]);
    expect(arch.isNone(words, 0)).toBe(true);
    expect(arch.kindOf(words, 0, 0)).toBe(EntryKind.None);
  });

  test('a huge page that is being split counts as present', () => {
    words.set([0x80, 0]);
    expect(arch.isPresent(words, 0)).toBe(true);
    expect(arch.isTable(words, 0)).toBe(false);
  });
});

test('without device memory the types of migration move up', () => {
  const words = new Int32Array(2);
  createArch('x86-64').setMigration(words, 0, MigrationKind.Read, PFN, 0);
  expect(createArch('x86-64').swapType(words, 0)).toBe(28);
  expect(createArch('x86-64', { memoryFailure: false }).softwareTypes).toEqual({
    swapTypes: 28,
    hardwarePoison: -1,
    migration: 28,
    device: -1,
    marker: 31,
  });
});
