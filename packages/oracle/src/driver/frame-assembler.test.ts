import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameAssembler } from './frame-assembler.js';

/** A frame as the helper writes it. */
function frame(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from([words.length * 4, ...words]).buffer);
}

test('frames come out whole and in order, whatever the chunks they came in', () => {
  const words = fc.array(fc.nat(2 ** 31), { maxLength: 40 });
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 50 })), (frames, cuts) => {
      const bytes = frames.flatMap((one) => [...frame(one)]);
      const assembler = new FrameAssembler();
      const got: number[][] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        assembler.add(Uint8Array.from(bytes.slice(at, at + cut)), (one) => got.push([...one]));
        at += cut;
      }
      expect(got).toEqual(frames);
    }),
  );
});

test('a frame larger than the buffer makes it grow', () => {
  const large = Array.from({ length: 100_000 }, (_, i) => i);
  const assembler = new FrameAssembler();
  let got = 0;
  assembler.add(frame(large), (words) => (got = words.length));
  expect(got).toBe(large.length);
});
