import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ERRNO_NUMBER, MmError, isRefused, refuse } from './errno.js';
import { InvariantError, invariant } from './invariant.js';
import { alignDown, alignUp, pagesInto, rangesOverlap } from './page.js';
import { KERNEL_PROFILES, type KernelProfile } from './profile.js';
import { XorShift64 } from './random.js';

describe('refusals', () => {
  it('are values with the errno, the rule and the numbers that decided', () => {
    const refusal = refuse('ENOMEM', 'spec 01.9 split: map_count >= max', { mapCount: 65530 });
    expect(refusal).toEqual(new MmError('ENOMEM', 'spec 01.9 split: map_count >= max', { mapCount: 65530 }));
    expect(isRefused(refusal)).toBe(true);
    expect(isRefused(0)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('have the numbers of Linux (only there node knows them)', () => {
    const known: Readonly<Record<string, number>> = constants.errno;
    const shared = Object.entries(ERRNO_NUMBER).filter(([name]) => known[name] !== undefined);
    expect(shared.length).toBeGreaterThan(10);
    for (const [name, number] of shared) expect([name, number]).toEqual([name, known[name]]);
  });
});

describe('a broken invariant', () => {
  it('is thrown with the state that breaks it', () => {
    const state = { start: 2, end: 1 };
    expect(() => invariant(state.start > state.end, 'holds')).not.toThrow();
    try {
      invariant(state.start < state.end, 'a range is not empty', state);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvariantError);
      expect(error).toMatchObject({ message: 'a range is not empty', state });
    }
  });
});

describe('page arithmetic', () => {
  it('aligns beyond 32 bits', () => {
    expect(alignDown(2 ** 45 + 700, 512)).toBe(2 ** 45 + 512);
    expect(alignUp(2 ** 45 + 700, 512)).toBe(2 ** 45 + 1024);
    expect(alignUp(2 ** 45, 512)).toBe(2 ** 45);
    expect(pagesInto(2 ** 45 + 700, 512)).toBe(188);
  });

  it('takes ranges as half open', () => {
    expect(rangesOverlap(0, 4, 4, 8)).toBe(false);
    expect(rangesOverlap(0, 5, 4, 8)).toBe(true);
  });
});

describe('the generator of the workloads', () => {
  it('draws what xorshift64 on 64-bit words draws', () => {
    const mask = 2n ** 64n - 1n;
    let word = 88172645463325252n;
    const generator = new XorShift64();
    for (let i = 0; i < 1000; i++) {
      word ^= (word << 13n) & mask;
      word ^= word >> 7n;
      word ^= (word << 17n) & mask;
      expect(generator.nextBigInt()).toBe(word);
      expect(generator.remainder(60_000)).toBe(Number(word % 60_000n));
    }
  });

  it('cannot start at zero, where it would stay', () => {
    expect(() => new XorShift64(0)).toThrow('seed: a xorshift generator cannot start at 0');
  });
});

describe('kernel profiles', () => {
  it('are one table, in which every difference between the kernels is a row', () => {
    const { 'v7.3': newest, ...others } = KERNEL_PROFILES;
    const rows = (Object.keys(newest) as (keyof KernelProfile)[])
      .filter((field) => field !== 'name')
      .map((field) => {
        const values = [newest, ...Object.values(others)].map((profile) => (profile[field] === true ? 'yes' : '-'));
        return [field.padEnd(26), ...values.map((value) => value.padEnd(6))].join(' ').trimEnd();
      });
    expect(['', ...rows, ''].join('\n')).toMatchInlineSnapshot(`
      "
      anonPageOffset             yes    -      -
      softDirtySticky            yes    -      -
      guardFlag                  yes    yes    -
      cloneReversesChain         yes    -      -
      mremapAlwaysTestsMapCount  yes    -      -
      mremapTestsMapCountFirst   yes    yes    -
      multiVmaMove               yes    yes    -
      dontUnmapResetsOffset      yes    -      -
      dontUnmapSplitsLocked      yes    -      -
      dontUnmapRefusesSelfMerge  yes    -      -
      copyMergeRefusesUffd       yes    -      -
      "
    `);
  });
});
