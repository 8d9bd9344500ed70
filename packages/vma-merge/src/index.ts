export * from './copy.js';
export { mergeExistingRange, mergeNewRange, moveBoundaries, type MergeContext } from './merge.js';
export { MERGE_RULES, MergeRequest, type MergeRule } from './merge-request.js';
export { type MergeRefusal, describeRule, explainUnmerged } from './merge-report.js';
export * from './modify.js';
export * from './split.js';
export * from './vma.js';
export { VmaTree } from './vma-tree.js';
export type { Hole } from './vma-tree-gaps.js';
