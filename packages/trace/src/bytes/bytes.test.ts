import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteMap, StringPool } from './byte-map.js';
import { Cursor, plainBytes } from './cursor.js';
import { LastText } from './last-text.js';

/** A cursor at the beginning of a text. */
function at(text: string): Cursor {
  const cursor = new Cursor();
  const bytes = plainBytes(Buffer.from(text, 'utf8'));
  cursor.reset(bytes, 0, bytes.length);
  return cursor;
}

describe('numbers', () => {
  it('in hexadecimal are exact up to 53 bits, page-aligned ones up to 64', () => {
    const digits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(digits, fc.boolean(), (drawn, aligned) => {
        const value = aligned ? (drawn >> 12n) << 12n : drawn;
        const cursor = at(`${value.toString(16)},`);
        const read = BigInt(cursor.hex('x'));
        const fits = value < 2n ** 53n || value % 4096n === 0n;
        expect(cursor.inexact).toBe(!fits);
        expect(read).toBe(fits ? value : (value >> 12n) << 12n);
        expect(cursor.peek()).toBe(0x2c);
      }),
    );
  });

  it('in decimal are those of JavaScript', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
        expect(at(String(value)).decimal('x')).toBe(value);
      }),
    );
    const cursor = at('18446744073709551615');
    cursor.decimal('x');
    expect(cursor.inexact).toBe(true);
  });

  it('of seconds are rounded once, as JavaScript does', () => {
    const parts = fc.tuple(fc.integer({ min: 0, max: 2_000_000_000 }), fc.integer({ min: 0, max: 999_999 }));
    fc.assert(
      fc.property(parts, ([whole, micros]) => {
        const text = `${whole}.${String(micros).padStart(6, '0')}`;
        expect(at(text).seconds('x')).toBe(Number(text));
      }),
    );
    expect(at('1779.236601749').seconds('x')).toBe(1779.236601749);
  });

  it('are written as in C', () => {
    expect(['-12', '0x1F', '0600', '0', '7'].map((text) => at(text).number('x'))).toEqual([-12, 31, 0o600, 0, 7]);
  });

  it('that are missing stop the reading, and the first failure counts', () => {
    const cursor = at('zz');
    expect(cursor.hex('a number')).toBe(0);
    cursor.fail('something else');
    expect(cursor.expected).toBe('a number');
    expect(cursor.atEnd()).toBe(true);
  });
});

describe('maps by byte strings', () => {
  it('find what was added, at any place of a buffer', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 200 }), (keys) => {
        const map = new ByteMap<number>(1000);
        const slices = keys.map((key) => Buffer.from(`<${key}>`, 'utf8'));
        for (const [value, slice] of slices.entries()) map.add(slice, 1, slice.length - 1, value);
        for (const [value, slice] of slices.entries()) expect(map.get(slice, 1, slice.length - 1)).toBe(value);
        expect(map.get(Buffer.from('not there, and longer than forty characters'), 0, 43)).toBeUndefined();
      }),
    );
  });

  it('keep their own copy of the key', () => {
    const map = new ByteMap<number>(10);
    const key = Buffer.from('abc');
    map.add(key, 0, 3, 1);
    key.fill(0);
    expect(map.get(Buffer.from('abc'), 0, 3)).toBe(1);
  });

  it('stop growing at their limit, and do not keep long keys', () => {
    const map = new ByteMap<number>(2);
    for (const [value, name] of ['a', 'b', 'c'].entries()) map.addText(name, value);
    expect(map.get(Buffer.from('b'), 0, 1)).toBe(1);
    expect(map.get(Buffer.from('c'), 0, 1)).toBeUndefined();
    const long = Buffer.alloc(600, 0x61);
    const pool = new StringPool(10);
    expect(pool.get(long, 0, 600)).toBe('a'.repeat(600));
  });
});

describe('a text remembered from the line before', () => {
  it('is found where it stands again, and nowhere else', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 140 }), fc.string({ maxLength: 140 }), (text, other) => {
        const last = new LastText();
        const line = at(`${text}|`);
        last.remember(line, 0, line.end - 1);
        const length = Buffer.byteLength(text);
        expect(last.isAt(line)).toBe(length >= 4 && length <= 128);
        const expected = length >= 4 && length <= 128 && Buffer.from(other).indexOf(text) === 0;
        expect(last.isAt(at(other))).toBe(expected);
      }),
    );
  });
});
