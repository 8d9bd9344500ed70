import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIRTY, PROT_READ, PROT_WRITE, WRITABLE, YOUNG } from './entry.js';
import { createArch } from './registry.js';

describe.each(['x86-64', 'arm64-4k', 'arm64-16k', 'arm64-64k'])('straightEntries of %s', (name) => {
  const arch = createArch(name);
  const PROT = PROT_READ | PROT_WRITE;
  const COUNT = 12;

  test('counts entries alike whose frames follow one another', () => {
    const entry = fc.record({ gap: fc.constantFrom(0, 0, 0, 0, 1), dirty: fc.constantFrom(DIRTY, DIRTY, DIRTY, 0) });
    // Around the frame at which the lower half of a word overflows, and elsewhere.
    const overflow = 2 ** 32 / arch.pageSize;
    const start = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: overflow - COUNT, max: overflow }));
    fc.assert(
      fc.property(start, fc.array(entry, { minLength: COUNT, maxLength: COUNT }), (first, entries) => {
        const words = new Int32Array(2 * COUNT);
        let frame = first;
        const frames = entries.map(({ gap, dirty }, i) => {
          frame += i === 0 ? 0 : 1 + gap;
          arch.setPage(words, 2 * i, 0, frame, PROT, WRITABLE | YOUNG | dirty);
          return frame;
        });
        const straight = arch.straightEntries(words, 0, COUNT);
        for (let i = 1; i < straight; i++) {
          expect(arch.countedFrame(words, 2 * i)).toBe(first + i);
          expect(arch.isDirty(words, 2 * i)).toBe(arch.isDirty(words, 0));
        }
        const alike = (i: number): boolean => frames[i] === first + i && entries[i]!.dirty === entries[0]!.dirty;
        let expected = 1;
        while (expected < COUNT && alike(expected) && (first + expected) % overflow !== 0) expected++;
        expect(straight).toBe(expected);
      }),
    );
  });
});
