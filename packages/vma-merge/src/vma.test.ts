import fc from 'fast-check';
import { expect, it } from 'vitest';
import { World } from './testing/world.js';
import { allocateVma, duplicateVma } from './vma.js';

const anyNumber = fc.oneof(
  fc.nat(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32 + 1, 2 ** 45, Number.MAX_SAFE_INTEGER, -(2 ** 30), -1),
);

it('a VMA keeps its numbers apart, and each of them whole', () => {
  fc.assert(
    fc.property(anyNumber, anyNumber, anyNumber, anyNumber, anyNumber, (start, end, pageOffset, anon, flags) => {
      const vma = allocateVma(new World(), start, end, pageOffset, flags);
      vma.anonPageOffset = anon;
      const numbers = { start, end, pageOffset, anonPageOffset: anon, flags };
      expect(vma).toMatchObject(numbers);
      expect(duplicateVma(vma)).toMatchObject(numbers);
    }),
  );
});
