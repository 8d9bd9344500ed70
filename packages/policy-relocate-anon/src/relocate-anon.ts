import {
  LEAF_FAIL,
  LEAF_NEXT,
  type Leaf,
  LeafKind,
  type Move,
  type MoveDeviations,
  type MremapPolicy,
  type PolicyContext,
  type PolicyHooks,
  type UndoReason,
  definePolicy,
} from '@vmakit/mremap';
import { decideRelocation, takingDecisions } from './eligibility.js';
import { MREMAP_MUST_RELOCATE_ANON, MREMAP_RELOCATE_ANON } from './flags.js';
import { LARGE_FOLIO, type LargeFolioHandler } from './large-folio-point.js';
import { Relocation } from './relocation.js';
import { type RepairSet, VARIANTS, type Variant } from './repairs.js';
import { countPlaceable, passAbsentEntry, relocateSmallFolio } from './small-folio.js';

/** How {@link relocateAnon} is made. */
export interface RelocateAnonOptions {
  /** One of the known sets of repairs; default `corrected`. */
  readonly variant?: Variant;
  /** Repairs to switch on or off on top of it. */
  readonly repairs?: Partial<RepairSet>;
}

/**
 * MREMAP_RELOCATE_ANON and MREMAP_MUST_RELOCATE_ANON: moved anonymous memory gets the offset and an anon_vma of its
 * destination, as if it had first been touched there, so that it merges with its new neighbours (spec 06).
 *
 * @example
 * const kernel = createKernel({ policies: [relocateAnon(), largeFolio()] });
 *
 * @throws {TypeError} when the variant does not exist
 */
export function relocateAnon(options: RelocateAnonOptions = {}): MremapPolicy {
  const { variant = 'corrected' } = options;
  const base = Object.hasOwn(VARIANTS, variant) ? VARIANTS[variant] : undefined;
  if (base === undefined) {
    throw new TypeError(`variant: there is no ${String(variant)}; there are ${Object.keys(VARIANTS).join(', ')}`);
  }
  const repairs: RepairSet = { ...base, ...options.repairs };
  return definePolicy({
    name: 'relocate-anon',
    flags: [
      { name: 'RELOCATE_ANON', bit: MREMAP_RELOCATE_ANON, needsMayMove: true },
      { name: 'MUST_RELOCATE_ANON', bit: MREMAP_MUST_RELOCATE_ANON, needsMayMove: true },
    ],
    deviations: deviationsOf(repairs),
    setup: (context) => hooksOf(context, repairs),
  });
}

/** What the posted series did to the call around it. */
function deviationsOf(repairs: RepairSet): MoveDeviations {
  return {
    refusalKeepsCharge: !repairs.refusalUncharges,
    undoUncharges: !repairs.undoKeepsAccounts,
    unbalancedRmapLocks: !repairs.balancedRmapLocks,
    blockingFolioLocks: !repairs.tryFolioLock,
    blockingHugeFolioLocks: !repairs.tryHugeFolioLock,
    staleSourceAfterMerge: !repairs.followSource,
  };
}

function hooksOf(context: PolicyContext, repairs: RepairSet): PolicyHooks {
  const relocation = new Relocation(repairs, context.counters);
  const taking = takingDecisions(repairs);
  const large = context.extensions(LARGE_FOLIO)[0]?.setup(context) ?? null;
  return {
    decide: (move) => decideRelocation(move, repairs, taking),
    beforeCopy: () => 'fresh',
    afterCopy: () => {
      relocation.begin();
      return true;
    },
    leaf: (move, leaf) => relocateLeaf(context, relocation, large, move, leaf),
    placeable: (_move, first, count) => countPlaceable(first, count, relocation, context.memory),
    undo: (move, because) => {
      relocation.count(because === 'walk' ? 'relocateUndone' : 'undoneAfterMoveFailure');
      if (repairs.listUndo) move.restoreFolios();
      else takeBackByWalking(relocation, move, because);
    },
    lastMerge: (move) => mergeRelocated(relocation, move),
  };
}

/** One entry of the walk (spec 06 section 4). */
function relocateLeaf(
  context: PolicyContext,
  relocation: Relocation,
  large: LargeFolioHandler | null,
  move: Move,
  leaf: Leaf,
): number {
  switch (leaf.kind) {
    case LeafKind.Page:
      if (relocation.forward && context.injector !== null && context.injector.fails('relocate-entry')) return LEAF_FAIL;
      if (leaf.order === 0) return relocateSmallFolio(leaf.head, relocation, context.memory);
      return large === null ? LEAF_FAIL : large.leaf(move, leaf, relocation);
    case LeafKind.ZeroPage:
      return LEAF_NEXT;
    case LeafKind.Swap:
    case LeafKind.Migration:
    case LeafKind.Marker:
      return passAbsentEntry(move, leaf, relocation);
    case LeafKind.HugePage:
    case LeafKind.HugeZeroPage:
    case LeafKind.HugeMigration:
      return large === null ? LEAF_FAIL : large.leaf(move, leaf, relocation);
  }
}

/**
 * Takes back as posted: the same walk with old offset and anon_vma, from where the tables stopped when they could not
 * be moved. With the repair what had been moved is taken back first; the recorded kernel counts it a second time.
 */
function takeBackByWalking(relocation: Relocation, move: Move, because: UndoReason): void {
  const failedAt = because === 'tables' ? move.failedAt : move.from;
  if (relocation.repairs.undoAfterMove && failedAt > move.from) {
    relocation.takeBack(true);
    move.walkAgain(move.from, failedAt);
  }
  relocation.takeBack(false);
  move.walkAgain(failedAt);
}

/** The merge that relocation is for. Not across a registration that ends with the move (spec 06 section 6, A5, A6). */
function mergeRelocated(relocation: Relocation, move: Move): void {
  const { repairs } = relocation;
  const uffd = move.table.uffd(move.sourceRow);
  if (repairs.userfaultLateMerge && uffd !== null && !uffd.remapEvents) return;
  relocation.countMerge(move.mergeDestination({ withSource: !(repairs.keepSourceApart && move.keepsSource) }));
}
