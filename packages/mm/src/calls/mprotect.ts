import {
  type MmError,
  NONE,
  type SysResult,
  VM_ACCESS,
  VM_ACCOUNT,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_NORESERVE,
  VM_SEALED,
  VM_SHARED,
  VM_WRITE,
  type VmFlags,
  refuse,
  withFlags,
  withoutFlags,
} from '@vmakit/base';
import { STICKY_FLAGS } from '@vmakit/rmap';
import { modifyRow } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { populateRange } from '../pages/populate.js';
import { changeProtection } from '../pages/protect.js';
import {
  accountMapping,
  chargeMemory,
  mayExpand,
  refuseCharge,
  refuseExpansion,
  unchargeMemory,
} from './accounting.js';
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM } from './abi.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';
import { PKEY_MASK, deniesWriteExec, executeOnlyKey, protectionFlags } from './mmap-flags.js';

const KNOWN_PROT = VM_ACCESS | PROT_SEM;

/**
 * mprotect, and pkey_mprotect when `key` is not -1: gives [start, start + pages) the access `prot` (spec 01 section 5).
 * On an error what lies before it stays changed. Success: 0.
 */
export function mprotect(mm: Mm, start: number, pages: number, prot: number, key = -1): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'mprotect', start, pages);
  const result = checkAndProtect(mm, start, pages, prot, key);
  return observed ? emitCallEnd(mm, 'mprotect', result) : result;
}

/** mprotect as a program calls it, in bytes. */
export function mprotectBytes(mm: Mm, address: Bytes, length: Bytes, prot: number, key = -1): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'spec 01.5: start unaligned', { address: String(address) });
  }
  return mprotect(mm, pageOf(address, pageShift, 'address'), pagesCovering(length, pageShift, 'length'), prot, key);
}

function checkAndProtect(mm: Mm, start: number, pages: number, prot: number, key: number): SysResult {
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) {
    return refuse('EINVAL', 'spec 01.5: PROT_GROWSDOWN and PROT_GROWSUP together');
  }
  if (pages === 0) return 0;
  const end = start + pages;
  if (end >= wrapPages(mm.env.arch.pageShift)) return refuse('ENOMEM', 'spec 01.5: range wraps', { start, pages });
  const access = prot & ~grows;
  if ((access & ~KNOWN_PROT) !== 0) return refuse('EINVAL', 'spec 01.5: unknown protection bits', { prot });
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = protectLocked(mm, start, end, access, grows, key);
  unlock(mm);
  return result;
}

function protectLocked(mm: Mm, start: number, end: number, prot: number, grows: number, key: number): SysResult {
  if (key !== -1 && (key >= 32 || (mm.protectionKeys & (1 << key)) === 0)) {
    return refuse('EINVAL', 'spec 01.5: protection key not allocated', { key });
  }
  const { table } = mm.tree;
  const first = mm.tree.findRow(start);
  if (first === NONE) return refuse('ENOMEM', 'spec 01.5: nothing mapped', { start });
  let from = start;
  if (grows === PROT_GROWSDOWN) {
    if (table.start(first) >= end) return refuse('ENOMEM', 'spec 01.5: nothing mapped', { start, end });
    from = table.start(first);
    if (!table.hasAny(first, VM_GROWSDOWN)) return refuse('EINVAL', 'spec 01.5: does not grow down', { start: from });
  } else {
    if (table.start(first) > start) return refuse('ENOMEM', 'spec 01.5: start not mapped', { start });
    // No architecture of the model has mappings that grow up.
    if (grows === PROT_GROWSUP) return refuse('EINVAL', 'spec 01.5: does not grow up', { start });
  }
  const impliesExec = mm.readImpliesExec && (prot & PROT_READ) !== 0;
  let row = first;
  while (from < end) {
    if (row === NONE || table.start(row) > from) return refuse('ENOMEM', 'spec 01.5: gap in the range', { at: from });
    const to = Math.min(table.end(row), end);
    const wanted = impliesExec && table.hasAny(row, VM_MAYEXEC) ? prot | PROT_EXEC : prot;
    const result = protectPart(mm, row, from, to, wanted, key);
    if (typeof result !== 'number') return result;
    // A merge with the VMA behind has taken care of that one too: its access is the same.
    from = table.end(result);
    row = table.next(result);
  }
  return 0;
}

/**
 * One VMA of the range: spec 01 section 5, from the test of MAY* on. Gives the row of the VMA that covers the part
 * afterwards.
 */
function protectPart(mm: Mm, row: number, start: number, end: number, prot: number, key: number): number | MmError {
  const before = mm.tree.table.flags(row);
  const flags = withFlags(
    withoutFlags(before, VM_ACCESS + PKEY_MASK),
    protectionFlags(prot, keyFor(mm, before, prot, key)),
  );
  // MAYREAD, MAYWRITE, MAYEXEC stand four bits above READ, WRITE, EXEC.
  if ((flags & ~(flags >> 4) & VM_ACCESS) !== 0) {
    return refuse('EACCES', 'spec 01.5: access never allowed', { start, end, prot });
  }
  if (deniesWriteExec(mm, before, flags)) {
    return refuse('EACCES', 'spec 01.5: writable and executable denied', { start, end, prot });
  }
  return applyProtection(mm, row, start, end, flags);
}

/** The protection key of the result: the one asked for, that of execute-only memory, or the one it has. */
function keyFor(mm: Mm, flags: VmFlags, prot: number, asked: number): number {
  if (asked !== -1) return asked;
  if (flags < 2 ** 32 && prot !== PROT_EXEC) return 0;
  if (mm.env.settings.protectionKeys === 0) return 0;
  if (prot === PROT_EXEC) {
    const key = executeOnlyKey(mm);
    if (key > 0) return key;
  }
  const key = Math.floor(flags / 2 ** 32) & 0xf;
  // Memory that was execute-only gets the ordinary key back.
  return key !== 0 && key === mm.executeOnlyKey && prot !== PROT_EXEC ? 0 : key;
}

function applyProtection(mm: Mm, row: number, start: number, end: number, wanted: VmFlags): number | MmError {
  const { env } = mm;
  const { table } = mm.tree;
  const before = table.flags(row);
  const pages = end - start;
  let flags = wanted;
  let charged = 0;
  let uncharge = 0;
  if (table.hasAny(row, VM_SEALED)) {
    return refuse('EPERM', 'spec 01.5: sealed', { start: table.start(row), end: table.end(row) });
  }
  if (flags === before) return row;
  if ((flags & VM_WRITE) !== 0) {
    if (!mayExpand(mm, flags, pages) && mayExpand(mm, before, pages)) {
      return refuseExpansion(mm, 'spec 01.5: may_expand_vm', pages);
    }
    if ((before & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE)) === 0) {
      charged = pages;
      if (!chargeMemory(mm, charged)) return refuseCharge(mm, 'spec 01.5: overcommit', charged);
      flags = withFlags(flags, VM_ACCOUNT);
    }
  } else if ((before & VM_ACCOUNT) !== 0 && table.isAnonymous(row) && !table.isFaulted(row)) {
    flags = withoutFlags(flags, VM_ACCOUNT);
    uncharge = pages;
  }
  const result = modifyRow(env, mm, row, start, end, { flags }, env.settings.maxMapCount);
  if (typeof result !== 'number') {
    if (charged !== 0) unchargeMemory(mm, charged);
    return result;
  }
  flags = withFlags(flags, table.flagsLower(result) & STICKY_FLAGS);
  table.setFlags(result, flags);
  changeProtection(mm, result, start, end);
  if (uncharge !== 0) unchargeMemory(mm, uncharge);
  if ((before & (VM_WRITE | VM_SHARED | VM_LOCKED)) === VM_LOCKED && (flags & VM_WRITE) !== 0) {
    // Locked private memory that becomes writable gets its own copies now, not at a fault.
    populateRange(mm, start, end, 'vma');
  }
  accountMapping(mm, before, -pages);
  accountMapping(mm, flags, pages);
  return result;
}
