import { PG_ANON, PG_EXCLUSIVE, PG_KSM, PIN_BIAS, type PhysicalMemory } from '@vmakit/folio';
import { LEAF_FAIL, LEAF_NEXT, LEAF_PLACE, type Leaf, LeafKind, type Move } from '@vmakit/mremap';
import { maybeDmaPinned } from '@vmakit/rmap';
import type { Relocation } from './relocation.js';

/** A folio of one page, locked (spec 06 section 4, per-folio step). */
export function relocateSmallFolio(head: number, relocation: Relocation, memory: PhysicalMemory): number {
  const flags = memory.flags[head] as number;
  if ((flags & (PG_ANON | PG_KSM)) !== PG_ANON) {
    if ((flags & PG_KSM) !== 0) relocation.countForward('ksmSkipped');
    return LEAF_NEXT;
  }
  if ((memory.mapcount[head] as number) > 1) {
    relocation.countForward('sharedSkipped');
    return relocation.repairs.shared ? LEAF_FAIL : LEAF_NEXT;
  }
  if ((flags & PG_EXCLUSIVE) === 0) relocation.countForward('notExclusive');
  if (maybeDmaPinned(memory, head)) {
    relocation.countForward('pinnedSkipped');
    return relocation.repairs.pinned ? LEAF_FAIL : LEAF_NEXT;
  }
  relocation.countSmallFolios(1);
  return LEAF_PLACE;
}

/** The same for `count` folios from `head` on that are alike: all, or none if there is something special about them. */
export function countPlaceable(head: number, count: number, relocation: Relocation, memory: PhysicalMemory): number {
  const flags = (memory.flags[head] as number) & (PG_ANON | PG_KSM | PG_EXCLUSIVE);
  const isPinned = (memory.refcount[head] as number) >= PIN_BIAS;
  if (flags !== (PG_ANON | PG_EXCLUSIVE) || memory.mapcount[head] !== 1 || isPinned) return 0;
  relocation.countSmallFolios(count);
  return count;
}

/** An entry without a page (spec 06 section 6, R5). */
export function passAbsentEntry(move: Move, leaf: Leaf, relocation: Relocation): number {
  relocation.countForward('nonPresentSkipped');
  const { swap, settledSwap } = relocation.repairs;
  if (!swap) return LEAF_NEXT;
  if (settledSwap && isSettled(move, leaf)) return LEAF_NEXT;
  return LEAF_FAIL;
}

/** Nothing outside the entry knows where it is: a marker, or a page that is in swap and nowhere else. */
function isSettled(move: Move, leaf: Leaf): boolean {
  return leaf.kind === LeafKind.Marker || (leaf.kind === LeafKind.Swap && move.swapCached(leaf) < 0);
}
