import { MmError, type SysResult, VM_SEALED, refuse } from '@vmakit/base';
import { isForkChild, unlinkAnonVmas } from '@vmakit/rmap';
import { type Vma, freeVma, isMappedAt, moveBoundaries, splitVmaUnchecked } from '@vmakit/vma-merge';
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
 * Adds up the VMAs of [start, end), of which `first` is the lowest, for removal (spec 01 section 4, steps 1 to 3).
 * EPERM: one is sealed; ENOMEM: a split failed. Nothing has changed then but for splits made before.
 *
 * The kernel cuts the first and the last VMA to the range. So does this where {@link mustCut} says so. Else what is
 * left of the two stays the VMA that it was, and shrinks when the range is removed: the same end, for less work. A
 * caller that gives up in between calls {@link giveUpGathered}.
 */
export function gatherVmas(mm: Mm, first: Vma, start: number, end: number): GatheredRange | MmError {
  const { env } = mm;
  if (first.start < start) {
    const { maxMapCount } = env.settings;
    if (first.end > end && mm.mapCount >= maxMapCount) {
      return refuse('ENOMEM', 'spec 01.4: hole in a VMA, map_count >= max', { mapCount: mm.mapCount, maxMapCount });
    }
    if (first.hasAny(VM_SEALED)) return refuseSealed(first);
    if (mustCut(mm, first)) {
      const below = splitVmaUnchecked(env, first, start, true);
      if (below instanceof MmError) return below;
    }
  }
  const gathered = mm.gathered.begin(start, end, first);
  let vma: Vma | null = first;
  for (; vma !== null && vma.start < end; vma = vma.next) {
    if (vma.hasAny(VM_SEALED)) return giveUpGathered(mm, gathered, refuseSealed(vma));
    if (vma.end > end && (vma.start < start || mustCut(mm, vma))) {
      const above = splitVmaUnchecked(env, vma, end, false);
      if (above instanceof MmError) return giveUpGathered(mm, gathered, above);
    }
    gathered.add(vma);
    if (vma.end > end) break;
  }
  gathered.next = vma;
  return gathered;
}

/**
 * Whether a split and a removal of one part could be told from shrinking: events, fault points or locks are looked at,
 * the split would reverse the order of the VMA's links, or it is not allowed everywhere.
 */
function mustCut(mm: Mm, vma: Vma): boolean {
  const { bus, injector, locks } = mm.env;
  if (bus.observed || injector !== null || locks.enabled) return true;
  return isForkChild(vma) || (vma.file !== null && vma.file.pagesPerUnit !== 1);
}

/** A gathered range is not removed after all, for `error`: makes the splits that the kernel has made by now. */
export function giveUpGathered(mm: Mm, gathered: GatheredRange, error: MmError): MmError {
  const { first, next, start, end, cutsFirst, cutsLast } = gathered;
  if (cutsFirst) splitVmaUnchecked(mm.env, first as Vma, start, true);
  if (cutsLast) splitVmaUnchecked(mm.env, next as Vma, end, false);
  return error;
}

function refuseSealed(vma: Vma): MmError {
  return refuse('EPERM', 'spec 01.4: sealed', { start: vma.start, end: vma.end });
}

/** Empties the page tables of the range and cuts its VMAs off from their anon_vmas (spec 03 section 7). */
export function clearGathered(mm: Mm, gathered: GatheredRange): void {
  const { start, end, prev, next } = gathered;
  let vma: Vma | null = gathered.first;
  for (let left = gathered.count; left > 0 && vma !== null; left--) {
    zapRange(mm, vma, Math.max(vma.start, start), Math.min(vma.end, end));
    if (vma !== prev && vma !== next) unlinkAnonVmas(mm.env, vma);
    vma = vma.next;
  }
  const floor = prev === null ? 0 : Math.min(prev.end, start);
  mm.pages.freeRange(start, end, floor, next === null ? Infinity : Math.max(next.start, end));
}

/** Takes the gathered VMAs out of the tree, or out of the range. */
export function removeGathered(mm: Mm, gathered: GatheredRange): void {
  const { start, end, prev, next } = gathered;
  let vma: Vma | null = gathered.first;
  for (let left = gathered.count; left > 0 && vma !== null; left--) {
    const following: Vma | null = vma.next;
    if (vma === prev) shrink(mm, vma, vma.start, start);
    else if (vma === next) shrink(mm, vma, end, vma.end);
    else remove(mm, vma);
    vma = following;
  }
  mm.lockedVm -= gathered.locked;
}

/** Stands for a split, of which the other part is removed. */
function shrink(mm: Mm, vma: Vma, start: number, end: number): void {
  moveBoundaries(vma, start, end);
  mm.env.mergeCounters.splits++;
}

function remove(mm: Mm, vma: Vma): void {
  mm.tree.remove(vma);
  mm.mapCount--;
  freeVma(vma);
}

/** The totals after an unmap. `uncharge`: pages to give back, unless a new mapping takes their charge over. */
export function finishGathered(mm: Mm, gathered: GatheredRange, uncharge: number): void {
  mm.totalVm -= gathered.pages;
  mm.execVm -= gathered.exec;
  mm.stackVm -= gathered.stack;
  mm.dataVm -= gathered.data;
  if (uncharge !== 0) unchargeMemory(mm, uncharge);
}
