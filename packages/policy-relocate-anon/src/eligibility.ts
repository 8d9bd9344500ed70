import { NONE, VM_HUGETLB, VM_SPECIAL } from '@vmakit/base';
import { type Move, type MoveDecision, pass, refuseMove, take } from '@vmakit/mremap';
import { isChainSingular, maybeShared } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import { MREMAP_MUST_RELOCATE_ANON } from './flags.js';
import type { RepairSet } from './repairs.js';

/** What is decided about every move that is relocated: by whether it must be. */
export interface TakingDecisions {
  readonly may: MoveDecision;
  readonly must: MoveDecision;
}

/** Made once for a kernel: they are the same for each move. */
export function takingDecisions({ listUndo }: RepairSet): TakingDecisions {
  return {
    may: take('eligible', { otherwise: 'move-plainly', holdFolios: listUndo }),
    must: take('eligible', { otherwise: 'EFAULT', holdFolios: listUndo }),
  };
}

/**
 * Whether a move is relocated (spec 06 section 3). MUST turns "not eligible" into EFAULT, except for memory that nobody
 * has touched: it needs no relocation.
 */
export function decideRelocation(move: Move, repairs: RepairSet, taking: TakingDecisions): MoveDecision {
  const must = (move.flags & MREMAP_MUST_RELOCATE_ANON) !== 0;
  const obstacle = obstacleTo(move, repairs);
  if (obstacle !== null) return must ? refuseMove('EFAULT', obstacle) : pass(obstacle);
  if (move.table.anonVmaSlot(move.sourceRow) === NONE) return pass('untouched: it has no offset to keep');
  return must ? taking.must : taking.may;
}

/** Why folios of the source cannot be relocated, in the order of the tests; null: they can, or there are none. */
function obstacleTo(move: Move, repairs: RepairSet): string | null {
  const { table, sourceRow: row } = move;
  if ((table.flagsLower(row) & (VM_SPECIAL | VM_HUGETLB)) !== 0) return 'special or hugetlb memory';
  if (!table.isAnonymous(row)) return 'not anonymous';
  if (repairs.fileBacked && table.file(row) !== null) return 'a file stands behind it';
  const isShared = repairs.rootAwareSharing
    ? maybeShared(table.owner.anonVmas, table, row)
    : maybeSharedAsOfApril(move.source);
  return isShared ? 'maybe shared with another process' : null;
}

/** The test of the April posting: more than one child, though an anon_vma that is no root does not count itself. */
function maybeSharedAsOfApril(vma: Readonly<Vma>): boolean {
  const { anonVma } = vma;
  return anonVma !== null && (!isChainSingular(vma) || anonVma.numChildren > 1);
}
