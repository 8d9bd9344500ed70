export { type EntryVisitor, type TableVisitor, walkEntries } from './entry-walk.js';
export { ArmedInjector, CountingInjector, FailNth } from './injectors.js';
export { type CheckedWhen, INVARIANTS, type Invariant } from './invariant-list.js';
export { InvariantChecker, checkInvariants } from './invariant-checker.js';
export {
  GUARDED,
  type MappingImage,
  MemoryImage,
  POISONED,
  type PageIdentity,
  contentAt,
  identityAt,
} from './memory-image.js';
export { type MremapCall, MremapContract } from './mremap-contract.js';
export { type Violation, ViolationList, describeViolation } from './violation.js';
