export { LOCK_CLASSES, type LockClass, type LockMode, type LockTracker, NO_LOCK_TRACKER } from './lock-tracker.js';
export { type HeldLock, LockError, LockValidator } from './lock-validator.js';
