import {
  type MmError,
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  type VmFlags,
  hasAny,
  refuse,
  withFlags,
  withoutFlags,
} from '@vmakit/base';
import { STICKY_FLAGS } from '@vmakit/rmap';
import { type Vma, modifyRow } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { breakKsm } from '../pages/ksm.js';
import {
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_UNMERGEABLE,
  MADV_WIPEONFORK,
} from './abi.js';
import { isKsmCompatible } from './mmap-flags.js';

/**
 * Advice that only changes flags (spec 01 section 6), on one VMA of the range.
 *
 * @returns the row of the VMA that covers [start, end) afterwards; EAGAIN when memory or the map count ran out.
 */
export function adviseFlags(mm: Mm, row: number, start: number, end: number, advice: number): number | MmError {
  const { env, tree } = mm;
  const { table } = tree;
  const flags = advisedFlags(mm, table.view(row), start, end, advice);
  if (typeof flags !== 'number') return flags;
  if (flags === table.flags(row)) return row;
  const result = modifyRow(env, mm, row, start, end, { flags }, env.settings.maxMapCount);
  if (typeof result !== 'number') {
    // The caller is told to try again, whatever ran out.
    return result.errno === 'ENOMEM' ? refuse('EAGAIN', result.rule, result.numbers) : result;
  }
  table.setFlags(result, withFlags(flags, table.flagsLower(result) & STICKY_FLAGS));
  return result;
}

function advisedFlags(mm: Mm, vma: Vma, start: number, end: number, advice: number): VmFlags | MmError {
  const { flags } = vma;
  switch (advice) {
    case MADV_NORMAL:
      return withoutFlags(flags, VM_RAND_READ | VM_SEQ_READ);
    case MADV_SEQUENTIAL:
      return withFlags(withoutFlags(flags, VM_RAND_READ), VM_SEQ_READ);
    case MADV_RANDOM:
      return withFlags(withoutFlags(flags, VM_SEQ_READ), VM_RAND_READ);
    case MADV_DONTFORK:
      return withFlags(flags, VM_DONTCOPY);
    case MADV_DOFORK:
      if ((flags & VM_SPECIAL) !== 0) return refuseAdvice('DOFORK of a special mapping', vma);
      return withoutFlags(flags, VM_DONTCOPY);
    case MADV_WIPEONFORK:
      if (vma.file !== null || (flags & VM_SHARED) !== 0) return refuseAdvice('WIPEONFORK of a file or shared', vma);
      return withFlags(flags, VM_WIPEONFORK);
    case MADV_KEEPONFORK:
      if (hasAny(flags, VM_DROPPABLE)) return refuseAdvice('KEEPONFORK of droppable memory', vma);
      return withoutFlags(flags, VM_WIPEONFORK);
    case MADV_DONTDUMP:
      return withFlags(flags, VM_DONTDUMP);
    case MADV_DODUMP:
      if (((flags & VM_SPECIAL) !== 0 && (flags & VM_HUGETLB) === 0) || hasAny(flags, VM_DROPPABLE)) {
        return refuseAdvice('DODUMP of a special or droppable mapping', vma);
      }
      return withoutFlags(flags, VM_DONTDUMP);
    case MADV_HUGEPAGE:
      return withFlags(withoutFlags(flags, VM_NOHUGEPAGE), VM_HUGEPAGE);
    case MADV_NOHUGEPAGE:
      return withFlags(withoutFlags(flags, VM_HUGEPAGE), VM_NOHUGEPAGE);
    case MADV_MERGEABLE:
      return isKsmCompatible(flags) ? withFlags(flags, VM_MERGEABLE) : flags;
    case MADV_UNMERGEABLE:
      if (!hasAny(flags, VM_MERGEABLE)) return flags;
      if (vma.faulted && !breakKsm(mm, vma, start, end)) {
        return refuse('EAGAIN', 'spec 01.6: no memory to unshare KSM pages', { start, end });
      }
      return withoutFlags(flags, VM_MERGEABLE);
    default:
      return refuse('EINVAL', 'spec 01.6: unknown advice', { advice });
  }
}

function refuseAdvice(what: string, vma: Vma): MmError {
  return refuse('EINVAL', `spec 01.6: ${what}`, { start: vma.start, end: vma.end });
}
