import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Operation } from '@vmakit/trace';
import { ARENA_PAGES } from '../driver/protocol.js';
import { ProgramGenerator } from './generator.js';
import { MIXES } from './mix.js';
import { keepWellFormed } from './well-formed.js';

test('the same seed makes the same program, on its own or in a row', () => {
  const first = new ProgramGenerator(42, 100);
  const inRow = Array.from({ length: 20 }, (_, index) => first.generate(index));
  expect(new ProgramGenerator(42, 100).generate(17)).toEqual(inRow[17]);
  expect(new ProgramGenerator(43, 100).generate(17)).not.toEqual(inRow[17]);
});

test('every operation has a living process, a file that exists, and a range inside the window', () => {
  const reaches = (operation: Operation): number => {
    if (!('addr' in operation) || typeof operation.addr !== 'number') return 0;
    const length = operation.op === 'mremap' ? operation.oldLen : operation.len;
    return operation.addr + (typeof length === 'number' ? length : 0);
  };
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.nat(1000), fc.constantFrom(...MIXES.map((mix) => mix.name)), (seed, index, mix) => {
      const { operations } = new ProgramGenerator(seed, 60, [mix]).generate(index);
      expect(keepWellFormed(operations)).toEqual(operations);
      const unmaps = operations.filter((operation) => operation.op !== 'touch' && operation.op !== 'mmap');
      expect(unmaps.filter((operation) => reaches(operation) > ARENA_PAGES)).toEqual([]);
    }),
  );
});

test('programs are about merges and moves: both sides of a border, moves away and back, forks', () => {
  const generator = new ProgramGenerator(1, 100);
  const counts = new Map<string, number>();
  for (let index = 0; index < 200; index++) {
    for (const { op } of generator.generate(index).operations) counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  const often = ['mmap', 'mremap', 'touch', 'mprotect', 'munmap', 'madvise', 'fork'];
  for (const op of often) expect(counts.get(op) ?? 0, op).toBeGreaterThan(100);
});

test('a mix that does not exist is refused by name', () => {
  expect(() => new ProgramGenerator(1, 10, ['nonsense'])).toThrow(/mixes: expected some of merge, move/);
});
