import { type TableMove, losesUserfault } from './table-move.js';

/**
 * Locks reverse-map walkers out of one step: the file's, then the anon_vma root of the VMA that tables are taken from,
 * unless the caller holds that root already (spec 06 section 5, L3). `always`: the step moves a whole table.
 */
export function takeRmapLocks(move: TableMove, always: boolean): void {
  const { locks } = move.mm.env;
  if (!locks.enabled || !(always || move.needRmapLocks)) return;
  // As posted, what a table's move takes for itself was decided by one test and what it drops by another (R7).
  if (move.unbalancedRmapLocks && move.needRmapLocks) return;
  const { file, anonVma } = move.sourceVma;
  if (file !== null) locks.acquire('i-mmap', file.id, 'write');
  if (anonVma !== null && anonVma.root !== move.heldRoot) locks.acquire('anon-vma', anonVma.root.id, 'write');
}

/** Gives back what {@link takeRmapLocks} took: decided by the same test (spec 06 section 5, L4). */
export function releaseRmapLocks(move: TableMove, always: boolean): void {
  const { locks } = move.mm.env;
  if (!locks.enabled || !(always || move.needRmapLocks)) return;
  const { file, anonVma } = move.sourceVma;
  if (anonVma !== null && anonVma.root !== move.heldRoot) locks.release('anon-vma', anonVma.root.id);
  if (file !== null) locks.release('i-mmap', file.id);
}

/**
 * Either side is registered with a userfaultfd without remap events; both are asked so that a move back decides alike.
 */
export function hasRemaplessUserfault(move: TableMove): boolean {
  return losesUserfault(move.sourceVma) || losesUserfault(move.targetVma);
}
