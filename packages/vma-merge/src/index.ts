export { VmaCopy, copyVma, duplicateRange, mergeCopiedRange } from './copy.js';
export { mergeExistingRange, mergeNewRange, moveBoundaries, type MergeContext } from './merge.js';
export { MergeCounters } from './merge-counters.js';
export { MERGE_RULES, MergeRequest, type MergeRule } from './merge-request.js';
export { type MergeRefusal, describeRule, explainUnmerged } from './merge-report.js';
export { type VmaChange, mergeExtend, modifyRow, modifyVma } from './modify.js';
export { splitRow, splitRowUnchecked, splitVma } from './split.js';
export {
  type UserfaultContext,
  Vma,
  type VmaOwner,
  allocateVma,
  duplicateVma,
  freeVma,
  isAnonymous,
  isForkChildRow,
  pageOffsetAt,
} from './vma.js';
export { type MemoryPolicy, policiesEqual } from '@vmakit/rmap';
export type { Hole } from './hole.js';
export { MOST_ANTICIPATED } from './pages-ahead.js';
export { VmaTable } from './vma-table.js';
export { VmaTree } from './vma-tree.js';
