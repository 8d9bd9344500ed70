import { afterEach, describe, expect, it } from 'vitest';
import { copiedInto, observeLargeArrays, reported } from './large-arrays.js';

const MIB = 1 << 20;

describe('large arrays', () => {
  afterEach(() => observeLargeArrays(null));

  it('are told of before anything is in them, small ones are not', () => {
    const told: ArrayBufferLike[] = [];
    observeLargeArrays((memory) => told.push(memory));
    reported(new Int32Array(MIB - 1));
    const words = reported(new Int32Array(MIB));
    const larger = copiedInto(new Int32Array(2 * MIB), words.fill(7));
    expect(told).toEqual([words.buffer, larger.buffer]);
    expect([larger[MIB - 1], larger[MIB]]).toEqual([7, 0]);
  });

  it('are made the same when nobody wants to know', () => {
    expect(reported(new Int32Array(MIB)).length).toBe(MIB);
  });
});
