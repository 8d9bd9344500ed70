/**
 * From bytes to pages: the edge at which a system call's 64-bit words become page numbers.
 *
 * Everything else in this package counts pages. A word is split into the page it lies in and whether it lies at the
 * page's start; a length is rounded up. 2^64 bytes is `wrapPages` pages, and a rounded-up length of exactly that many
 * is a length that "wrapped to zero", which several calls test for.
 */

/** A 64-bit word of a system call: an address, a length, an offset. Below 2^53 a `number` does. */
export type Bytes = bigint | number;

const WORD = 2n ** 64n;

/** 2^n and 2^-n for n = 0..64. Multiplying a `number` by a power of two is exact, and cheaper than `%` and `/`. */
const POWER: Float64Array = Float64Array.from({ length: 65 }, (_, n) => 2 ** n);
const INVERSE: Float64Array = Float64Array.from({ length: 65 }, (_, n) => 2 ** -n);

/** The number of pages in 2^64 bytes: one more than the highest page number of any address. */
export function wrapPages(pageShift: number): number {
  return POWER[64 - pageShift] as number;
}

/**
 * The page that byte `value` lies in (rounded down).
 *
 * @throws RangeError when `value` is not a 64-bit unsigned integer; `name` is the argument's.
 */
export function pageOf(value: Bytes, pageShift: number, name: string): number {
  if (typeof value !== 'number') return Number(checkedBigint(value, name) >> BigInt(pageShift));
  if (!isByteCount(value)) refuseNumber(value, name);
  return Math.floor(value * (INVERSE[pageShift] as number));
}

/** How far into its page byte `value` lies. 0: page aligned. Throws as {@link pageOf} does. */
export function offsetInPage(value: Bytes, pageShift: number, name: string): number {
  if (typeof value !== 'number') return Number(checkedBigint(value, name) & ((1n << BigInt(pageShift)) - 1n));
  if (!isByteCount(value)) refuseNumber(value, name);
  return value - Math.floor(value * (INVERSE[pageShift] as number)) * (POWER[pageShift] as number);
}

/** `value` bytes in pages, rounded up: at most {@link wrapPages}. Throws as {@link pageOf} does. */
export function pagesCovering(value: Bytes, pageShift: number, name: string): number {
  if (typeof value === 'number') {
    if (!isByteCount(value)) refuseNumber(value, name);
    return Math.ceil(value * (INVERSE[pageShift] as number));
  }
  return pageOf(value, pageShift, name) + (offsetInPage(value, pageShift, name) > 0 ? 1 : 0);
}

/** Whether a word is given as a `number`, and as one that can be: a whole one from 0 up to 2^53. */
export function isByteCount(value: Bytes): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value;
}

function refuseNumber(value: number, name: string): never {
  throw new RangeError(`${name}: ${value} is not a byte count below 2^53 (give a bigint for more)`);
}

function checkedBigint(value: bigint, name: string): bigint {
  if (value < 0n || value >= WORD) throw new RangeError(`${name}: ${value} is not an unsigned 64-bit word`);
  return value;
}
