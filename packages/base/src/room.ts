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
