import { describe, expect, test } from 'vitest';
import { Arm64 } from './arch/arm64.js';
import { archByName, archNameOf, archNames, createArch, registerArchFamily } from './registry.js';
import { TwoLevelArch } from './testing/two-level-arch.js';

const shape = (name: string): string =>
  archByName(name)
    .levels.map(({ name: level, shift, entries }) => `${level} ${shift}:${entries}`)
    .join(', ');

describe('geometry (spec 04 section 1)', () => {
  test.each([
    ['x86-64', 'pte 0:512, pmd 9:512, pud 18:512, pgd 27:512'],
    ['x86-64-la57', 'pte 0:512, pmd 9:512, pud 18:512, p4d 27:512, pgd 36:512'],
    ['arm64-4k-va39', 'pte 0:512, pmd 9:512, pgd 18:512'],
    ['arm64-4k', 'pte 0:512, pmd 9:512, pud 18:512, pgd 27:512'],
    ['arm64-4k-va52', 'pte 0:512, pmd 9:512, pud 18:512, p4d 27:512, pgd 36:16'],
    ['arm64-16k-va36', 'pte 0:2048, pgd 11:2048'],
    ['arm64-16k-va47', 'pte 0:2048, pmd 11:2048, pgd 22:2048'],
    ['arm64-16k', 'pte 0:2048, pmd 11:2048, pud 22:2048, pgd 33:2'],
    ['arm64-16k-va52', 'pte 0:2048, pmd 11:2048, pud 22:2048, pgd 33:32'],
    ['arm64-64k-va42', 'pte 0:8192, pgd 13:8192'],
    ['arm64-64k', 'pte 0:8192, pmd 13:8192, pgd 26:64'],
    ['arm64-64k-va52', 'pte 0:8192, pmd 13:8192, pgd 26:1024'],
  ])('%s', (name, expected) => {
    expect(shape(name)).toBe(expected);
  });

  test('which levels can move follows from it', () => {
    const movePud = archNames().filter((name) => archByName(name).canMovePud);
    expect(movePud).toEqual(['x86-64', 'x86-64-la57', 'arm64-4k', 'arm64-4k-va52', 'arm64-16k', 'arm64-16k-va52']);
    expect(archNames().every((name) => archByName(name).canMovePmd)).toBe(true);
  });

  test('huge pages and contiguous blocks by granule', () => {
    const sizes = ['x86-64', 'arm64-4k', 'arm64-16k', 'arm64-64k'].map(archByName);
    expect(sizes.map(({ pmdPages }) => pmdPages)).toEqual([512, 512, 2048, 8192]);
    expect(sizes.map(({ contiguousEntries }) => contiguousEntries)).toEqual([1, 16, 128, 32]);
  });

  test('where a program’s addresses end', () => {
    expect(archByName('x86-64').taskSizePages).toBe(2 ** 35 - 1);
    expect(archByName('x86-64-la57').taskSizePages).toBe(2 ** 44 - 1);
    expect(archByName('x86-64-la57').mapWindowPages).toBe(2 ** 35 - 1);
    expect(archByName('arm64-64k').taskSizePages).toBe(2 ** 32);
    expect(archByName('arm64-4k-va52').mapWindowPages).toBe(2 ** 36);
  });
});

describe('names', () => {
  test('of a machine say what is not usual, and lead back to it', () => {
    for (const name of [...archNames(), 'arm64-4k-pa52', 'arm64-64k-va52-pa52'])
      expect(archByName(name).name).toBe(name);
    expect(createArch('aarch64-4k').name).toBe('arm64-4k');
    expect(createArch('x86_64').name).toBe('x86-64');
  });

  test('are unknown, or of machines that do not exist', () => {
    expect(() => createArch('sparc')).toThrow('arch: sparc is not one of x86-64, x86-64-la57, arm64-4k');
    expect(() => createArch('arm64-16k-va39')).toThrow(
      'virtualAddressBits: 39 is not one of 36, 47, 48, 52 (16 KiB pages)',
    );
    expect(() => createArch('arm64-4k-va52-pa48')).toThrow('physicalAddressBits: 52-bit virtual addresses');
    expect(() => new Arm64({ granule: 8 as 4 })).toThrow('granule: 8 KiB');
    expect(() => archByName('x86-64').level(4)).toThrow('level: 4 is not one of 0..3');
  });

  test('follow from what a recording says of its machine', () => {
    expect(archNameOf({ arch: 'x86_64', pageSize: 4096 })).toBe('x86-64');
    expect(archNameOf({ arch: 'x86_64', pageSize: 4096, levels: 5 })).toBe('x86-64-la57');
    expect(archNameOf({ arch: 'aarch64', pageSize: 16384, levels: 4 })).toBe('arm64-16k');
    expect(archNameOf({ arch: 'aarch64', pageSize: 65536 })).toBe('arm64-64k');
    expect(archNameOf({ arch: 'aarch64', pageSize: 65536, levels: 2 })).toBe('arm64-64k-va42');
    expect(() => archNameOf({ arch: 'aarch64', pageSize: 8192 })).toThrow('no aarch64 with pages of 8192 bytes');
    expect(() => archNameOf({ arch: 'aarch64', pageSize: 4096, levels: 2 })).toThrow('never have 2 levels');
  });
});

test('a family of one’s own answers to its name, as long as it is registered', () => {
  const unregister = registerArchFamily({
    pattern: /^two-level$/,
    names: ['two-level'],
    make: () => new TwoLevelArch(),
  });
  expect(archNames()).toContain('two-level');
  expect(archByName('two-level')).toBeInstanceOf(TwoLevelArch);
  unregister();
  expect(() => archByName('two-level')).toThrow(RangeError);
});
