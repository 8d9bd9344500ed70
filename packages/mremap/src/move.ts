import type { AnonVma } from '@vmakit/rmap';
import type { Vma, VmaTable } from '@vmakit/vma-merge';
import type { Leaf } from './leaf.js';

/** What a walk calls for each entry; answers as `PolicyHooks.leaf` does. */
export type LeafVisitor = (leaf: Leaf) => number;

/** What came of {@link Move.splitFolio}. */
export type FolioSplit = 'split' | 'failed' | 'would-deadlock';

/** How {@link Move.mergeDestination} goes about it. */
export interface DestinationMerge {
  /** The source VMA may become part of the result. Never so when it is kept (DONTUNMAP) in a correct policy. */
  readonly withSource: boolean;
}

/** What came of {@link Move.mergeDestination}. */
export interface DestinationMergeResult {
  readonly merged: boolean;
  /** The source VMA's range is part of the result. */
  readonly includesSource: boolean;
  /** The VMA object of the source was removed by it; the move goes on with the merged one. */
  readonly replacedSource: boolean;
}

/**
 * One VMA's move as a policy sees it: facts, and what the policy may do at which moment. Page numbers; half-open
 * ranges. VMAs are the kernel's own objects: read them, do not write to them, do not keep them.
 *
 * A method called at a moment that it is not meant for throws a TypeError, which counts as the policy breaking.
 */
export interface Move {
  /** Flags of the call, those of policies included. */
  readonly flags: number;
  readonly source: Readonly<Vma>;
  /** The destination VMA; null before `afterCopy`. */
  readonly destination: Readonly<Vma> | null;
  /**
   * The VMAs of the process as rows, and which two are source and destination (`NONE` before `afterCopy`): for a policy
   * that is asked about every move, since an object of a VMA is made only when somebody wants it.
   */
  readonly table: Readonly<VmaTable>;
  readonly sourceRow: number;
  readonly destinationRow: number;
  /** First page of the moved range, and of where it goes. */
  readonly from: number;
  readonly to: number;
  readonly oldPages: number;
  readonly newPages: number;
  /** DONTUNMAP: the source VMA stays mapped. */
  readonly keepsSource: boolean;
  /** The source VMAs of a move of several are moved one by one; this is the first, second... 0 based. */
  readonly part: number;
  /** `undo` after the page tables could not be moved: the source page at which that stopped. */
  readonly failedAt: number;
  /** Root of the anon_vma that the call holds for writing; null when it holds none. */
  readonly heldRoot: AnonVma | null;

  /**
   * Looks at each entry of the range that is not empty, in ascending order, without locking folios. Any moment up to
   * `undo`.
   *
   * @returns false when `visit` answered LEAF_FAIL.
   */
  scan(visit: LeafVisitor): boolean;

  /**
   * Walks again with the policy's own `leaf` hook, folio locks and all, over source pages [from, end) (by default the
   * whole range). Only in `undo`.
   *
   * @returns false when the walk stopped; it is not taken back.
   */
  walkAgain(from?: number, end?: number): boolean;

  /** The frame that the small entry at source page `page` maps; -1: none, no page, or a huge entry. */
  frameAt(page: number): number;

  /** The folio in the swap cache for a swap entry; -1: the page is in swap and nowhere else. */
  swapCached(leaf: Leaf): number;

  /** The neighbours of the destination range as they are now: what a merge could be with. */
  neighbours(): { readonly before: Readonly<Vma> | null; readonly after: Readonly<Vma> | null };

  /**
   * Gives a folio the anon_vma of the destination VMA and offset `index` (of its first page, pages). Old values are
   * remembered. In `leaf`, with the folio locked by the walk.
   */
  rewriteFolio(head: number, index: number): void;

  /** The same with the anon_vma of the source VMA: taking back by hand. In `undo`. */
  returnFolio(head: number, index: number): void;

  /** Gives every folio that was rewritten its old anon_vma and offset. In `undo`; what happens without that hook. */
  restoreFolios(): void;

  /** Folios rewritten so far and not restored. */
  readonly rewritten: number;

  /**
   * Splits a large folio into pages, in `leaf`. The page-table lock is dropped meanwhile: answer LEAF_AGAIN after it.
   * `would-deadlock`: the folio's anon_vma root is the one the call holds, and splitting would wait for it for ever.
   */
  splitFolio(head: number): FolioSplit;

  /** Maps the folio of a huge entry by small entries, in `leaf`. Answer LEAF_AGAIN after it. */
  splitHugeEntry(page: number): void;

  /** Merges the destination VMA with its neighbours if they fit, in `lastMerge`. */
  mergeDestination(how: DestinationMerge): DestinationMergeResult;
}
