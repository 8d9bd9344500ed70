import { NONE } from '@vmakit/base';
import { type MergeContext, linkDuplicate, mergeNewRange } from './merge.js';
import type { VmaTable } from './vma-table.js';
import { type Vma, isAnonymous, pageOffsetAt } from './vma.js';

/**
 * The VMA side of one move: what is copied where, then what came of it. Pages.
 *
 * Whoever moves has one and begins it anew for each move: nothing is allocated.
 */
export class VmaCopy {
  /** The VMA that is moved; from the copy on the merged one, if the merge removed it (spec 02 section 7, step 4). */
  source: Vma | null = null;
  /** First page of the source that is moved. */
  sourceStart = 0;
  start = 0;
  pages = 0;
  /** MREMAP_DONTUNMAP: the source VMA stays. */
  keepSource = false;

  /** The VMA at the destination; null: not made. */
  vma: Vma | null = null;
  merged = false;
  /** Reverse-map walkers must be locked out while tables move, since they would meet the destination first. */
  needRmapLocks = false;
  /** Offsets of the moved range. */
  pageOffset = 0;
  anonPageOffset = 0;

  /** Begins a copy of a part of `source`: which one and where to, `sourceStart`, `start` and `pages`, is to be set. */
  begin(source: Vma, keepSource: boolean): this {
    this.source = source;
    this.keepSource = keepSource;
    this.vma = null;
    this.merged = false;
    this.needRmapLocks = false;
    return this;
  }
}

/** Offsets of a moved range: those it has, unless unfaulted memory starts afresh (spec 02 section 7, step 1). */
function settleOffsets(context: MergeContext, copy: VmaCopy, source: Vma): void {
  const pageOffset = pageOffsetAt(source, copy.sourceStart);
  copy.pageOffset = pageOffset;
  copy.anonPageOffset = source.anonPageOffset + (copy.sourceStart - source.start);
  if (source.faulted) return;
  if (isAnonymous(source)) copy.pageOffset = copy.start;
  copy.anonPageOffset = isAnonymous(source) || context.profile.anonPageOffset ? copy.start : pageOffset;
}

/**
 * The merge that a move tries at its destination, with the offset it has (spec 02 section 7, steps 1 to 4).
 *
 * @returns false when it does not merge; nothing has changed then.
 */
export function mergeCopiedRange(context: MergeContext, copy: VmaCopy): boolean {
  const source = copy.source as Vma;
  const { mm } = source;
  const { profile } = context;
  settleOffsets(context, copy, source);
  if (source.uffd !== null && !source.uffd.remapEvents && profile.copyMergeRefusesUffd) return false;
  const { start } = copy;
  const { tree } = mm;
  const next = tree.findRow(start);
  const prev = tree.rowBefore(next);
  if (!context.bus.observed && !offsetGoesOn(tree.table, copy, prev, next)) return false;
  const request = mm.mergeRequest.begin('copy', start, start + copy.pages, copy.pageOffset, source.flags);
  request.anonPageOffset = copy.anonPageOffset;
  request.takeAttributes(source.row);
  request.copiedFromRow = source.row;
  const keepApart = copy.keepSource && profile.dontUnmapRefusesSelfMerge ? source.row : NONE;
  request.nextRow = next === keepApart ? NONE : next;
  request.prevRow = prev === keepApart ? NONE : prev;
  const merged = mergeNewRange(context, request);
  if (merged === NONE) return false;
  const vma = tree.table.view(merged);
  copy.vma = vma;
  copy.merged = true;
  if (!source.attached) copy.source = vma;
  copy.needRmapLocks = vma.pageOffset <= (copy.source as Vma).pageOffset;
  return true;
}

/**
 * Whether the offset of the copy goes on from that of a neighbour, or the neighbour's from it. The last rule of a
 * merge, tested first when nobody asks which one refuses: most moved memory fails it.
 */
function offsetGoesOn(table: VmaTable, copy: VmaCopy, prev: number, next: number): boolean {
  const { start, pageOffset } = copy;
  const end = start + copy.pages;
  if (prev !== NONE && table.end(prev) === start) {
    if (table.pageOffset(prev) + table.end(prev) - table.start(prev) === pageOffset) return true;
  }
  return next !== NONE && table.start(next) === end && pageOffset + (end - start) === table.pageOffset(next);
}

/**
 * A new VMA at the destination of a move, like the source (spec 02 section 7, step 5): when {@link mergeCopiedRange},
 * which settles the offsets, made none.
 *
 * @param fresh the VMA begins as if never touched: offsets of its address, no anon_vma (a relocating move; the caller
 * prepares an anon_vma).
 * @returns false when memory ran out; nothing has changed then.
 */
export function duplicateRange(context: MergeContext, copy: VmaCopy, fresh: boolean): boolean {
  const { injector } = context;
  const source = copy.source as Vma;
  const { start } = copy;
  if (injector !== null && injector.fails('vma-alloc')) return false;
  const { mm } = source;
  const { table } = mm.tree;
  const row = table.duplicate(table, source.row);
  table.setStart(row, start);
  table.setEnd(row, start + copy.pages);
  table.setPageOffset(row, fresh ? start : copy.pageOffset);
  table.setAnonPageOffset(row, fresh ? start : copy.anonPageOffset);
  if (linkDuplicate(context, mm, source.row, row, !fresh) !== null) {
    table.free(row);
    return false;
  }
  mm.tree.insert(row);
  mm.mapCount++;
  copy.vma = table.view(row);
  return true;
}

/**
 * The destination of an ordinary move: merged if possible, else a copy; false when memory ran out (spec 02 section 7).
 */
export function copyVma(context: MergeContext, copy: VmaCopy): boolean {
  return mergeCopiedRange(context, copy) || duplicateRange(context, copy, false);
}
