import { NONE } from '@vmakit/base';
import { type TableMove, losesUserfault } from './table-move.js';

/**
 * Locks reverse-map walkers out of one step: the file's, then the anon_vma root of the VMA that tables are taken from,
 * unless the caller holds that root already (spec 06 section 5, L3). `always`: the step moves a whole table.
 */
export function takeRmapLocks(move: TableMove, always: boolean): void {
  const { locks, anonVmas } = move.mm.env;
  if (!locks.enabled || !(always || move.needRmapLocks)) return;
  // As posted, what a table's move takes for itself was decided by one test and what it drops by another (R7).
  if (move.unbalancedRmapLocks && move.needRmapLocks) return;
  const file = move.mm.tree.table.file(move.sourceRow);
  const root = rootToLock(move);
  if (file !== null) locks.acquire('i-mmap', file.id, 'write');
  if (root !== NONE) locks.acquire('anon-vma', anonVmas.idOf(root), 'write');
}

/** Gives back what {@link takeRmapLocks} took: decided by the same test (spec 06 section 5, L4). */
export function releaseRmapLocks(move: TableMove, always: boolean): void {
  const { locks, anonVmas } = move.mm.env;
  if (!locks.enabled || !(always || move.needRmapLocks)) return;
  const file = move.mm.tree.table.file(move.sourceRow);
  const root = rootToLock(move);
  if (root !== NONE) locks.release('anon-vma', anonVmas.idOf(root));
  if (file !== null) locks.release('i-mmap', file.id);
}

/** The slot of the root of the source's anon_vma; {@link NONE}: there is none, or the caller holds it already. */
function rootToLock({ mm, sourceRow, heldRootSlot }: TableMove): number {
  const { table } = mm.tree;
  if (!table.isFaulted(sourceRow)) return NONE;
  const root = mm.anonVmas.rootOf(table.anonVmaSlot(sourceRow));
  return root === heldRootSlot ? NONE : root;
}

/**
 * Either side is registered with a userfaultfd without remap events; both are asked so that a move back decides alike.
 */
export function hasRemaplessUserfault(move: TableMove): boolean {
  const { table } = move.mm.tree;
  return losesUserfault(table, move.sourceRow) || losesUserfault(table, move.targetRow);
}
