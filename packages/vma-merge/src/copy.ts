import { NONE } from '@vmakit/base';
import { type MergeContext, linkDuplicate, mergeNewRange } from './merge.js';
import type { VmaTable } from './vma-table.js';
import type { VmaOwner } from './vma.js';

/**
 * The VMA side of one move: what is copied where, then what came of it. Pages.
 *
 * Whoever moves has one and begins it anew for each move: nothing is allocated.
 */
export class VmaCopy {
  mm!: VmaOwner;
  /**
   * Row of the VMA that is moved; from the copy on that of the merged one, if the merge removed it (spec 02 section 7,
   * step 4).
   */
  sourceRow: number = NONE;
  /** First page of the source that is moved. */
  sourceStart = 0;
  start = 0;
  pages = 0;
  /** MREMAP_DONTUNMAP: the source VMA stays. */
  keepSource = false;

  /** Row of the VMA at the destination; {@link NONE}: not made. */
  row: number = NONE;
  merged = false;
  /** Reverse-map walkers must be locked out while tables move, since they would meet the destination first. */
  needRmapLocks = false;
  /** Offsets of the moved range. */
  pageOffset = 0;
  anonPageOffset = 0;

  /** Begins a copy of a part of that VMA: which one and where to, `sourceStart`, `start` and `pages`, is to be set. */
  begin(mm: VmaOwner, sourceRow: number, keepSource: boolean): this {
    this.mm = mm;
    this.sourceRow = sourceRow;
    this.keepSource = keepSource;
    this.row = NONE;
    this.merged = false;
    this.needRmapLocks = false;
    return this;
  }
}

/** Offsets of a moved range: those it has, unless unfaulted memory starts afresh (spec 02 section 7, step 1). */
function settleOffsets(context: MergeContext, copy: VmaCopy): void {
  const { sourceRow: source } = copy;
  const { table } = copy.mm.tree;
  const before = copy.sourceStart - table.start(source);
  copy.pageOffset = table.pageOffset(source) + before;
  copy.anonPageOffset = table.anonPageOffset(source) + before;
  if (table.isFaulted(source)) return;
  if (table.isAnonymous(source)) copy.pageOffset = copy.start;
  copy.anonPageOffset = context.profile.anonPageOffset ? copy.start : copy.pageOffset;
}

/**
 * The merge that a move tries at its destination, with the offset it has (spec 02 section 7, steps 1 to 4).
 *
 * @returns false when it does not merge; nothing has changed then.
 */
export function mergeCopiedRange(context: MergeContext, copy: VmaCopy): boolean {
  const { mm, sourceRow: source } = copy;
  const { tree } = mm;
  const { table } = tree;
  const { profile } = context;
  settleOffsets(context, copy);
  const uffd = table.uffd(source);
  if (uffd !== null && !uffd.remapEvents && profile.copyMergeRefusesUffd) return false;
  const { start } = copy;
  const next = tree.findRow(start);
  const prev = tree.rowBefore(next);
  if (!context.bus.observed && !offsetGoesOn(table, copy, prev, next)) return false;
  const request = mm.mergeRequest.begin('copy', start, start + copy.pages, copy.pageOffset, table.flags(source));
  request.anonPageOffset = copy.anonPageOffset;
  request.takeAttributes(source);
  request.copiedFromRow = source;
  const keepApart = copy.keepSource && profile.dontUnmapRefusesSelfMerge ? source : NONE;
  request.nextRow = next === keepApart ? NONE : next;
  request.prevRow = prev === keepApart ? NONE : prev;
  const merged = mergeNewRange(context, request);
  if (merged === NONE) return false;
  copy.row = merged;
  copy.merged = true;
  if (!table.isAttached(source)) copy.sourceRow = merged;
  copy.needRmapLocks = table.pageOffset(merged) <= table.pageOffset(copy.sourceRow);
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
  const { mm, sourceRow: source, start } = copy;
  if (injector !== null && injector.fails('vma-alloc')) return false;
  const { table } = mm.tree;
  const row = table.duplicate(table, source);
  table.setStart(row, start);
  table.setEnd(row, start + copy.pages);
  table.setPageOffset(row, fresh ? start : copy.pageOffset);
  table.setAnonPageOffset(row, fresh ? start : copy.anonPageOffset);
  if (linkDuplicate(context, mm, source, row, !fresh) !== null) {
    table.free(row);
    return false;
  }
  mm.tree.insert(row);
  mm.mapCount++;
  copy.row = row;
  return true;
}

/**
 * The destination of an ordinary move: merged if possible, else a copy; false when memory ran out (spec 02 section 7).
 */
export function copyVma(context: MergeContext, copy: VmaCopy): boolean {
  return mergeCopiedRange(context, copy) || duplicateRange(context, copy, false);
}
