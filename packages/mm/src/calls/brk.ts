import {
  MmError,
  NONE,
  type SysResult,
  VM_ACCOUNT,
  VM_EXEC,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_READ,
  VM_SOFTDIRTY,
  VM_WRITE,
  type VmFlags,
  refuse,
  withFlags,
} from '@vmakit/base';
import { mergeNewRange } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { populateRange } from '../pages/populate.js';
import { MAP_FIXED } from './abi.js';
import { chargeMemory, mayExpand, mayLockMore, refuseCharge, refuseExpansion, unchargeMemory } from './accounting.js';
import { type Bytes, pageOf } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';
import { gapStart } from './hole-search.js';
import { isKsmCompatible } from './mmap-flags.js';
import { unmapRange } from './munmap.js';
import { getUnmappedArea } from './placement.js';

/**
 * brk (spec 01 section 7): moves the end of the heap, which begins at `mm.brkStart`, to byte address `address`. Like
 * the kernel it never fails: it gives the break, in bytes, that is in force afterwards.
 */
export function brk(mm: Mm, address: Bytes): number {
  moveBreak(mm, address);
  return mm.brk;
}

/** The same; gives why the break stayed where it was, or null when it is where it was asked to be. */
export function moveBreak(mm: Mm, address: Bytes): MmError | null {
  const { observed } = mm.env.bus;
  const { pageShift } = mm.env.arch;
  if (observed) emitCallBegin(mm, 'brk', pageOf(address, pageShift, 'address'), 0);
  const refused = changeBreak(mm, address);
  if (observed) emitCallEnd(mm, 'brk', refused ?? pageOf(mm.brk, pageShift, 'brk'));
  return refused;
}

function changeBreak(mm: Mm, address: Bytes): MmError | null {
  // brk(0) asks for the break.
  if (address === 0 || address === 0n) return null;
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const from = breakPage(mm, mm.brk);
  const result = setBreak(mm, address, from);
  unlock(mm);
  if (result !== null) return result;
  const to = breakPage(mm, mm.brk);
  if (to > from && (mm.defFlags & VM_LOCKED) !== 0) populateRange(mm, from, to, 'vma', true);
  return null;
}

/** The first page above the break. */
function breakPage(mm: Mm, address: number): number {
  return Math.ceil(address / mm.env.arch.pageSize);
}

function setBreak(mm: Mm, address: Bytes, oldEnd: number): MmError | null {
  if (address < mm.brkStart) return refuse('EINVAL', 'spec 01.7: below the heap', { address: String(address) });
  if (Number(address) - mm.brkStart + mm.dataSegmentBytes > mm.limits.data * mm.env.arch.pageSize) {
    return refuse('ENOMEM', 'spec 01.7: RLIMIT_DATA on the span of the heap', { address: String(address) });
  }
  const brk = Number(address);
  const newEnd = breakPage(mm, brk);
  let failed: SysResult = 0;
  if (newEnd < oldEnd) failed = shrinkHeap(mm, newEnd, oldEnd);
  else if (newEnd > oldEnd) failed = growHeap(mm, oldEnd, newEnd);
  if (failed instanceof MmError) return failed;
  mm.brk = brk;
  return null;
}

function shrinkHeap(mm: Mm, newEnd: number, oldEnd: number): SysResult {
  const vma = mm.tree.find(newEnd);
  if (vma === null || vma.start >= oldEnd) {
    return refuse('ENOMEM', 'spec 01.7: nothing of the heap is mapped there', { newEnd, oldEnd });
  }
  return unmapRange(mm, newEnd, oldEnd - newEnd);
}

function growHeap(mm: Mm, oldEnd: number, newEnd: number): SysResult {
  const pages = newEnd - oldEnd;
  const placed = getUnmappedArea(mm, oldEnd, false, pages, 0, null, MAP_FIXED, 0);
  if (placed instanceof MmError) return placed;
  if (!mayLockMore(mm, mm.defFlags, pages)) {
    return refuse('EAGAIN', 'spec 01.7: RLIMIT_MEMLOCK', { pages, lockedVm: mm.lockedVm });
  }
  const { tree } = mm;
  const next = tree.findRow(oldEnd);
  if (next !== NONE && newEnd + 1 > gapStart(mm, next)) {
    return refuse('ENOMEM', 'spec 01.7: the next mapping is too near', { newEnd, next: tree.table.start(next) });
  }
  return extendHeap(mm, oldEnd, newEnd, tree.rowBefore(next));
}

/** do_brk_flags: limits, charge, then the heap's VMA grows or a new one is made. */
function extendHeap(mm: Mm, start: number, end: number, prev: number): SysResult {
  const { env } = mm;
  const pages = end - start;
  const flags = heapFlags(mm);
  if (!mayExpand(mm, flags, pages)) return refuseExpansion(mm, 'spec 01.7: may_expand_vm', pages);
  const { maxMapCount } = env.settings;
  if (mm.mapCount > maxMapCount) {
    return refuse('ENOMEM', 'spec 01.7: map_count > max', { mapCount: mm.mapCount, maxMapCount });
  }
  if (!chargeMemory(mm, pages)) return refuseCharge(mm, 'spec 01.7: overcommit', pages);
  const row = growOrInsert(mm, start, end, flags, prev);
  if (row === NONE) {
    unchargeMemory(mm, pages);
    return refuse('ENOMEM', 'spec 01.7: no memory for a VMA');
  }
  mm.totalVm += pages;
  mm.dataVm += pages;
  if (mm.totalVm > mm.hiwaterVm) mm.hiwaterVm = mm.totalVm;
  if ((flags & VM_LOCKED) !== 0) mm.lockedVm += pages;
  if (env.settings.softDirty) mm.tree.table.addFlags(row, VM_SOFTDIRTY);
  return 0;
}

function heapFlags(mm: Mm): VmFlags {
  const exec = mm.readImpliesExec ? VM_EXEC : 0;
  const data = VM_READ | VM_WRITE | exec | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT;
  const flags = withFlags(data, mm.defFlags);
  return mm.mergeAny && isKsmCompatible(flags) ? withFlags(flags, VM_MERGEABLE) : flags;
}

/**
 * Only the heap's VMA that ends at the old break may grow, not what lies below the heap; a neighbour above is left
 * alone (spec 02, just_expand).
 */
function growOrInsert(mm: Mm, start: number, end: number, flags: VmFlags, prev: number): number {
  const { env } = mm;
  const { table } = mm.tree;
  if (prev !== NONE && table.end(prev) === start && start * env.arch.pageSize > mm.brkStart) {
    const request = mm.mergeRequest.begin('brk', start, end, start, flags);
    request.prevRow = prev;
    request.justExpand = true;
    const grown = mergeNewRange(env, request);
    if (grown !== NONE) return grown;
    if (request.outOfMemory) return NONE;
  }
  const { injector } = env;
  if (injector !== null && (injector.fails('vma-alloc') || injector.fails('vma-tree-node'))) return NONE;
  const row = table.allocate(start, end, start, flags);
  mm.tree.insert(row);
  mm.mapCount++;
  return row;
}
