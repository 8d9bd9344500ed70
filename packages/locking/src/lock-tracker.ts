/**
 * The lock classes of the modelled kernel, outermost first (spec 04 section 9). A lock may be taken only while no lock
 * of a later class is held, except where a rule below says otherwise.
 */
export const LOCK_CLASSES = ['mmap', 'folio', 'vma', 'i-mmap', 'anon-vma', 'page-table'] as const;

export type LockClass = (typeof LOCK_CLASSES)[number];

/** How a lock is taken. `try` never blocks and so is allowed against the order. */
export type LockMode = 'read' | 'write' | 'try';

/**
 * Told of every lock that the model takes and gives back. The model runs one operation at a time, so a tracker decides
 * nothing; it checks (the validator) or counts. Hot paths ask {@link LockTracker.enabled} first.
 */
export interface LockTracker {
  /** False for the tracker that does nothing. */
  readonly enabled: boolean;
  /** The lock `id` of `lockClass` was taken. */
  acquire(lockClass: LockClass, id: number, mode: LockMode): void;
  /** The lock was given back. */
  release(lockClass: LockClass, id: number): void;
  /** A schedule point: other tasks could run here. */
  point(name: string): void;
}

/** Does nothing: the tracker of a kernel that nobody checks. */
export const NO_LOCK_TRACKER: LockTracker = {
  enabled: false,
  acquire: () => undefined,
  release: () => undefined,
  point: () => undefined,
};
