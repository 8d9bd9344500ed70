import { LockValidator } from '@vmakit/locking';
import type { Subject } from './subject.js';

/** S7: nothing is locked between operations. Seen only when the kernel was made with a lock validator. */
export function checkLocks(subject: Subject): void {
  const { locks } = subject.env;
  if (!(locks instanceof LockValidator)) return;
  for (const { lockClass, id, mode } of locks.held()) {
    subject.violations.add('S7', 'every lock is free between operations', { lock: `${lockClass} ${id}`, mode });
  }
}
