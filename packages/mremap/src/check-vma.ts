import {
  type MmError,
  NONE,
  VM_DONTEXPAND,
  VM_LOCKED,
  VM_MAYSHARE,
  VM_PFNMAP,
  VM_SEALED,
  VM_SHARED,
  alignUp,
  refuse,
} from '@vmakit/base';
import { mayExpand, mayLockMore, refuseExpansion } from '@vmakit/mm';
import type { RemapOperation } from './operation.js';

/** Page offsets are 64-bit words. */
const OFFSET_WRAP = 2 ** 64;

/**
 * The checks against the VMA that holds the address: spec 05 section 3, in the kernel's order. Settles size change,
 * `delta` and new address of the operation on the way; nothing else is changed.
 */
export function checkVma(op: RemapOperation): MmError | null {
  const refusal = checkSteps(op);
  const { bus } = op.mm.env;
  if (bus.observed) {
    bus.emit({
      type: 'mremap.checked',
      call: op.call,
      process: op.mm.id,
      start: op.address,
      resize: op.resize,
      refusedBy: refusal?.rule ?? null,
      errno: refusal?.errno ?? null,
    });
  }
  return refusal;
}

function checkSteps(op: RemapOperation): MmError | null {
  const { row } = op;
  const { table } = op.mm.tree;
  if (row === NONE) return refuse('EFAULT', 'spec 05.3 step 1: nothing is mapped at the address', { page: op.address });
  if (table.hasAny(row, VM_SEALED)) return refuse('EPERM', 'spec 05.3 step 2: sealed', { start: table.start(row) });
  if (table.file(row)?.kind === 'hugetlb') {
    const refusal = alignToHugePages(op);
    if (refusal !== null) return refusal;
  }
  op.delta = Math.abs(op.oldPages - op.newPages);
  op.resize = op.oldPages === op.newPages ? 'none' : op.oldPages > op.newPages ? 'shrink' : 'expand';
  if (!op.impliesNewAddress) op.newAddress = op.address;
  if (op.resize !== 'expand' && !op.impliesNewAddress) return null;
  if (op.oldPages === 0 && !table.hasAny(row, VM_SHARED | VM_MAYSHARE)) {
    return refuse('EINVAL', 'spec 05.3 step 6: old length 0 duplicates shared mappings only');
  }
  if (op.keepsSource && table.hasAny(row, VM_DONTEXPAND | VM_PFNMAP)) {
    return refuse('EINVAL', 'spec 05.3 step 7: DONTUNMAP of special memory');
  }
  const oldPages = op.resize === 'shrink' ? op.newPages : op.oldPages;
  const left = table.end(row) - op.address;
  if (oldPages > left) return refuse('EFAULT', 'spec 05.3 step 9: range ends beyond the VMA', { oldPages, left });
  return op.newPages === oldPages ? null : checkExpansion(op);
}

/** Step 3: hugetlb memory is resized and moved in huge pages, and only shrinks. */
function alignToHugePages(op: RemapOperation): MmError | null {
  const { pmdPages } = op.mm.env.arch;
  op.oldPages = alignUp(op.oldPages, pmdPages);
  op.newPages = alignUp(op.newPages, pmdPages);
  if (op.address % pmdPages !== 0 || op.newAddress % pmdPages !== 0 || !op.request.newAddressAligned) {
    return refuse('EINVAL', 'spec 05.3 step 3: hugetlb address unaligned', { pmdPages });
  }
  if (op.newPages > op.oldPages) return refuse('EINVAL', 'spec 05.3 step 3: hugetlb cannot grow');
  return null;
}

/** Steps 11 to 15. */
function checkExpansion(op: RemapOperation): MmError | null {
  const { mm, row, delta } = op;
  const { table } = mm.tree;
  const flags = table.flags(row);
  if ((flags & VM_LOCKED) !== 0) op.populateExpand = true;
  const pageOffset = table.pageOffsetAt(row, op.address);
  if (pageOffset + op.newPages >= OFFSET_WRAP) {
    return refuse('EINVAL', 'spec 05.3 step 12: page offset wraps', { pageOffset, newPages: op.newPages });
  }
  if ((flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0) {
    return refuse('EFAULT', 'spec 05.3 step 13: the mapping may not grow');
  }
  if (!mayLockMore(mm, flags, delta)) {
    const { lockedVm, limits } = mm;
    return refuse('EAGAIN', 'spec 05.3 step 14: RLIMIT_MEMLOCK', { delta, lockedVm, limit: limits.lockedMemory });
  }
  if (!mayExpand(mm, flags, delta)) return refuseExpansion(mm, 'spec 05.3 step 15: address space limit', delta);
  return null;
}
