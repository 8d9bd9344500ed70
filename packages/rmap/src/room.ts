/** How many entries to have room for when `count` were not enough: half as many again. */
export function roomBeyond(count: number): number {
  return count + Math.max(8, count >> 1);
}
