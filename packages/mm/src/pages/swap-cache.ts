import { PG_DIRTY, PG_SWAPCACHE } from '@vmakit/folio';
import type { MmEnvironment } from '../environment.js';

/**
 * Takes a folio out of the swap cache when no entry needs its slots any more; it counts as modified then, since its
 * copy in swap is given up.
 *
 * @returns false when it is not in the cache or must stay there.
 */
export function tryFreeSwap(env: MmEnvironment, head: number): boolean {
  const { memory, swap } = env;
  if ((memory.flags[head]! & PG_SWAPCACHE) === 0 || swap.isSwapped(head)) return false;
  memory.flags[head]! |= PG_DIRTY;
  swap.removeFolio(head);
  return true;
}

/** An entry that referred to `slot` is gone. A cached folio that nobody maps or needs goes with the last one. */
export function releaseSwapEntry(env: MmEnvironment, slot: number): void {
  const { memory, swap } = env;
  swap.release(slot);
  const frame = swap.cache[slot]!;
  if (frame === 0 || swap.count[slot] !== 0) return;
  const head = memory.headOf(frame);
  if (memory.folioMapcount(head) === 0) tryFreeSwap(env, head);
}

/**
 * Gives back the references of `count` mappings of a folio that are gone. The swap cache lets go of a folio that nobody
 * maps and no entry needs.
 */
export function putMapped(env: MmEnvironment, head: number, count: number): void {
  const { memory } = env;
  if ((memory.flags[head]! & PG_SWAPCACHE) !== 0 && memory.folioMapcount(head) === 0) tryFreeSwap(env, head);
  if (count === 1) memory.put(head);
  else memory.putMany(head, count);
}
