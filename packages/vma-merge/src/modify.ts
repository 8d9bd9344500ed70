import { type MmError, NONE, type VmFlags, refuse } from '@vmakit/base';
import type { MemoryPolicy } from '@vmakit/rmap';
import { type MergeContext, mergeExistingRange, mergeNewRange } from './merge.js';
import { splitRow } from './split.js';
import type { UserfaultContext, Vma, VmaOwner } from './vma.js';

/** What a call wants to change of a range of a VMA; what is left out stays. */
export interface VmaChange {
  readonly flags?: VmFlags;
  readonly policy?: MemoryPolicy | null;
  readonly uffd?: UserfaultContext | null;
  readonly name?: string | null;
}

/**
 * Makes [start, end) of the VMA in `row` a VMA (or a part of a merged one) to which `change` can be applied: merges
 * with the neighbours if the changed attributes allow it, else splits below and above (spec 02 section 4, vma_modify).
 *
 * The caller then applies the change to the VMA whose row it gets; flags must keep the sticky ones that gathered on it:
 * `withFlags(newFlags, flags of the result & STICKY_FLAGS)`. When the second split fails the first one stays.
 */
export function modifyRow(
  context: MergeContext,
  mm: VmaOwner,
  row: number,
  start: number,
  end: number,
  change: VmaChange,
  maxMapCount: number,
  giveUpOnNoMemory = false,
): number | MmError {
  const { table } = mm.tree;
  // A range that reaches neither end of its VMA has no neighbour to merge with.
  if (table.start(row) === start || table.end(row) === end || context.bus.observed) {
    const merged = mergeChanged(context, mm, row, start, end, change, giveUpOnNoMemory);
    if (merged !== NONE) return merged;
  }
  if (table.start(row) < start) {
    const below = splitRow(context, mm, row, start, true, maxMapCount);
    if (typeof below !== 'number') return below;
  }
  if (table.end(row) > end) {
    const above = splitRow(context, mm, row, end, false, maxMapCount);
    if (typeof above !== 'number') return above;
  }
  return row;
}

/** The same, for VMAs as objects. */
export function modifyVma(
  context: MergeContext,
  vma: Vma,
  start: number,
  end: number,
  change: VmaChange,
  maxMapCount: number,
  giveUpOnNoMemory = false,
): Vma | MmError {
  const row = modifyRow(context, vma.mm, vma.row, start, end, change, maxMapCount, giveUpOnNoMemory);
  return typeof row === 'number' ? vma.table.view(row) : row;
}

/** The merge of a changed range; {@link NONE} when there is none. */
function mergeChanged(
  context: MergeContext,
  mm: VmaOwner,
  row: number,
  start: number,
  end: number,
  change: VmaChange,
  giveUpOnNoMemory: boolean,
): number | MmError {
  const { table } = mm.tree;
  const shift = start - table.start(row);
  const flags = change.flags ?? table.flags(row);
  const request = mm.mergeRequest.begin('modify', start, end, table.pageOffset(row) + shift, flags);
  request.anonPageOffset = table.anonPageOffset(row) + shift;
  request.takeAttributes(row);
  if (change.policy !== undefined) request.policy = change.policy;
  if (change.uffd !== undefined) request.uffd = change.uffd;
  if (change.name !== undefined) request.name = change.name;
  request.prevRow = table.prev(row);
  request.middleRow = row;
  request.nextRow = table.next(row);
  request.giveUpOnNoMemory = giveUpOnNoMemory;
  const merged = mergeExistingRange(context, request);
  return request.outOfMemory ? refuse('ENOMEM', 'spec 02.9 merge out of memory') : merged;
}

/**
 * Grows `vma` in place by `pages` behind its end, absorbing the next VMA if that fits too (spec 02, vma_merge_extend).
 *
 * @returns the VMA, or null: memory ran out, nothing changed.
 */
export function mergeExtend(context: MergeContext, vma: Vma, pages: number): Vma | null {
  const { mm, table, row, end } = vma;
  const request = mm.mergeRequest.begin('extend', end, end + pages, vma.pageOffset + vma.pages, vma.flags);
  request.anonPageOffset = vma.anonPageOffset + vma.pages;
  request.takeAttributes(row);
  request.prevRow = row;
  request.nextRow = table.next(row);
  return table.viewOrNull(mergeNewRange(context, request));
}
