import { PG_ANON, PG_KSM, PG_LOCKED, type PhysicalMemory } from '@vmakit/folio';
import { LEAF_FAIL, LEAF_NEXT, type Leaf, LeafKind, type Move, type PolicyContext } from '@vmakit/mremap';
import { maybeDmaPinned } from '@vmakit/rmap';

/** What a look at the range found. */
export interface Survey {
  folios: number;
  entries: number;
  /** Why the range cannot be relocated without the risk of having to take it back; null: it can. */
  obstacle: string | null;
}

/** Looks at every entry of the range, up to the first obstacle or more than `maxFolios` folios. */
export function survey(move: Move, context: PolicyContext, maxFolios: number): Survey {
  const result: Survey = { folios: 0, entries: 0, obstacle: null };
  move.scan((leaf) => {
    result.entries++;
    result.obstacle = obstacleAt(move, leaf, context);
    if (result.obstacle !== null) return LEAF_FAIL;
    if (hasFolio(leaf) && ++result.folios > maxFolios) {
      result.obstacle = 'too many folios';
      return LEAF_FAIL;
    }
    return LEAF_NEXT;
  });
  return result;
}

function hasFolio(leaf: Leaf): boolean {
  return leaf.kind === LeafKind.Page || leaf.kind === LeafKind.HugePage;
}

function obstacleAt(move: Move, leaf: Leaf, { memory, hugePages }: PolicyContext): string | null {
  switch (leaf.kind) {
    case LeafKind.ZeroPage:
    case LeafKind.Marker:
      return null;
    case LeafKind.Swap:
      return move.swapCached(leaf) < 0 ? null : 'a page on its way to or from swap';
    case LeafKind.Migration:
    case LeafKind.HugeMigration:
      return 'a page in migration';
    case LeafKind.Page:
      return leaf.order > 0 ? 'a large folio mapped page by page' : folioObstacle(memory, leaf.head);
    case LeafKind.HugePage:
    case LeafKind.HugeZeroPage:
      if (leaf.pages !== hugePages) return 'a huge entry that the range cuts';
      if (leaf.destinationPage % hugePages !== 0) return 'a huge entry whose destination is not aligned';
      return leaf.kind === LeafKind.HugePage ? folioObstacle(memory, leaf.head) : null;
  }
}

function folioObstacle(memory: PhysicalMemory, head: number): string | null {
  const flags = memory.flags[head] as number;
  if ((flags & (PG_ANON | PG_KSM)) !== PG_ANON) return 'not an anonymous page';
  if ((flags & PG_LOCKED) !== 0) return 'a locked folio';
  if (memory.folioMapcount(head) > 1) return 'a folio mapped more than once';
  return maybeDmaPinned(memory, head) ? 'a pinned folio' : null;
}
