import { type SysResult, VM_LOCKED, refuse } from '@vmakit/base';
import type { Mm } from '../mm.js';
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC } from './abi.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';
import { lockForReading, unlock } from './call.js';

/**
 * msync. It changes no mapping; only its checks are modelled: a gap gives ENOMEM at the end, MS_INVALIDATE of locked
 * memory EBUSY. Success: 0.
 */
export function msync(mm: Mm, start: number, pages: number, flags: number): SysResult {
  const both = MS_ASYNC | MS_SYNC;
  if ((flags & ~(both | MS_INVALIDATE)) !== 0 || (flags & both) === both) {
    return refuse('EINVAL', 'msync: flags', { flags });
  }
  const wrap = wrapPages(mm.env.arch.pageShift);
  // A length that wraps to 0 when it is rounded up is an empty one here.
  const end = start + (pages % wrap);
  if (end >= wrap) return refuse('ENOMEM', 'msync: range wraps', { start, pages });
  if (end === start) return 0;
  lockForReading(mm);
  const result = checkRange(mm, start, end, (flags & MS_INVALIDATE) !== 0);
  unlock(mm);
  return result;
}

/** msync as a program calls it, in bytes. */
export function msyncBytes(mm: Mm, address: Bytes, length: Bytes, flags: number): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'msync: start unaligned', { address: String(address) });
  }
  return msync(mm, pageOf(address, pageShift, 'address'), pagesCovering(length, pageShift, 'length'), flags);
}

function checkRange(mm: Mm, start: number, end: number, invalidate: boolean): SysResult {
  let reached = start;
  let gapAt = -1;
  for (let vma = mm.tree.find(start); reached < end; vma = vma.next) {
    if (vma === null) return refuse('ENOMEM', 'msync: gap in the range', { at: reached });
    if (vma.start > reached) {
      if (gapAt < 0) gapAt = reached;
      if (vma.start >= end) break;
    }
    if (invalidate && (vma.flags & VM_LOCKED) !== 0) {
      return refuse('EBUSY', 'msync: locked memory', { start: vma.start, end: vma.end });
    }
    reached = vma.end;
  }
  return gapAt < 0 ? 0 : refuse('ENOMEM', 'msync: gap in the range', { at: gapAt });
}
