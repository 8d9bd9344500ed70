export {
  AnonVma,
  type AnonVmaChain,
  type RmapMm,
  type RmapVma,
  type RmapVmaTable,
  anonIndex,
  anonVmaIdOf,
  anonVmaOf,
} from './anon-vma.js';
export {
  chainOf,
  forEachOverlap,
  insertLink,
  isChainSingular,
  linksOf,
  moveAllLinks,
  removeLink,
} from './anon-vma-links.js';
export { AnonVmaRegistry } from './anon-vma-registry.js';
export { LinkTable } from './link-table.js';
export {
  type RmapContext,
  STICKY_FLAGS,
  anonVmaClone,
  anonVmaFork,
  anonVmaPrepare,
  findMergeableAnonVma,
  getAnonVma,
  isForkChild,
  maybeShared,
  putAnonVma,
  unlinkAnonVmas,
} from './anon-vma-operations.js';
export {
  addAnonRmapPmd,
  addAnonRmapPtes,
  addNewAnonRmapPage,
  addNewAnonRmapPmd,
  addNewAnonRmapPtes,
  addRmapPmd,
  addRmapPtes,
  isAnonExclusive,
  maybeDmaPinned,
  maybeMappedShared,
  moveAnonRmap,
  removeRmapPmd,
  removeRmapPtes,
  setAnonRmap,
  splitRmapPmd,
  tryShareAnonRmap,
} from './folio-rmap.js';
export { type MemoryPolicy, policiesEqual } from './memory-policy.js';
export { type RmapVisitor, rmapWalkAnon } from './rmap-walk.js';
