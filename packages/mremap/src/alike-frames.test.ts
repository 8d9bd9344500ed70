import { XorShift64 } from '@vmakit/base';
import type { PhysicalMemory } from '@vmakit/folio';
import { expect, test } from 'vitest';
import { AlikeFrames } from './alike-frames.js';

const FRAMES = 600;
const ARRAYS = ['flags', 'mapcount', 'refcount', 'mapping'] as const;

/** The four arrays, with up to three differences here and there. */
function memoryWithDifferences(random: XorShift64): PhysicalMemory {
  const memory = {
    flags: new Uint16Array(FRAMES).fill(0x18),
    mapcount: new Int32Array(FRAMES).fill(1),
    refcount: new Int32Array(FRAMES).fill(1),
    mapping: new Int32Array(FRAMES).fill(7),
  };
  for (let left = random.below(4); left > 0; left--) {
    memory[ARRAYS[random.below(4)] as 'flags'][random.below(FRAMES)] = random.below(3) * 0x1000;
  }
  return memory as unknown as PhysicalMemory;
}

test('frames that are alike are counted up to the first that is not, however many are asked for', () => {
  const random = new XorShift64();
  const alike = new AlikeFrames();
  for (let round = 0; round < 2000; round++) {
    const memory = memoryWithDifferences(random);
    const first = random.below(FRAMES);
    const count = 1 + random.below(FRAMES - first);
    let expected = 1;
    const differs = (frame: number): boolean => ARRAYS.some((name) => memory[name][frame] !== memory[name][first]);
    while (expected < count && !differs(first + expected)) expected++;
    alike.begin(memory);
    expect(alike.countAlike(first, count), `round ${round}: frame ${first}, ${count} of them`).toBe(expected);
    alike.begin(memory);
    const next = random.below(FRAMES);
    // Part by part, with those that follow in mind.
    const part = 1 + random.below(count);
    let counted = alike.countAlike(first, part, next);
    while (counted % part === 0 && counted < count && !differs(first + counted)) {
      counted += alike.countAlike(first + counted, Math.min(part, count - counted), next);
    }
    expect(counted, `round ${round}: frame ${first}, ${count} of them in parts of ${part}`).toBe(expected);
  }
});

test('what was seen is not looked at again, until it is forgotten', () => {
  const memory = memoryWithDifferences({ below: () => 0 } as unknown as XorShift64);
  const alike = new AlikeFrames();
  alike.begin(memory);
  expect(alike.countAlike(0, 200, 400)).toBe(200);
  memory.flags[300] = 1;
  expect(alike.countAlike(200, 200, 200)).toBe(200);
  alike.forget();
  expect(alike.countAlike(200, 200, 200)).toBe(100);
});
