import { type MmError, refuse } from '@vmakit/base';
import { type MergeContext, followRange, linkDuplicate } from './merge.js';
import type { Vma, VmaOwner } from './vma.js';

/**
 * Cuts the VMA in `row` in two at page `at`, inside it. `newBelow`: the new VMA is the lower part, else the upper; the
 * old one keeps the other. No test of the map count: munmap and MAP_FIXED may exceed it by one (spec 01 section 9).
 *
 * @returns the row of the new VMA; EINVAL (a hugetlb mapping is cut only between huge pages) or ENOMEM with nothing
 * changed.
 */
export function splitRowUnchecked(
  context: MergeContext,
  mm: VmaOwner,
  row: number,
  at: number,
  newBelow: boolean,
): number | MmError {
  const { injector } = context;
  const { table } = mm.tree;
  if (table.hasExtras(row)) {
    const { file } = table.extras(row);
    if (file !== null && at % file.pagesPerUnit !== 0) {
      return refuse('EINVAL', 'spec 02.5 split: inside a huge page', { at, pagesPerUnit: file.pagesPerUnit });
    }
  }
  if (injector !== null && injector.fails('vma-alloc')) return refuse('ENOMEM', 'spec 02.5 split: VMA');
  const half = table.duplicate(table, row);
  if (newBelow) {
    table.setEnd(half, at);
  } else {
    table.setStart(half, at);
    table.setPageOffset(half, table.pageOffset(half) + at - table.start(row));
  }
  const lacking = linkDuplicate(context, mm, row, half, true);
  if (lacking !== null) {
    table.free(half);
    return refuse('ENOMEM', `spec 02.5 split: ${lacking}`);
  }
  context.onBoundary(mm, row, at);
  if (newBelow) followRange(mm, row, at, table.end(row));
  else followRange(mm, row, table.start(row), at);
  mm.tree.split(row, half);
  mm.mapCount++;
  context.mergeCounters.splits++;
  if (context.bus.observed) {
    const [low, high] = newBelow ? [half, row] : [row, half];
    const range = { start: table.start(low), end: table.end(high) };
    context.bus.emit({ type: 'vma.split', process: mm.id, ...range, at });
  }
  return half;
}

/**
 * The same with the test that every split but those of munmap makes (spec 01 section 9).
 *
 * @param maxMapCount `vm.max_map_count`
 */
export function splitRow(
  context: MergeContext,
  mm: VmaOwner,
  row: number,
  at: number,
  newBelow: boolean,
  maxMapCount: number,
): number | MmError {
  const { mapCount } = mm;
  if (mapCount >= maxMapCount) return refuse('ENOMEM', 'spec 01.9 split: map_count >= max', { mapCount, maxMapCount });
  return splitRowUnchecked(context, mm, row, at, newBelow);
}

/** The same, for VMAs as objects. */
export function splitVma(
  context: MergeContext,
  vma: Vma,
  at: number,
  newBelow: boolean,
  maxMapCount: number,
): Vma | MmError {
  const half = splitRow(context, vma.mm, vma.row, at, newBelow, maxMapCount);
  return typeof half === 'number' ? vma.table.view(half) : half;
}
