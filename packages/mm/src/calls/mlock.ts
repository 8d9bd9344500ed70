import {
  MmError,
  type SysResult,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_LOCKONFAULT,
  type VmFlags,
  refuse,
  withFlags,
  withoutFlags,
} from '@vmakit/base';
import { STICKY_FLAGS } from '@vmakit/rmap';
import { type Vma, modifyVma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { populateRange } from '../pages/populate.js';
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT } from './abi.js';
import { canLock } from './accounting.js';
import { type Bytes, offsetInPage, pageOf, wrapPages } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';
import { isLockable } from './mmap-flags.js';

/** mlock, and mlock2 with `flags` (`MLOCK_ONFAULT`): spec 01 section 7. Success: 0. */
export function mlock(mm: Mm, start: number, pages: number, flags = 0): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'mlock', start, pages);
  const result = lockRange(mm, start, pages, flags);
  return observed ? emitCallEnd(mm, 'mlock', result) : result;
}

/** munlock: spec 01 section 7. Success: 0. */
export function munlock(mm: Mm, start: number, pages: number): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'munlock', start, pages);
  let result: SysResult | null = lockForWriting(mm);
  if (result === null) {
    result = changeLocks(mm, start, pages, 0);
    unlock(mm);
  }
  return observed ? emitCallEnd(mm, 'munlock', result) : result;
}

/** mlock as a program calls it, in bytes: the pages that the range touches. */
export function mlockBytes(mm: Mm, address: Bytes, length: Bytes, flags = 0): SysResult {
  return mlock(mm, pageOf(address, mm.env.arch.pageShift, 'address'), touchedPages(mm, address, length), flags);
}

/** munlock as a program calls it, in bytes. */
export function munlockBytes(mm: Mm, address: Bytes, length: Bytes): SysResult {
  return munlock(mm, pageOf(address, mm.env.arch.pageShift, 'address'), touchedPages(mm, address, length));
}

/** The pages from that of `address` to that of the range's last byte; a sum above 2^64 wraps, as in the kernel. */
function touchedPages(mm: Mm, address: Bytes, length: Bytes): number {
  const { pageShift, pageSize } = mm.env.arch;
  const bytes = offsetInPage(length, pageShift, 'length') + offsetInPage(address, pageShift, 'address');
  const pages = pageOf(length, pageShift, 'length') + Math.ceil(bytes / pageSize);
  return pages % wrapPages(pageShift);
}

/** mlockall (`MCL_*`): spec 01 section 7. Success: 0. */
export function mlockall(mm: Mm, flags: number): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'mlockall', 0, 0);
  const result = lockAll(mm, flags);
  return observed ? emitCallEnd(mm, 'mlockall', result) : result;
}

/** munlockall. Success: 0. */
export function munlockall(mm: Mm): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'munlockall', 0, 0);
  let result: SysResult | null = lockForWriting(mm);
  if (result === null) {
    changeAllLocks(mm, 0);
    unlock(mm);
    result = 0;
  }
  return observed ? emitCallEnd(mm, 'munlockall', result) : result;
}

function lockRange(mm: Mm, start: number, pages: number, flags: number): SysResult {
  if ((flags & ~MLOCK_ONFAULT) !== 0) return refuse('EINVAL', 'spec 01.7: unknown mlock2 flags', { flags });
  if (!canLock(mm)) return refuse('EPERM', 'spec 01.7: RLIMIT_MEMLOCK is 0');
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const onFault = (flags & MLOCK_ONFAULT) !== 0;
  const result = isWithinLimit(mm, start, pages)
    ? changeLocks(mm, start, pages, onFault ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED)
    : refuse('ENOMEM', 'spec 01.7: RLIMIT_MEMLOCK', { pages, lockedVm: mm.lockedVm, limit: mm.limits.lockedMemory });
  unlock(mm);
  if (result instanceof MmError || pages === 0) return result;
  const populated = populateRange(mm, start, start + pages, 'vma');
  if (populated === null) return 0;
  // mlock has its own names for what went wrong.
  const unreachable = populated.errno === 'EFAULT' || populated.errno === 'EHWPOISON';
  if (unreachable) return refuse('ENOMEM', populated.rule, populated.numbers);
  if (populated.errno === 'ENOMEM') return refuse('EAGAIN', populated.rule, populated.numbers);
  return populated;
}

function isWithinLimit(mm: Mm, start: number, pages: number): boolean {
  const limit = mm.limits.lockedMemory;
  if (mm.env.settings.canLockBeyondLimit || pages + mm.lockedVm <= limit) return true;
  // What is locked already does not count twice.
  return pages + mm.lockedVm - lockedPagesIn(mm, start, start + pages) <= limit;
}

function lockedPagesIn(mm: Mm, start: number, end: number): number {
  let locked = 0;
  for (let vma = mm.tree.find(start); vma !== null && vma.start < end; vma = vma.next) {
    if ((vma.flags & VM_LOCKED) !== 0) locked += Math.min(vma.end, end) - Math.max(vma.start, start);
  }
  return locked;
}

/** Replaces the lock flags of every VMA of the range; what was changed before an error stays. */
function changeLocks(mm: Mm, start: number, pages: number, lockFlags: VmFlags): SysResult {
  const end = start + pages;
  if (end >= wrapPages(mm.env.arch.pageShift)) return refuse('EINVAL', 'spec 01.7: range wraps', { start, pages });
  if (pages === 0) return 0;
  let vma = mm.tree.find(start);
  for (let from = start; from < end;) {
    if (vma === null || vma.start > from) return refuse('ENOMEM', 'spec 01.7: gap in the range', { at: from });
    const result = changeLock(mm, vma, from, Math.min(vma.end, end), lockFlags);
    if (result instanceof MmError) return result;
    from = result.end;
    vma = result.next;
  }
  return 0;
}

/** The same for a part of one VMA. Gives the VMA that covers the part afterwards. */
function changeLock(mm: Mm, vma: Vma, start: number, end: number, lockFlags: VmFlags): Vma | MmError {
  const before = vma.flags;
  const flags = withFlags(withoutFlags(before, VM_LOCKED_MASK), lockFlags);
  if (flags === before || !isLockable(before)) return vma;
  const { env } = mm;
  const result = modifyVma(env, vma, start, end, { flags }, env.settings.maxMapCount);
  if (result instanceof MmError) return result;
  if ((flags & VM_LOCKED) === 0) mm.lockedVm -= end - start;
  else if ((before & VM_LOCKED) === 0) mm.lockedVm += end - start;
  result.flags = withFlags(flags, result.flags & STICKY_FLAGS);
  return result;
}

function lockAll(mm: Mm, flags: number): SysResult {
  const known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
  if (flags === 0 || (flags & ~known) !== 0 || flags === MCL_ONFAULT) {
    return refuse('EINVAL', 'spec 01.7: mlockall flags', { flags });
  }
  if (!canLock(mm)) return refuse('EPERM', 'spec 01.7: RLIMIT_MEMLOCK is 0');
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const limit = mm.limits.lockedMemory;
  const current = (flags & MCL_CURRENT) !== 0;
  const allowed = !current || mm.totalVm <= limit || mm.env.settings.canLockBeyondLimit;
  if (allowed) changeAllLocks(mm, flags);
  unlock(mm);
  if (!allowed) return refuse('ENOMEM', 'spec 01.7: RLIMIT_MEMLOCK', { totalVm: mm.totalVm, limit });
  // What cannot be populated is not an error of mlockall.
  if (current) populateRange(mm, 0, mm.layout.taskSize, 'vma', true);
  return 0;
}

/** Sets what new mappings get, and the lock flags of the present ones; a VMA that cannot be changed is passed over. */
function changeAllLocks(mm: Mm, flags: number): void {
  mm.defFlags = withoutFlags(mm.defFlags, VM_LOCKED_MASK);
  const lockFlags = (flags & MCL_ONFAULT) !== 0 ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED;
  if ((flags & MCL_FUTURE) !== 0) {
    mm.defFlags = withFlags(mm.defFlags, lockFlags);
    if ((flags & MCL_CURRENT) === 0) return;
  }
  const wanted = (flags & MCL_CURRENT) !== 0 ? lockFlags : 0;
  for (let vma = mm.tree.first; vma !== null;) {
    const result = changeLock(mm, vma, vma.start, vma.end, wanted);
    vma = result instanceof MmError ? vma.next : result.next;
  }
}
