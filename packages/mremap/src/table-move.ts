import { NONE, pagesInto } from '@vmakit/base';
import { type Level, MoveTally } from '@vmakit/pagetable';
import type { Mm } from '@vmakit/mm';
import type { VmaTable } from '@vmakit/vma-merge';
import type { RemapOperation } from './operation.js';

/**
 * The control block of one move of page tables: `pagetable_move_control` (spec 04 section 6), with counts of what
 * moved.
 */
export class TableMove {
  mm!: Mm;
  /** Rows of the VMAs. */
  sourceRow: number = NONE;
  targetRow: number = NONE;
  /** Where the move is now; aligned down by {@link realign}. */
  source = 0;
  target = 0;
  sourceEnd = 0;
  pages = 0;
  /** Reverse-map walkers must be kept out of every step, since they would meet the target first. */
  needRmapLocks = false;
  /**
   * Slot of the root of the anon_vma that the caller holds for writing already: not to be locked again (spec 06 section
   * 5, L3). {@link NONE}: none.
   */
  heldRootSlot: number = NONE;
  /**
   * A move back after a failure: its tables exist, so it cannot fail and no failure is injected (spec 04 section 8).
   */
  readonly back: boolean;
  /** Spec 06 section 6, R7: rmap locks are released that were not taken. */
  unbalancedRmapLocks = false;
  /** The source is registered with a userfaultfd that does not follow moves: marks of it are dropped on the way. */
  dropsUserfaultMarks = false;

  /** Rounds of the loop. */
  steps = 0;
  /** Tables moved whole, by the level of the entry that moved; huge entries moved and split; small entries moved. */
  puds = 0;
  pmds = 0;
  hugePmds = 0;
  hugePmdsSplit = 0;
  ptes = 0;
  tlbFlushes = 0;
  readonly tally: MoveTally = new MoveTally();

  constructor(back: boolean) {
    this.back = back;
  }

  /**
   * Begins the move of the first `pages` pages of what `op` moves to the destination that it has, or back: it is used
   * again for each. What it has to lock is for the caller to say.
   */
  begin(op: RemapOperation, pages: number): this {
    const { back } = this;
    const source = op.row;
    const destination = op.copy.row;
    this.mm = op.mm;
    this.sourceRow = back ? destination : source;
    this.targetRow = back ? source : destination;
    this.source = back ? op.newAddress : op.address;
    this.target = back ? op.address : op.newAddress;
    this.sourceEnd = this.source + pages;
    this.pages = pages;
    this.dropsUserfaultMarks = losesUserfault(op.mm.tree.table, this.sourceRow);
    this.steps = 0;
    this.puds = 0;
    this.pmds = 0;
    this.hugePmds = 0;
    this.hugePmdsSplit = 0;
    this.ptes = 0;
    this.tlbFlushes = 0;
    return this;
  }

  /** Pages of the range that were passed: 0 also while the move is still before it (spec 04 section 6). */
  get progress(): number {
    const start = this.sourceEnd - this.pages;
    return this.source < start ? 0 : this.source - start;
  }

  /** Pages up to the next boundary of `level` on either side, or the end of the range. */
  extent(level: Level): number {
    const { span } = level;
    let extent = span - pagesInto(this.source, span);
    const rest = this.sourceEnd - this.source;
    if (rest < extent) extent = rest;
    const targetRest = span - pagesInto(this.target, span);
    return targetRest < extent ? targetRest : extent;
  }

  advance(pages: number): void {
    this.source += pages;
    this.target += pages;
  }
}

/**
 * Registered with a userfaultfd that has no remap events: the registration ends with a move (spec 05 section 7, c4).
 */
export function losesUserfault(table: VmaTable, row: number): boolean {
  const uffd = table.uffd(row);
  return uffd !== null && !uffd.remapEvents;
}

/**
 * Begins at the boundary of `level` below when nothing else lies between it and the range on either side, so that a
 * table can be moved whole instead of entry by entry (spec 04 section 7, realignment).
 */
export function realign(move: TableMove, level: Level): void {
  const { source, target } = move;
  const below = pagesInto(source, level.span);
  if (below === 0 || pagesInto(target, level.span) !== below || move.pages < level.span - below) return;
  const { table } = move.mm.tree;
  if (!canAlignDown(table, move.sourceRow, source, below)) return;
  if (!canAlignDown(table, move.targetRow, target, below)) return;
  move.source = source - below;
  move.target = target - below;
}

function canAlignDown(table: VmaTable, row: number, page: number, below: number): boolean {
  if (table.start(row) !== page) return false;
  const prev = table.prev(row);
  return prev === NONE || table.end(prev) <= page - below;
}

/** Anonymous, for what the deposit of a huge entry goes (spec 04 section 7, move_huge_pmd). */
export function keepsDeposit({ mm, sourceRow }: TableMove): boolean {
  return mm.tree.table.isAnonymous(sourceRow);
}
