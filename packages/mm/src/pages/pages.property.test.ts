import { MmError } from '@vmakit/base';
import { archByName } from '@vmakit/pagetable';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MADV_COLD,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_MERGEABLE,
  MADV_PAGEOUT,
} from '../calls/abi.js';
import { touch } from '../calls/access.js';
import { exitMm } from '../calls/exit.js';
import { forkMm } from '../calls/fork.js';
import { madvise } from '../calls/madvise.js';
import { mprotect } from '../calls/mprotect.js';
import { munmap } from '../calls/munmap.js';
import type { Mm } from '../mm.js';
import { makeMm, map, prot } from '../testing/mm-world.js';
import { readByte } from './access.js';
import { pinRange, unpinAll } from './gup.js';
import { ksmScan } from './ksm.js';

const ADVICE = [
  MADV_DONTNEED,
  MADV_FREE,
  MADV_PAGEOUT,
  MADV_COLD,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_MERGEABLE,
];

interface Step {
  readonly what: 'map' | 'unmap' | 'store' | 'load' | 'protect' | 'advise' | 'fork' | 'exit' | 'pin' | 'unpin' | 'ksm';
  readonly who: number;
  readonly start: number;
  readonly count: number;
  readonly detail: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom<Step['what'][]>(
    ...(['map', 'unmap', 'store', 'store', 'load', 'protect', 'advise', 'advise', 'fork', 'exit'] as const),
    ...(['pin', 'unpin', 'ksm'] as const),
  ),
  who: fc.nat(3),
  start: fc.integer({ min: 480, max: 1100 }),
  count: fc.integer({ min: 1, max: 300 }),
  detail: fc.nat(1000),
});

/** Processes of one machine, and what each of their pages must read as. */
class World {
  readonly first: Mm;
  readonly living: { mm: Mm; expected: Map<number, number> }[];

  constructor(archName: string) {
    const sizes = new Map([2, 4, 9].map((order) => [order, 'always'] as const));
    const settings = { thp: { enabled: 'always', sizes, useZeroPage: true } } as const;
    this.first = makeMm({ arch: archByName(archName), settings });
    this.living = [{ mm: this.first, expected: new Map() }];
  }

  run({ what, who, start, count, detail }: Step): void {
    const process = this.living[who % this.living.length]!;
    const { mm, expected } = process;
    const range = Array.from({ length: count }, (_, i) => start + i);
    switch (what) {
      case 'map':
        map(mm, start, count, detail % 4 === 0 ? 'r--' : 'rw-');
        for (const page of range) expected.set(page, 0);
        break;
      case 'unmap':
        munmap(mm, start, count);
        for (const page of range) expected.delete(page);
        break;
      case 'store': {
        const stride = 1 + (detail % 7);
        const value = 1 + (detail % 3);
        const { touched } = touch(mm, start, count, { value, stride });
        for (let i = 0; i < touched; i++) expected.set(start + i * stride, value);
        break;
      }
      case 'load':
        touch(mm, start, count, { write: false, stride: 1 + (detail % 7) });
        break;
      case 'protect':
        mprotect(mm, start, count, prot(['rw-', 'r--', '---'][detail % 3]!));
        break;
      case 'advise':
        this.#advise(mm, expected, range, ADVICE[detail % ADVICE.length]!);
        break;
      case 'fork': {
        const child = this.living.length < 4 ? forkMm(mm) : null;
        if (child !== null && !(child instanceof MmError)) this.living.push({ mm: child, expected: new Map(expected) });
        break;
      }
      case 'exit':
        if (this.living.length > 1) {
          exitMm(mm);
          this.living.splice(who % this.living.length, 1);
        }
        break;
      case 'pin':
        pinRange(mm, start, start + (count % 20), detail % 2 === 0);
        break;
      case 'unpin':
        unpinAll(mm);
        break;
      case 'ksm':
        ksmScan(
          this.first.env,
          this.living.map((each) => each.mm),
        );
    }
  }

  #advise(mm: Mm, expected: Map<number, number>, range: readonly number[], advice: number): void {
    madvise(mm, range[0]!, range.length, advice);
    const isGuarded = advice === MADV_GUARD_INSTALL;
    for (const page of range) {
      if (!expected.has(page)) continue;
      if (advice === MADV_DONTNEED || isGuarded) expected.set(page, 0);
      // What was freed lazily reads as before or as zero.
      if (advice === MADV_FREE) expected.set(page, -1);
    }
  }

  /** Every page that can be read holds what its process stored there last. */
  check(): void {
    for (const { mm, expected } of this.living) {
      for (const [page, value] of expected) {
        const byte = readByte(mm, page);
        if (byte >= 0 && value >= 0 && byte !== value) throw new Error(`page ${page} reads ${byte}, not ${value}`);
      }
    }
  }

  end(): void {
    for (const { mm } of this.living) exitMm(mm);
    ksmScan(this.first.env, []);
  }
}

describe.each(['x86-64', 'arm64-4k'])('random programs on %s', (archName) => {
  it('read what they stored, and leave nothing behind', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        const world = new World(archName);
        for (const each of steps) world.run(each);
        world.check();
        world.end();
        const { memory, swap, anonVmas, committed } = world.first.env;
        expect([memory.usedFrames, swap.used, anonVmas.liveCount, committed]).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
