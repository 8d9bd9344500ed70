import type { MmError } from '@vmakit/base';
import { describe, expect, test } from 'vitest';
import { MremapRequest, type ParameterLimits, type RawMremap, checkParameters } from './parameters.js';

const PAGE = 4096;
const TASK_SIZE = 2 ** 35 - 1;
const limits: ParameterLimits = {
  pageShift: 12,
  pagesPerByte: 1 / PAGE,
  tagMask: 0n,
  knownFlags: 1 | 2 | 4 | 8,
  flagsThatNeedMayMove: 8,
};
const good: RawMremap = {
  address: 16 * PAGE,
  oldLength: 8 * PAGE,
  newLength: 8 * PAGE,
  flags: 3,
  newAddress: 64 * PAGE,
};

/** What the good call with a change becomes: the refusal, or the request. */
function check(change: Partial<RawMremap>, machine = limits, taskSize = TASK_SIZE): MmError | MremapRequest {
  const request = new MremapRequest();
  return checkParameters({ ...good, ...change }, machine, taskSize, request) ?? request;
}

/** The number of the step that refuses, `spec 05.1 step N`, or null. */
function refusedAt(change: Partial<RawMremap>): string | null {
  const result = check(change);
  if (result instanceof MremapRequest) return null;
  expect(result.errno).toBe('EINVAL');
  return /step (\d)|spec 06.2/.exec(result.rule)?.[0] ?? result.rule;
}

describe('parameters are checked in the order of spec 05 section 1', () => {
  test.each<[string, Partial<RawMremap>, string | null]>([
    ['a good call', {}, null],
    ['an unknown flag', { flags: 32 | 3 }, 'step 1'],
    ['a flag above 32 bits', { flags: 1n << 40n }, 'step 1'],
    ['an address inside a page', { address: 16 * PAGE + 1 }, 'step 2'],
    ['an unknown flag goes before a bad address', { flags: 32, address: 1 }, 'step 1'],
    ['new length 0', { newLength: 0 }, 'step 3'],
    ['a new length that wraps to 0', { newLength: 2n ** 64n - 1n }, 'step 3'],
    ['a new length beyond the address space', { newLength: 2n ** 60n }, 'step 4'],
    ['a policy flag without MAYMOVE', { flags: 8 }, 'spec 06.2'],
    ['a new address that is too high', { newAddress: 2n ** 47n - 8n * 4096n }, 'step 5'],
    ['a new address inside a page', { newAddress: 64 * PAGE + 1024 }, 'step 6'],
    ['FIXED without MAYMOVE', { flags: 2 }, 'step 7'],
    ['DONTUNMAP without MAYMOVE', { flags: 4 }, 'step 7'],
    ['DONTUNMAP that grows', { flags: 5, newLength: 9 * PAGE }, 'step 8'],
    ['ranges that overlap', { newAddress: 20 * PAGE }, 'step 9'],
    ['ranges that only touch', { newAddress: 24 * PAGE }, null],
    ['without FIXED the new address does not matter', { flags: 1, newAddress: 1 }, null],
    ['a DONTUNMAP hint over the source', { flags: 5, newAddress: 16 * PAGE }, 'step 9'],
  ])('%s', (_name, change, step) => {
    expect(refusedAt(change)).toBe(step);
  });
});

test('numbers and the same numbers as bigints are the same call', () => {
  const words = [0, 1, PAGE - 1, PAGE, 5 * PAGE, 2 ** 46 + PAGE, 2 ** 46 + 17, 2 ** 53 - 1];
  for (const address of words) {
    for (const length of words) {
      const call = { address, oldLength: length, newLength: length, newAddress: length };
      const words64 = Object.fromEntries(Object.entries(call).map(([name, word]) => [name, BigInt(word)]));
      expect(check(call)).toEqual(check(words64));
    }
  }
});

test('lengths are rounded up to pages', () => {
  expect(check({ oldLength: 1, newLength: 1 })).toMatchObject({ oldPages: 1, newPages: 1 });
});

test('arguments that are no 64-bit words are misuse, named', () => {
  expect(() => check({ address: -1 })).toThrow(/^address/);
  expect(() => check({ oldLength: 2 ** 60 })).toThrow(/^oldLength/);
  expect(() => check({ flags: 0.5 })).toThrow(/^flags/);
});

test('arm64 drops the tag of the address, but not of the new address', () => {
  const arm64 = { ...limits, tagMask: 0xff00000000000000n };
  const tag = 0x2an << 56n;
  expect(check({ address: tag | (16n * 4096n) }, arm64, 2 ** 36)).toMatchObject({ address: 16 });
  expect(check({ newAddress: tag | (64n * 4096n) }, arm64, 2 ** 36)).toMatchObject({ errno: 'EINVAL' });
});
