import { PG_ANON, PG_EXCLUSIVE, PG_KSM, type PhysicalMemory } from '@vmakit/folio';
import { LEAF_AGAIN, LEAF_FAIL, LEAF_NEXT, LEAF_SPLIT_UNLOCKED, type Leaf, type Move } from '@vmakit/mremap';
import type { Relocation } from '@vmakit/policy-relocate-anon';
import { anonVmaIdOf, maybeDmaPinned, maybeMappedShared } from '@vmakit/rmap';

/**
 * A page of a large folio mapped by a small entry. The folio is relocated once, as a whole, if it lies inside the
 * range, else split (spec 07 section 2, PTE level; with the repairs, section 5).
 */
export function relocateLargeFolioPage(move: Move, leaf: Leaf, relocation: Relocation, memory: PhysicalMemory): number {
  const { head, frame } = leaf;
  const { repairs } = relocation;
  const flags = memory.flags[head] as number;
  if ((flags & (PG_ANON | PG_KSM)) !== PG_ANON) {
    if ((flags & PG_KSM) !== 0) relocation.countForward('ksmSkipped');
    return LEAF_NEXT;
  }
  if (!repairs.sharedLarge && isShared(memory, head, frame, repairs.largeSharing)) {
    relocation.countForward('sharedSkipped');
    return LEAF_NEXT;
  }
  // The recorded kernel looks at the mark of the first page, whichever page is met.
  if ((flags & PG_EXCLUSIVE) === 0) relocation.countForward('notExclusive');
  if (maybeDmaPinned(memory, head)) {
    relocation.countForward('pinnedSkipped');
    return repairs.pinned ? LEAF_FAIL : LEAF_NEXT;
  }
  const size = 2 ** leaf.order;
  const page = frame - head;
  /** Where the folio's first page is, or would be. */
  const origin = leaf.page - page;
  const index = relocation.indexOf(move, leaf) - (repairs.partialLargeFolio ? page : 0);
  if (repairs.entryByEntry && isPlaced(move, relocation, memory, head, index)) return LEAF_NEXT;
  if (origin % size !== 0) relocation.count('oddLargeFolio');
  if (index < 0 || !isInside(move, relocation, memory, leaf, origin, size)) return split(move, relocation, head);
  relocation.place(move, head, index);
  relocation.countForward('pteLargeFolioMoved');
  if (repairs.entryByEntry) return LEAF_NEXT;
  return repairs.partialLargeFolio ? size - page : size;
}

/** By its mark (exact enough: spec 03 section 4), or as first posted by the mapcount of the page met. */
function isShared(memory: PhysicalMemory, head: number, frame: number, byMark: boolean): boolean {
  return byMark ? maybeMappedShared(memory, head) : (memory.mapcount[frame] as number) > 1;
}

/** An earlier entry of the same folio has placed it already. */
function isPlaced(move: Move, relocation: Relocation, memory: PhysicalMemory, head: number, index: number): boolean {
  const vma = relocation.forward ? move.destination : move.source;
  return vma !== null && memory.mapping[head] === anonVmaIdOf(vma) && memory.index[head] === index;
}

/** Whether the folio moves as a whole. */
function isInside(
  move: Move,
  relocation: Relocation,
  memory: PhysicalMemory,
  leaf: Leaf,
  origin: number,
  size: number,
): boolean {
  const { everyMapping, partialLargeFolio } = relocation.repairs;
  const end = move.from + move.oldPages;
  if (!everyMapping) {
    const first = partialLargeFolio ? origin : leaf.page - (leaf.page % size);
    return first >= move.from && first + size <= end;
  }
  let inside = 0;
  const last = Math.min(origin + size, end);
  for (let page = Math.max(origin, move.from); page < last; page++) {
    if (move.frameAt(page) === leaf.head + (page - origin)) inside++;
  }
  return inside === memory.folioMapcount(leaf.head);
}

/** Makes single pages of a folio that does not move as a whole; the entry is then looked at again. */
function split(move: Move, relocation: Relocation, head: number): number {
  switch (move.splitFolio(head)) {
    case 'split':
      relocation.count('folioSplit');
      return LEAF_AGAIN;
    case 'failed':
      relocation.count('folioSplitFailed');
      return LEAF_FAIL;
    case 'would-deadlock':
      relocation.count('folioSplitRefused');
      return relocation.repairs.splitUnlocked && relocation.forward ? LEAF_SPLIT_UNLOCKED : LEAF_FAIL;
  }
}
