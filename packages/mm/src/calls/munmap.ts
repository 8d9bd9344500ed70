import { MmError, type SysResult, VM_SEALED, hasAny, refuse } from '@vmakit/base';
import { unlinkAnonVmas } from '@vmakit/rmap';
import { type Vma, freeVma, isMappedAt, splitVmaUnchecked } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { zapRange } from '../pages/zap.js';
import { unchargeMemory } from './accounting.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering } from './bytes.js';
import type { GatheredRange } from './gathered-range.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';

/** munmap: takes away whatever is mapped in `pages` pages from `start` on (spec 01 section 4). Success: 0. */
export function munmap(mm: Mm, start: number, pages: number): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'munmap', start, pages);
  let result: SysResult | null = lockForWriting(mm);
  if (result === null) {
    result = unmapRange(mm, start, pages);
    unlock(mm);
  }
  return observed ? emitCallEnd(mm, 'munmap', result) : result;
}

/** munmap as a program calls it, in bytes. */
export function munmapBytes(mm: Mm, address: Bytes, length: Bytes): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'spec 01.4: start unaligned', { address: String(address) });
  }
  return munmap(mm, pageOf(address, pageShift, 'address'), pagesCovering(length, pageShift, 'length'));
}

/**
 * The same inside a call that holds the mmap lock: of munmap itself, of a shrinking brk, of mremap for its source and
 * its destination. On an error the mappings are as before, except that they may have been split.
 *
 * @param likely the VMA at `start`, if the caller thinks that it knows: it is looked at before any is searched
 */
export function unmapRange(mm: Mm, start: number, pages: number, likely: Vma | null = null): SysResult {
  const { taskSize } = mm.layout;
  if (start > taskSize || pages > taskSize - start) {
    return refuse('EINVAL', 'spec 01.4: range beyond the address space', { start, pages, taskSize });
  }
  if (pages === 0) return refuse('EINVAL', 'spec 01.4: empty range', { start });
  const end = start + pages;
  const first = likely !== null && isMappedAt(likely, start) ? likely : mm.tree.firstOverlap(start, end);
  if (first === null) return 0;
  const gathered = gatherVmas(mm, first, start, end);
  if (gathered instanceof MmError) return gathered;
  const { injector } = mm.env;
  if (injector !== null && injector.fails('unmap-tree-store')) {
    return refuse('ENOMEM', 'spec 01.4: removal from the tree');
  }
  clearGathered(mm, gathered);
  removeGathered(mm, gathered);
  finishGathered(mm, gathered, gathered.accounted);
  return 0;
}

/** Takes away one whole VMA: nothing has to be split or stored, so it cannot fail. For taking back what a call made. */
export function unmapVma(mm: Mm, vma: Vma): void {
  const gathered = mm.gathered.begin(vma.start, vma.end, vma);
  gathered.add(vma);
  gathered.next = vma.next;
  clearGathered(mm, gathered);
  removeGathered(mm, gathered);
  finishGathered(mm, gathered, gathered.accounted);
}

/**
 * Cuts the VMAs of [start, end) to that range and adds them up (spec 01 section 4, steps 1 to 3). `first` is the lowest
 * of them. EPERM: one is sealed; ENOMEM: a split failed. Nothing has changed then but for splits made before.
 */
export function gatherVmas(mm: Mm, first: Vma, start: number, end: number): GatheredRange | MmError {
  const { env } = mm;
  if (first.start < start) {
    const { maxMapCount } = env.settings;
    if (first.end > end && mm.mapCount >= maxMapCount) {
      return refuse('ENOMEM', 'spec 01.4: hole in a VMA, map_count >= max', { mapCount: mm.mapCount, maxMapCount });
    }
    if (hasAny(first.flags, VM_SEALED)) return refuseSealed(first);
    const below = splitVmaUnchecked(env, first, start, true);
    if (below instanceof MmError) return below;
  }
  const gathered = mm.gathered.begin(start, end, first);
  let vma: Vma | null = first;
  for (; vma !== null && vma.start < end; vma = vma.next) {
    if (hasAny(vma.flags, VM_SEALED)) return refuseSealed(vma);
    if (vma.end > end) {
      const above = splitVmaUnchecked(env, vma, end, false);
      if (above instanceof MmError) return above;
    }
    gathered.add(vma);
  }
  gathered.next = vma;
  return gathered;
}

function refuseSealed(vma: Vma): MmError {
  return refuse('EPERM', 'spec 01.4: sealed', { start: vma.start, end: vma.end });
}

/** Empties the page tables of the gathered VMAs and cuts the VMAs off from their anon_vmas (spec 03 section 7). */
export function clearGathered(mm: Mm, gathered: GatheredRange): void {
  let vma: Vma | null = gathered.first;
  for (let left = gathered.count; left > 0 && vma !== null; left--) {
    zapRange(mm, vma, vma.start, vma.end);
    unlinkAnonVmas(mm.env, vma);
    vma = vma.next;
  }
  const { prev, next } = gathered;
  mm.pages.freeRange(gathered.start, gathered.end, prev === null ? 0 : prev.end, next === null ? Infinity : next.start);
}

/** Takes the gathered VMAs out of the tree. */
export function removeGathered(mm: Mm, gathered: GatheredRange): void {
  let vma: Vma | null = gathered.first;
  for (let left = gathered.count; left > 0 && vma !== null; left--) {
    const following: Vma | null = vma.next;
    mm.tree.remove(vma);
    freeVma(vma);
    vma = following;
  }
  mm.mapCount -= gathered.count;
  mm.lockedVm -= gathered.locked;
}

/** The totals after an unmap. `uncharge`: pages to give back, unless a new mapping takes their charge over. */
export function finishGathered(mm: Mm, gathered: GatheredRange, uncharge: number): void {
  mm.totalVm -= gathered.pages;
  mm.execVm -= gathered.exec;
  mm.stackVm -= gathered.stack;
  mm.dataVm -= gathered.data;
  if (uncharge !== 0) unchargeMemory(mm, uncharge);
}
