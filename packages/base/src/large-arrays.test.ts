import { afterEach, describe, expect, it } from 'vitest';
import { observeLargeArrays, reported } from './large-arrays.js';
import { alignedDoubles } from './room.js';

const MIB = 1 << 20;

describe('large arrays', () => {
  afterEach(() => observeLargeArrays(null));

  it('are told of before anything is in them, small ones are not', () => {
    const told: ArrayBufferLike[] = [];
    observeLargeArrays((memory) => told.push(memory));
    reported(new Int32Array(MIB - 1));
    const words = reported(new Int32Array(MIB));
    const doubles = alignedDoubles(MIB);
    expect(told).toEqual([words.buffer, doubles.buffer]);
  });

  it('are made the same when nobody wants to know', () => {
    expect(reported(new Int32Array(MIB)).length).toBe(MIB);
  });
});
