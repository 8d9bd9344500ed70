import { anonVmaClone, unlinkAnonVmas } from '@vmakit/rmap';
import { type MergeContext, mergeNewRange, treeNodeFails } from './merge.js';
import { MergeRequest } from './merge-request.js';
import { type Vma, duplicateVma, isAnonymous, pageOffsetAt } from './vma.js';

/** The destination of a move. Pages. */
export interface CopyRange {
  /** First page of the source that is moved. */
  readonly sourceStart: number;
  readonly start: number;
  readonly pages: number;
  /** MREMAP_DONTUNMAP: the source VMA stays. */
  readonly keepSource: boolean;
}

/** The VMA at the destination of a move. */
export interface CopiedVma {
  readonly vma: Vma;
  /** The source VMA, or the merged one if the merge removed it (spec 02 section 7, step 4). */
  readonly source: Vma;
  readonly merged: boolean;
  /** Reverse-map walkers must be locked out while tables move, since they would meet the destination first. */
  readonly needRmapLocks: boolean;
}

/** Offsets of a moved range: those it has, unless unfaulted memory starts afresh (spec 02 section 7, step 1). */
function offsetsAt(
  context: MergeContext,
  source: Vma,
  range: CopyRange,
): { pageOffset: number; anonPageOffset: number } {
  const shift = range.sourceStart - source.start;
  const pageOffset = pageOffsetAt(source, range.sourceStart);
  const anonPageOffset = source.anonPageOffset + shift;
  if (source.anonVma !== null) return { pageOffset, anonPageOffset };
  if (isAnonymous(source)) return { pageOffset: range.start, anonPageOffset: range.start };
  return { pageOffset, anonPageOffset: context.profile.anonPageOffset ? range.start : pageOffset };
}

/**
 * The merge that a move tries at its destination, with the offset it has (spec 02 section 7, steps 1 to 4).
 *
 * @returns null when it does not merge; nothing has changed then.
 */
export function mergeCopiedRange(context: MergeContext, source: Vma, range: CopyRange): CopiedVma | null {
  const { mm } = source;
  const { profile } = context;
  if (source.uffd !== null && !source.uffd.remapEvents && profile.copyMergeRefusesUffd) return null;
  const { pageOffset, anonPageOffset } = offsetsAt(context, source, range);
  const end = range.start + range.pages;
  const request = new MergeRequest('copy', mm, range.start, end, pageOffset, source.flags);
  request.anonPageOffset = anonPageOffset;
  request.takeAttributes(source);
  request.copiedFrom = source;
  const next = mm.tree.find(range.start);
  const prev = next === null ? mm.tree.last : next.prev;
  const keepApart = range.keepSource && profile.dontUnmapRefusesSelfMerge ? source : null;
  request.next = next === keepApart ? null : next;
  request.prev = prev === keepApart ? null : prev;
  const vma = mergeNewRange(context, request);
  if (vma === null) return null;
  const replaced = source.attached ? source : vma;
  return { vma, source: replaced, merged: true, needRmapLocks: vma.pageOffset <= replaced.pageOffset };
}

/**
 * A new VMA at the destination of a move, like the source (spec 02 section 7, step 5).
 *
 * @param fresh the VMA begins as if never touched: offsets of its address, no anon_vma (a relocating move; the caller
 * prepares an anon_vma).
 * @returns null when memory ran out; nothing has changed then.
 */
export function duplicateRange(context: MergeContext, source: Vma, range: CopyRange, fresh: boolean): CopiedVma | null {
  const { injector } = context;
  if (injector !== null && injector.fails('vma-alloc')) return null;
  const vma = duplicateVma(source);
  const { pageOffset, anonPageOffset } = offsetsAt(context, source, range);
  vma.start = range.start;
  vma.end = range.start + range.pages;
  vma.pageOffset = fresh ? range.start : pageOffset;
  vma.anonPageOffset = fresh ? range.start : anonPageOffset;
  if (source.policy !== null && injector !== null && injector.fails('policy-duplicate')) return null;
  if (!fresh) {
    vma.anonVma = source.anonVma;
    if (!anonVmaClone(context, vma, source, 'remap')) return null;
  }
  if (treeNodeFails(injector)) {
    unlinkAnonVmas(context, vma);
    return null;
  }
  source.mm.tree.insert(vma);
  source.mm.mapCount++;
  return { vma, source, merged: false, needRmapLocks: false };
}

/**
 * The destination of an ordinary move: merged if possible, else a copy; null when memory ran out (spec 02 section 7).
 */
export function copyVma(context: MergeContext, source: Vma, range: CopyRange): CopiedVma | null {
  return mergeCopiedRange(context, source, range) ?? duplicateRange(context, source, range, false);
}
