import { MmError, NONE, type SysResult, refuse } from '@vmakit/base';
import { MAP_FIXED, mayExpand, refuseExpansion, unmapRange } from '@vmakit/mm';
import { moveVma } from './move-vma.js';
import type { RemapOperation } from './operation.js';
import { chooseAddress } from './remap-in-place.js';

/**
 * A call with FIXED or DONTUNMAP (spec 05 section 5). What a FIXED destination held, and the tail of a source that
 * shrinks, are unmapped first and are lost even if a later step fails.
 */
export function remapTo(op: RemapOperation): SysResult {
  const { mm } = op;
  const full = mm.env.profile.mremapTestsMapCountFirst ? null : checkMapCountOfMove(op);
  if (full !== null) return full;
  if (op.isFixed) {
    const refusal = unmapRange(mm, op.newAddress, op.newPages);
    if (refusal instanceof MmError) return refusal;
    if (!lookUpSource(op)) return refuse('EFAULT', 'spec 05.5 step 1: the source went with the destination');
  }
  if (op.resize === 'shrink') {
    const refusal = unmapRange(mm, op.address + op.newPages, op.delta);
    if (refusal instanceof MmError) return refusal;
    if (!lookUpSource(op)) return refuse('EFAULT', 'spec 05.5 step 2: the source is gone');
    op.oldPages = op.newPages;
    op.delta = 0;
    op.resize = 'none';
  }
  if (op.keepsSource && !mayExpand(mm, mm.tree.table.flags(op.row), op.oldPages)) {
    return refuseExpansion(mm, 'spec 05.5 step 3: address space limit', op.oldPages);
  }
  const start = chooseAddress(op, op.newAddress, op.isFixed ? MAP_FIXED : 0);
  if (start instanceof MmError) return start;
  op.newAddress = start;
  return moveVma(op);
}

/** The source VMA after something was unmapped: most often still the one it was. */
function lookUpSource(op: RemapOperation): boolean {
  const { tree } = op.mm;
  if (op.row === NONE || !tree.table.isMappedAt(op.row, op.address)) op.row = tree.rowAt(op.address);
  return op.row !== NONE;
}

/** Before 7.3 only calls with FIXED or DONTUNMAP tested the map count (spec 01 section 9). */
export function checkMapCountOfMove(op: RemapOperation): MmError | null {
  const { mm } = op;
  if (mm.env.profile.mremapAlwaysTestsMapCount || !op.impliesNewAddress) return null;
  const { maxMapCount } = mm.env.settings;
  if (mm.mapCount + 2 < maxMapCount - 3) return null;
  return refuse('ENOMEM', 'spec 01.9 mremap: map_count too high', { mapCount: mm.mapCount, maxMapCount });
}
