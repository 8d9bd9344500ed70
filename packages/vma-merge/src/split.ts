import { type MmError, refuse } from '@vmakit/base';
import { anonVmaClone, unlinkAnonVmas } from '@vmakit/rmap';
import { type MergeContext, followRange, treeNodeFails } from './merge.js';
import { type Vma, duplicateVma } from './vma.js';

/**
 * Cuts `vma` in two at page `at`, inside it. `newBelow`: the new VMA is the lower part, else the upper; `vma` keeps the
 * other. No test of the map count: munmap and MAP_FIXED may exceed it by one (spec 01 section 9).
 *
 * @returns the new VMA; EINVAL (a hugetlb mapping is cut only between huge pages) or ENOMEM with nothing changed.
 */
export function splitVmaUnchecked(context: MergeContext, vma: Vma, at: number, newBelow: boolean): Vma | MmError {
  const { injector } = context;
  if (vma.file !== null && at % vma.file.pagesPerUnit !== 0) {
    return refuse('EINVAL', 'spec 02.5 split: inside a huge page', { at, pagesPerUnit: vma.file.pagesPerUnit });
  }
  if (injector !== null && injector.fails('vma-alloc')) return refuse('ENOMEM', 'spec 02.5 split: VMA');
  const half = duplicateVma(vma);
  if (newBelow) {
    half.end = at;
  } else {
    const shift = at - vma.start;
    half.start = at;
    half.pageOffset += shift;
  }
  if (vma.policy !== null && injector !== null && injector.fails('policy-duplicate')) {
    return refuse('ENOMEM', 'spec 02.5 split: memory policy');
  }
  half.anonVmaSlot = vma.anonVmaSlot;
  if (!anonVmaClone(context, half, vma, 'split')) return refuse('ENOMEM', 'spec 02.5 split: anon_vma links');
  if (treeNodeFails(injector)) {
    unlinkAnonVmas(context, half);
    return refuse('ENOMEM', 'spec 02.5 split: tree node');
  }
  context.onBoundary(vma, at);
  if (newBelow) followRange(vma, at, vma.end);
  else followRange(vma, vma.start, at);
  vma.mm.tree.split(vma, half);
  vma.mm.mapCount++;
  context.mergeCounters.splits++;
  if (context.bus.observed) {
    const [start, end] = newBelow ? [half.start, vma.end] : [vma.start, half.end];
    context.bus.emit({ type: 'vma.split', process: vma.mm.id, start, end, at });
  }
  return half;
}

/**
 * The same with the test that every split but those of munmap makes (spec 01 section 9).
 *
 * @param maxMapCount `vm.max_map_count`
 */
export function splitVma(
  context: MergeContext,
  vma: Vma,
  at: number,
  newBelow: boolean,
  maxMapCount: number,
): Vma | MmError {
  const { mapCount } = vma.mm;
  if (mapCount >= maxMapCount) return refuse('ENOMEM', 'spec 01.9 split: map_count >= max', { mapCount, maxMapCount });
  return splitVmaUnchecked(context, vma, at, newBelow);
}
