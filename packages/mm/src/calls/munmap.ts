import { MmError, NONE, type SysResult, VM_SEALED, refuse } from '@vmakit/base';
import { unlinkAnonVmas } from '@vmakit/rmap';
import { isForkChildRow, moveBoundaries, splitRowUnchecked } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { zapRow } from '../pages/zap.js';
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
 * @param likely the row of the VMA at `start`, if the caller thinks that it knows: it is looked at before any is
 * searched
 */
export function unmapRange(mm: Mm, start: number, pages: number, likely: number = NONE): SysResult {
  const { taskSize } = mm.layout;
  if (start > taskSize || pages > taskSize - start) {
    return refuse('EINVAL', 'spec 01.4: range beyond the address space', { start, pages, taskSize });
  }
  if (pages === 0) return refuse('EINVAL', 'spec 01.4: empty range', { start });
  const end = start + pages;
  const { table } = mm.tree;
  const isLikely = likely !== NONE && table.isMappedAt(likely, start);
  const first = isLikely ? likely : mm.tree.firstRowOverlapping(start, end);
  if (first === NONE) return 0;
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

/**
 * Takes away the whole VMA in `row`: nothing has to be split or stored, so it cannot fail. For taking back what a call
 * made.
 */
export function unmapVma(mm: Mm, row: number): void {
  const { table } = mm.tree;
  const gathered = mm.gathered.begin(table.start(row), table.end(row), row);
  gathered.add(row);
  gathered.next = table.next(row);
  clearGathered(mm, gathered);
  removeGathered(mm, gathered);
  finishGathered(mm, gathered, gathered.accounted);
}

/**
 * Adds up the VMAs of [start, end), of which that in the row `first` is the lowest, for removal (spec 01 section 4,
 * steps 1 to 3). EPERM: one is sealed; ENOMEM: a split failed. Nothing has changed then but for splits made before.
 *
 * The kernel cuts the first and the last VMA to the range. So does this where {@link mustCut} says so. Else what is
 * left of the two stays the VMA that it was, and shrinks when the range is removed: the same end, for less work. A
 * caller that gives up in between calls {@link giveUpGathered}.
 */
export function gatherVmas(mm: Mm, first: number, start: number, end: number): GatheredRange | MmError {
  const { env } = mm;
  const { table } = mm.tree;
  if (table.start(first) < start) {
    const { maxMapCount } = env.settings;
    if (table.end(first) > end && mm.mapCount >= maxMapCount) {
      return refuse('ENOMEM', 'spec 01.4: hole in a VMA, map_count >= max', { mapCount: mm.mapCount, maxMapCount });
    }
    if (table.hasAny(first, VM_SEALED)) return refuseSealed(mm, first);
    if (mustCut(mm, first)) {
      const below = splitRowUnchecked(env, mm, first, start, true);
      if (typeof below !== 'number') return below;
    }
  }
  const gathered = mm.gathered.begin(start, end, first);
  let row = first;
  for (; row !== NONE && table.start(row) < end; row = table.next(row)) {
    if (table.hasAny(row, VM_SEALED)) return giveUpGathered(mm, gathered, refuseSealed(mm, row));
    if (table.end(row) > end && (table.start(row) < start || mustCut(mm, row))) {
      const above = splitRowUnchecked(env, mm, row, end, false);
      if (typeof above !== 'number') return giveUpGathered(mm, gathered, above);
    }
    gathered.add(row);
    if (table.end(row) > end) break;
  }
  gathered.next = row;
  return gathered;
}

/**
 * Whether a split and a removal of one part could be told from shrinking: events, fault points or locks are looked at,
 * the split would reverse the order of the VMA's links, or it is not allowed everywhere.
 */
function mustCut(mm: Mm, row: number): boolean {
  const { bus, injector, locks } = mm.env;
  if (bus.observed || injector !== null || locks.enabled) return true;
  if (isForkChildRow(mm, row)) return true;
  const { file } = mm.tree.table.extras(row);
  return file !== null && file.pagesPerUnit !== 1;
}

/** A gathered range is not removed after all, for `error`: makes the splits that the kernel has made by now. */
export function giveUpGathered(mm: Mm, gathered: GatheredRange, error: MmError): MmError {
  const { first, next, start, end, cutsFirst, cutsLast } = gathered;
  if (cutsFirst) splitRowUnchecked(mm.env, mm, first, start, true);
  if (cutsLast) splitRowUnchecked(mm.env, mm, next, end, false);
  return error;
}

function refuseSealed({ tree: { table } }: Mm, row: number): MmError {
  return refuse('EPERM', 'spec 01.4: sealed', { start: table.start(row), end: table.end(row) });
}

/** Empties the page tables of the range and cuts its VMAs off from their anon_vmas (spec 03 section 7). */
export function clearGathered(mm: Mm, gathered: GatheredRange): void {
  const { start, end, prev, next } = gathered;
  const { table } = mm.tree;
  let row = gathered.first;
  for (let left = gathered.count; left > 0 && row !== NONE; left--) {
    zapRow(mm, row, Math.max(table.start(row), start), Math.min(table.end(row), end));
    if (row !== prev && row !== next) unlinkAnonVmas(mm.env, table, row);
    row = table.next(row);
  }
  const floor = prev === NONE ? 0 : Math.min(table.end(prev), start);
  mm.pages.freeRange(start, end, floor, next === NONE ? Infinity : Math.max(table.start(next), end));
}

/** Takes the gathered VMAs out of the tree, or out of the range. */
export function removeGathered(mm: Mm, gathered: GatheredRange): void {
  const { start, end, prev, next } = gathered;
  const { table } = mm.tree;
  let row = gathered.first;
  for (let left = gathered.count; left > 0 && row !== NONE; left--) {
    const following = table.next(row);
    if (row === prev) shrink(mm, row, table.start(row), start);
    else if (row === next) shrink(mm, row, end, table.end(row));
    else remove(mm, row);
    row = following;
  }
  mm.lockedVm -= gathered.locked;
}

/** Stands for a split, of which the other part is removed. */
function shrink(mm: Mm, row: number, start: number, end: number): void {
  moveBoundaries(mm, row, start, end);
  mm.env.mergeCounters.splits++;
}

function remove(mm: Mm, row: number): void {
  mm.tree.remove(row);
  mm.mapCount--;
  mm.tree.table.free(row);
}

/** The totals after an unmap. `uncharge`: pages to give back, unless a new mapping takes their charge over. */
export function finishGathered(mm: Mm, gathered: GatheredRange, uncharge: number): void {
  mm.totalVm -= gathered.pages;
  mm.execVm -= gathered.exec;
  mm.stackVm -= gathered.stack;
  mm.dataVm -= gathered.data;
  if (uncharge !== 0) unchargeMemory(mm, uncharge);
}
