export { type Contribution, type ExtensionPoint, defineExtensionPoint } from './extension-point.js';
export { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, STOCK_FLAGS, STOCK_FLAG_MASK, flagNames } from './flags.js';
export { Leaf, LeafKind } from './leaf.js';
export type { DestinationMerge, DestinationMergeResult, FolioSplit, LeafVisitor, Move } from './move.js';
export { mremap } from './mremap.js';
export type { RawMremap } from './parameters.js';
export {
  type DestinationPlan,
  LEAF_AGAIN,
  LEAF_FAIL,
  LEAF_NEXT,
  LEAF_PLACE,
  LEAF_SPLIT_UNLOCKED,
  type MoveDecision,
  type MoveDeviations,
  type MremapPolicy,
  type PassDecision,
  type PolicyContext,
  type PolicyDefinition,
  type PolicyFlag,
  type PolicyHooks,
  type RefuseDecision,
  type TakeDecision,
  type UndoReason,
  definePolicy,
  pass,
  refuseMove,
  take,
} from './policy.js';
export { PolicyCounters } from './policy-counters.js';
export { type HookName, PolicyConflictError, PolicyError } from './policy-error.js';
export { type BoundPolicy, type PolicyEnvironment, PolicySet } from './policy-set.js';
