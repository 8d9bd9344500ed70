export { VmaCopy, copyVma, duplicateRange, mergeCopiedRange } from './copy.js';
export { mergeExistingRange, mergeNewRange, moveBoundaries, type MergeContext } from './merge.js';
export { MergeCounters } from './merge-counters.js';
export { MERGE_RULES, MergeRequest, type MergeRule } from './merge-request.js';
export { type MergeRefusal, describeRule, explainUnmerged } from './merge-report.js';
export { type VmaChange, mergeExtend, modifyVma } from './modify.js';
export { splitVma, splitVmaUnchecked } from './split.js';
export {
  type UserfaultContext,
  Vma,
  type VmaOwner,
  allocateVma,
  duplicateVma,
  freeVma,
  isAnonymous,
  isMappedAt,
  pageOffsetAt,
} from './vma.js';
export { type MemoryPolicy, policiesEqual } from '@vmakit/rmap';
export type { Hole } from './hole.js';
export { VmaTree } from './vma-tree.js';
