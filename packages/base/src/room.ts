/** How many entries to have room for when `count` were not enough: half as many again. */
export function roomBeyond(count: number): number {
  return count + Math.max(8, count >> 1);
}

/** A row of `room` entries that begins with those of `old`. */
export function enlarged<T>(old: readonly (T | null)[], room: number): (T | null)[] {
  const larger = new Array<T | null>(room).fill(null);
  for (let i = 0; i < old.length; i++) larger[i] = old[i] as T | null;
  return larger;
}

/** What the C library keeps in front of an array so large that it has pages of its own. */
const BEFORE_ARRAY = 16;
/** Bytes of a line of the processor's cache. */
const LINE = 64;

/**
 * `length` doubles, all 0. When they are many they begin where a line of the processor's cache does, so that what is
 * laid out by lines lies in as few of them as it can.
 */
export function alignedDoubles(length: number): Float64Array {
  const offset = LINE - BEFORE_ARRAY;
  return new Float64Array(new ArrayBuffer(offset + length * Float64Array.BYTES_PER_ELEMENT), offset);
}

/** The same memory as 32-bit words. */
export function wordsOf(doubles: Float64Array): Int32Array {
  return new Int32Array(doubles.buffer, doubles.byteOffset, 2 * doubles.length);
}
