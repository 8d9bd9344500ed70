import {
  MmError,
  NONE,
  type SysResult,
  VM_ACCOUNT,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_UFFD_MASK,
  withoutFlags,
} from '@vmakit/base';
import { accountMapping, unmapRange } from '@vmakit/mm';
import { unlinkAnonVmas } from '@vmakit/rmap';
import { type VmaTable, isAnonymous } from '@vmakit/vma-merge';
import { emitAccounted, emitRollback } from './move-reports.js';
import type { RemapOperation } from './operation.js';
import { losesUserfault } from './table-move.js';

/**
 * The end of a move (spec 05 section 7): statistics, and the source unmapped. With an `error` the tables are back at
 * the source and it is the destination that is unmapped.
 */
export function finishMove(op: RemapOperation, destination: number, error: MmError | null): SysResult {
  const { mm, newAddress } = op;
  const { profile, bus } = mm.env;
  const { hiwaterVm } = mm;
  const keeps = op.keepsSource && error === null;
  if (error === null) {
    dropUserfault(op, destination);
  } else {
    op.row = destination;
    op.address = newAddress;
    op.oldPages = op.newPages;
  }
  // The order decides whether the pages of a locked source are counted twice (spec 05 section 7, dontunmap_complete).
  if (keeps && profile.dontUnmapSplitsLocked) completeDontUnmap(op, destination);
  countMoved(op);
  if (keeps && !profile.dontUnmapSplitsLocked) completeDontUnmap(op, destination);
  if (!keeps) unmapSource(op);
  mm.hiwaterVm = Math.max(hiwaterVm, mm.totalVm);
  if (bus.observed) emitAccounted(op);
  return error ?? newAddress;
}

function countMoved(op: RemapOperation): void {
  const { mm, newPages } = op;
  const flags = mm.tree.table.flags(op.row);
  accountMapping(mm, flags, newPages);
  if ((flags & VM_LOCKED) !== 0) mm.lockedVm += newPages;
}

/** A registration without remap events ends here: the destination is an ordinary mapping (step c4). */
function dropUserfault(op: RemapOperation, destination: number): void {
  const { table } = op.mm.tree;
  if (!losesUserfault(table, destination)) return;
  const vma = table.view(destination);
  vma.uffd = null;
  vma.flags = withoutFlags(vma.flags, VM_UFFD_MASK);
}

/** DONTUNMAP: the source stays, unlocked and empty; if all of it moved, as if never touched (dontunmap_complete). */
function completeDontUnmap(op: RemapOperation, destination: number): void {
  const { env, tree } = op.mm;
  const source = tree.table.view(op.row);
  source.flags = withoutFlags(source.flags, VM_LOCKED_MASK);
  if (op.row === destination || source.start !== op.address || source.end !== op.oldEnd) return;
  unlinkAnonVmas(env, source.table, source.row);
  if (!env.profile.dontUnmapResetsOffset) return;
  if (isAnonymous(source) && source.file === null) source.pageOffset = source.start;
  source.anonPageOffset = env.profile.anonPageOffset || source.file === null ? source.start : source.pageOffset;
}

/**
 * Unmaps the source without giving its charge back: the charge travels with the move. The ACCOUNT flag is taken off the
 * VMA meanwhile and put back on what is left of it; when the unmap fails it stays off (spec 05 section 7).
 */
function unmapSource(op: RemapOperation): void {
  const { mm, address, oldPages, row } = op;
  const { tree } = mm;
  const { table } = tree;
  const end = op.oldEnd;
  const charged = !op.keepsSource && table.hasAny(row, VM_ACCOUNT);
  const restBelow = charged && table.start(row) < address;
  const restAbove = charged && table.end(row) > end;
  if (charged) table.setFlags(row, withoutFlags(table.flags(row), VM_ACCOUNT));
  const refusal = unmapRange(mm, address, oldPages, row);
  if (refusal instanceof MmError) {
    mm.env.committed += oldPages;
    if (mm.env.bus.observed) emitRollback(op, 'unmap-source', refusal);
    return;
  }
  if (restBelow) charge(table, tree.rowAt(address - 1));
  if (restAbove) charge(table, tree.rowAt(end));
}

function charge(table: VmaTable, row: number): void {
  if (row !== NONE) table.addFlags(row, VM_ACCOUNT);
}
