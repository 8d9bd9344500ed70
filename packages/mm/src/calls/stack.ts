import { type MmError, VM_ACCESS, VM_ACCOUNT, VM_GROWSDOWN, VM_LOCKED, refuse } from '@vmakit/base';
import { anonVmaPrepare } from '@vmakit/rmap';
import { type Vma, moveBoundaries } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { accountMapping, chargeMemory, mayExpand, mayLockMore, refuseCharge, refuseExpansion } from './accounting.js';

/**
 * Grows the stack-like mapping `vma` down to `page`, on a fault below it (spec 01 section 7, stack growth). Null: done.
 * A refusal means that the fault is a SIGSEGV.
 */
export function expandStack(mm: Mm, vma: Vma, page: number): MmError | null {
  if ((vma.flags & VM_GROWSDOWN) === 0) return refuse('EFAULT', 'spec 01.7: the mapping does not grow down');
  const { env } = mm;
  const { mmapMinPage, stackGuardGap } = env.settings;
  if (page < mmapMinPage) return refuse('EPERM', 'spec 01.7: below mmap_min_addr', { page, mmapMinPage });
  const { prev } = vma;
  if (prev !== null && (prev.flags & VM_GROWSDOWN) === 0 && (prev.flags & VM_ACCESS) !== 0) {
    const gap = page - prev.end;
    if (gap < stackGuardGap) return refuse('ENOMEM', 'spec 01.7: stack guard gap', { gap, stackGuardGap });
  }
  if (!anonVmaPrepare(env, vma.table, vma.row)) return refuse('ENOMEM', 'spec 01.7: anon_vma of the stack');
  if (page >= vma.start) return null;
  const grow = vma.start - page;
  if (grow > vma.pageOffset) {
    return refuse('ENOMEM', 'spec 01.7: page offset below 0', { grow, pageOffset: vma.pageOffset });
  }
  const refused = checkGrowth(mm, vma, vma.end - page, grow);
  if (refused !== null) return refused;
  if ((vma.flags & VM_LOCKED) !== 0) mm.lockedVm += grow;
  accountMapping(mm, vma.flags, grow);
  moveBoundaries(mm, vma.row, page, vma.end);
  return null;
}

/**
 * The limits on a stack of `size` pages that grows by `grow`; charges when all hold. Growth is charged whether the
 * mapping is accounted or not; if not, nothing ever gives the charge back (measured on 6.18: MAP_NORESERVE).
 */
function checkGrowth(mm: Mm, vma: Vma, size: number, grow: number): MmError | null {
  if (!mayExpand(mm, vma.flags, grow)) return refuseExpansion(mm, 'spec 01.7: may_expand_vm', grow);
  if (size > mm.limits.stack) return refuse('ENOMEM', 'spec 01.7: RLIMIT_STACK', { size, limit: mm.limits.stack });
  if (!mayLockMore(mm, vma.flags, grow)) {
    return refuse('ENOMEM', 'spec 01.7: RLIMIT_MEMLOCK', { grow, lockedVm: mm.lockedVm });
  }
  if (!chargeMemory(mm, grow)) return refuseCharge(mm, 'spec 01.7: overcommit', grow);
  if ((vma.flags & VM_ACCOUNT) === 0) mm.env.committedForGood += grow;
  return null;
}
