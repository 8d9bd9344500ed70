import {
  type MmError,
  type VmFlags,
  VM_LOCKED,
  isDataMapping,
  isExecMapping,
  isStackMapping,
  refuse,
} from '@vmakit/base';
import type { Mm } from '../mm.js';

/** Pages that overcommit mode `never` keeps back from one process at most: 128 MiB of 4 KiB pages. */
const USER_RESERVE_BYTES = 2 ** 27;
/** What the same mode keeps for the administrator: 8 MiB. */
const ADMIN_RESERVE_BYTES = 2 ** 23;

/**
 * Counts `pages` (negative: fewer) of a mapping with `flags` in the totals of its class (spec 01 section 2, accounting
 * classes: exec, then stack, then data; the first that fits).
 */
export function accountMapping(mm: Mm, flags: VmFlags, pages: number): void {
  mm.totalVm += pages;
  if (mm.totalVm > mm.hiwaterVm) mm.hiwaterVm = mm.totalVm;
  if (isExecMapping(flags)) mm.execVm += pages;
  else if (isStackMapping(flags)) mm.stackVm += pages;
  else if (isDataMapping(flags)) mm.dataVm += pages;
}

/** Whether RLIMIT_AS and RLIMIT_DATA leave room for `pages` more with `flags` (spec 01 section 9, may_expand_vm). */
export function mayExpand(mm: Mm, flags: VmFlags, pages: number): boolean {
  const { limits } = mm;
  if (mm.totalVm + pages > limits.addressSpace) return false;
  if (!isDataMapping(flags) || mm.dataVm + pages <= limits.data) return true;
  // A soft limit of 0 does not count while the hard one is kept.
  return limits.data === 0 && mm.dataVm + pages <= limits.dataHard;
}

/** The refusal of {@link mayExpand}: ENOMEM, with the numbers. */
export function refuseExpansion(mm: Mm, rule: string, pages: number): MmError {
  const { limits, totalVm, dataVm } = mm;
  return refuse('ENOMEM', rule, {
    pages,
    totalVm,
    addressSpaceLimit: limits.addressSpace,
    dataVm,
    dataLimit: limits.data,
  });
}

/** Whether RLIMIT_MEMLOCK allows locking at all (spec 01 section 3 step 11, can_do_mlock). */
export function canLock(mm: Mm): boolean {
  return mm.limits.lockedMemory !== 0 || mm.env.settings.canLockBeyondLimit;
}

/** Whether `pages` more with `flags` keep within RLIMIT_MEMLOCK, if they are locked (spec 01 section 9). */
export function mayLockMore(mm: Mm, flags: VmFlags, pages: number): boolean {
  if ((flags & VM_LOCKED) === 0 || mm.env.settings.canLockBeyondLimit) return true;
  return mm.lockedVm + pages <= mm.limits.lockedMemory;
}

/**
 * Charges `pages` of private memory that may be written to against overcommit (spec 01 section 9, enough_memory).
 *
 * @returns false when they are refused; nothing is charged then.
 */
export function chargeMemory(mm: Mm, pages: number): boolean {
  const { env } = mm;
  const { settings } = env;
  env.committed += pages;
  if (settings.overcommit === 'always') return true;
  if (settings.overcommit === 'guess') {
    if (pages <= settings.totalPages) return true;
  } else {
    const pageSize = env.arch.pageSize;
    const userReserve = Math.min(mm.totalVm / 32, USER_RESERVE_BYTES / pageSize);
    if (env.committed < settings.commitLimit - ADMIN_RESERVE_BYTES / pageSize - userReserve) return true;
  }
  env.committed -= pages;
  return false;
}

/** Gives a charge back. */
export function unchargeMemory(mm: Mm, pages: number): void {
  mm.env.committed -= pages;
}

/** The refusal of {@link chargeMemory}: ENOMEM, with the numbers. */
export function refuseCharge(mm: Mm, rule: string, pages: number): MmError {
  const { committed, settings } = mm.env;
  return refuse('ENOMEM', rule, { pages, committed, overcommit: settings.overcommit });
}
