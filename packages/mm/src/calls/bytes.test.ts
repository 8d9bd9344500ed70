import { describe, expect, it } from 'vitest';
import { offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';

describe('bytes become pages', () => {
  it('rounds addresses down and keeps the rest', () => {
    expect(pageOf(0x1fff, 12, 'address')).toBe(1);
    expect(offsetInPage(0x1fff, 12, 'address')).toBe(0xfff);
  });

  it('rounds lengths up', () => {
    expect(pagesCovering(0, 12, 'length')).toBe(0);
    expect(pagesCovering(1, 12, 'length')).toBe(1);
    expect(pagesCovering(65536, 16, 'length')).toBe(1);
  });

  it('keeps the highest 64-bit words exact', () => {
    expect(pageOf(0xffff_ffff_ff60_0000n, 12, 'address')).toBe(0xf_ffff_ffff_f600);
    expect(pagesCovering(2n ** 64n - 1n, 12, 'length')).toBe(wrapPages(12));
  });

  it('names the argument that is no 64-bit word', () => {
    expect(() => pageOf(-1, 12, 'address')).toThrow(
      new RangeError('address: -1 is not a byte count below 2^53 (give a bigint for more)'),
    );
    expect(() => pageOf(2n ** 64n, 12, 'length')).toThrow(RangeError);
    expect(() => pageOf(1.5, 12, 'length')).toThrow(RangeError);
  });
});
