import { hasAny } from '@vmakit/base';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { World } from './testing/world.js';
import { allocateVma, duplicateVma } from './vma.js';

const anyNumber = fc.oneof(
  fc.nat(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32 + 1, 2 ** 45, Number.MAX_SAFE_INTEGER, -(2 ** 30), -1),
);

const anyFlags = fc.integer({ min: 0, max: 2 ** 44 - 1 });

/** Bytes are below 2^64, so page offsets are below 2^52. */
const anyOffset = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 52 }), fc.constantFrom(0, 2 ** 30, 2 ** 52));

it('a VMA keeps its numbers apart, and each of them whole', () => {
  fc.assert(
    fc.property(anyNumber, anyNumber, anyOffset, anyOffset, anyFlags, (start, end, pageOffset, anon, flags) => {
      const vma = allocateVma(new World(), start, end, pageOffset, flags);
      vma.anonPageOffset = anon;
      const numbers = { start, end, pageOffset, anonPageOffset: anon, flags };
      expect(vma).toMatchObject(numbers);
      expect(duplicateVma(vma)).toMatchObject(numbers);
    }),
  );
});

it('the offset of anonymous folios goes along with the page offset', () => {
  fc.assert(
    fc.property(anyOffset, anyOffset, anyOffset, (pageOffset, anon, moved) => {
      const vma = allocateVma(new World(), 0, 1, pageOffset, 0);
      vma.anonPageOffset = anon;
      vma.pageOffset = moved;
      expect(vma).toMatchObject({ pageOffset: moved, anonPageOffset: anon - pageOffset + moved });
    }),
  );
});

it('tells its flags as they are told of a number', () => {
  fc.assert(
    fc.property(anyFlags, anyFlags, fc.nat({ max: 43 }), (all, mask, bit) => {
      const vma = allocateVma(new World(), 0, 1, 0, all);
      expect([vma.hasAny(mask), vma.hasAny(2 ** bit)]).toEqual([hasAny(all, mask), hasAny(all, 2 ** bit)]);
    }),
  );
});
