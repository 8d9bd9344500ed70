import { MmError, type SysResult, VM_ACCOUNT, VM_LOCKED, VM_MAYSHARE, refuse } from '@vmakit/base';
import {
  MAP_FIXED,
  MAP_SHARED,
  accountMapping,
  chargeMemory,
  getUnmappedArea,
  refuseCharge,
  unchargeMemory,
  unmapRange,
} from '@vmakit/mm';
import { type Vma, mergeExtend } from '@vmakit/vma-merge';
import { MREMAP_MAYMOVE } from './flags.js';
import { moveVma } from './move-vma.js';
import type { RemapOperation } from './operation.js';

/** A call without FIXED or DONTUNMAP: stays where it is if it can (spec 05 section 4). Gives the resulting address. */
export function remapAt(op: RemapOperation): SysResult {
  const { mm, address } = op;
  if (op.resize === 'none') return address;
  if (op.resize === 'shrink') {
    const refusal = unmapRange(mm, address + op.newPages, op.delta);
    if (refusal instanceof MmError) return refusal;
    emitInPlace(op);
    return address;
  }
  const vma = mm.tree.table.view(op.row);
  if (canGrowInPlace(op, vma)) return growInPlace(op, vma);
  if ((op.flags & MREMAP_MAYMOVE) === 0) {
    return refuse('ENOMEM', 'spec 05.4 step b: no room to grow and MAYMOVE not given', { delta: op.delta });
  }
  const start = chooseAddress(op, 0, 0);
  if (start instanceof MmError) return start;
  op.newAddress = start;
  return moveVma(op);
}

/**
 * Where a moved mapping shall go: `hint` is a wish, or with MAP_FIXED in `mapFlags` the place (spec 05 sections 4 and
 * 5).
 */
export function chooseAddress(op: RemapOperation, hint: number, mapFlags: number): SysResult {
  const { mm, row } = op;
  const { table } = mm.tree;
  const flags = table.flags(row);
  const pageOffset = table.pageOffsetAt(row, op.address);
  const shared = (flags & VM_MAYSHARE) !== 0 ? MAP_SHARED : 0;
  return getUnmappedArea(mm, hint, false, op.newPages, pageOffset, table.file(row), mapFlags | shared, flags);
}

/** Step a: the range ends with its VMA, and nothing is mapped behind it for the pages wanted. */
function canGrowInPlace(op: RemapOperation, vma: Vma): boolean {
  const { mm, delta } = op;
  if (vma.end - op.address !== op.oldPages) return false;
  const end = vma.end + delta;
  if (vma.next !== null && vma.next.start < end) return false;
  // What lies outside of a recorded scenario's window is taken.
  if (mm.layout.window !== null && end > mm.layout.window.end) return false;
  const { file, flags } = vma;
  const span = end - vma.start;
  return !(getUnmappedArea(mm, vma.start, false, span, vma.pageOffset, file, MAP_FIXED, flags) instanceof MmError);
}

function growInPlace(op: RemapOperation, vma: Vma): SysResult {
  const { mm, delta } = op;
  const charged = (vma.flags & VM_ACCOUNT) !== 0;
  if (charged && !chargeMemory(mm, delta)) return refuseCharge(mm, 'spec 05.4 step a: overcommit', delta);
  const grown = mergeExtend(mm.env, vma, delta);
  if (grown === null) {
    if (charged) unchargeMemory(mm, delta);
    return refuse('ENOMEM', 'spec 05.4 step a: growing the VMA');
  }
  op.row = grown.row;
  accountMapping(mm, grown.flags, delta);
  if ((grown.flags & VM_LOCKED) !== 0) mm.lockedVm += delta;
  emitInPlace(op);
  return op.address;
}

function emitInPlace(op: RemapOperation): void {
  const { mm, call, address, oldPages, newPages } = op;
  const { bus } = mm.env;
  if (bus.observed) bus.emit({ type: 'mremap.in-place', call, process: mm.id, start: address, oldPages, newPages });
}
