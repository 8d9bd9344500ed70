import { PG_ANON, PG_EXCLUSIVE, PG_HEAD, PG_KSM, type PhysicalMemory } from '@vmakit/folio';
import {
  LEAF_AGAIN,
  LEAF_FAIL,
  LEAF_NEXT,
  LEAF_PLACE,
  type Leaf,
  LeafKind,
  type Move,
  type PolicyContext,
} from '@vmakit/mremap';
import type { Relocation } from '@vmakit/policy-relocate-anon';
import { maybeDmaPinned, maybeMappedShared } from '@vmakit/rmap';

/**
 * A huge entry: relocated whole if it moves whole, else mapped by small entries first (spec 07 section 2, PMD leaf).
 */
export function relocateHugeEntry(move: Move, leaf: Leaf, relocation: Relocation, context: PolicyContext): number {
  if (leaf.kind === LeafKind.HugeMigration) return LEAF_FAIL;
  const { hugePages, memory } = context;
  if (leaf.pages !== hugePages) {
    relocation.countForward('pmdPartial');
    if (!relocation.repairs.cutHugeEntry) return LEAF_FAIL;
    move.splitHugeEntry(leaf.page);
    return LEAF_AGAIN;
  }
  if (leaf.destinationPage % hugePages !== 0) {
    relocation.countForward('pmdSplit');
    move.splitHugeEntry(leaf.page);
    return LEAF_AGAIN;
  }
  if (leaf.kind === LeafKind.HugeZeroPage) return LEAF_NEXT;
  return relocateWhole(leaf.head, relocation, memory);
}

function relocateWhole(head: number, relocation: Relocation, memory: PhysicalMemory): number {
  const flags = memory.flags[head] as number;
  if ((flags & (PG_HEAD | PG_ANON | PG_KSM)) !== (PG_HEAD | PG_ANON)) return LEAF_FAIL;
  // A folio that three processes once mapped keeps the "maybe shared" mark; its mapcount tells the truth.
  const shared = relocation.repairs.sharedLarge ? memory.folioMapcount(head) > 1 : maybeMappedShared(memory, head);
  if (shared) {
    relocation.countForward('sharedSkipped');
    return LEAF_FAIL;
  }
  if ((flags & PG_EXCLUSIVE) === 0) relocation.countForward('notExclusive');
  if (maybeDmaPinned(memory, head)) {
    relocation.count('pinnedLarge');
    return LEAF_FAIL;
  }
  relocation.countForward('pmdFolioMoved');
  return LEAF_PLACE;
}
