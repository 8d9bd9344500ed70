export { type EntryVisitor, type TableVisitor, walkEntries } from './entry-walk.js';
export { ArmedInjector, CountingInjector, FailNth } from './injectors.js';
export { InvariantChecker, checkInvariants } from './invariant-checker.js';
export { type Violation, ViolationList, describeViolation } from './violation.js';
