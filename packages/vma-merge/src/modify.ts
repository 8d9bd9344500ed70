import { MmError, type VmFlags, refuse } from '@vmakit/base';
import type { MemoryPolicy } from '@vmakit/rmap';
import { type MergeContext, mergeExistingRange, mergeNewRange } from './merge.js';
import { splitVma } from './split.js';
import type { UserfaultContext, Vma } from './vma.js';

/** What a call wants to change of a range of a VMA; what is left out stays. */
export interface VmaChange {
  readonly flags?: VmFlags;
  readonly policy?: MemoryPolicy | null;
  readonly uffd?: UserfaultContext | null;
  readonly name?: string | null;
}

/**
 * Makes [start, end) of `vma` a VMA (or a part of a merged one) to which `change` can be applied: merges with the
 * neighbours if the changed attributes allow it, else splits below and above (spec 02 section 4, vma_modify).
 *
 * The caller then applies the change to the VMA it gets; flags must keep the sticky ones that gathered on it:
 * `withFlags(newFlags, result.flags & STICKY_FLAGS)`. When the second split fails the first one stays.
 */
export function modifyVma(
  context: MergeContext,
  vma: Vma,
  start: number,
  end: number,
  change: VmaChange,
  maxMapCount: number,
  giveUpOnNoMemory = false,
): Vma | MmError {
  // A range that reaches neither end of its VMA has no neighbour to merge with.
  if (vma.start === start || vma.end === end || context.bus.observed) {
    const merged = mergeChanged(context, vma, start, end, change, giveUpOnNoMemory);
    if (merged !== null) return merged;
  }
  if (vma.start < start) {
    const below = splitVma(context, vma, start, true, maxMapCount);
    if (below instanceof MmError) return below;
  }
  if (vma.end > end) {
    const above = splitVma(context, vma, end, false, maxMapCount);
    if (above instanceof MmError) return above;
  }
  return vma;
}

/** The merge of a changed range; null when there is none. */
function mergeChanged(
  context: MergeContext,
  vma: Vma,
  start: number,
  end: number,
  change: VmaChange,
  giveUpOnNoMemory: boolean,
): Vma | MmError | null {
  const shift = start - vma.start;
  const request = vma.mm.mergeRequest.begin('modify', start, end, vma.pageOffset + shift, change.flags ?? vma.flags);
  request.anonPageOffset = vma.anonPageOffset + shift;
  request.takeAttributes(vma);
  if (change.policy !== undefined) request.policy = change.policy;
  if (change.uffd !== undefined) request.uffd = change.uffd;
  if (change.name !== undefined) request.name = change.name;
  request.prev = vma.prev;
  request.middle = vma;
  request.next = vma.next;
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
  const { end } = vma;
  const request = vma.mm.mergeRequest.begin('extend', end, end + pages, vma.pageOffset + vma.pages, vma.flags);
  request.anonPageOffset = vma.anonPageOffset + vma.pages;
  request.takeAttributes(vma);
  request.prev = vma;
  request.next = vma.next;
  return mergeNewRange(context, request);
}
