/** What a fault is for. */
export const FAULT_READ = 0;
export const FAULT_WRITE = 1;
/** Make the page exclusive to this process without writing to it (a long-term pin for reading). */
export const FAULT_UNSHARE = 2;
export type FaultAccess = 0 | 1 | 2;

/**
 * How a fault ended: not negative when the page is there now, and then how it came there; negative when the access
 * failed.
 */
export const FAULT_OK = 0;
/** The shared zero page, or the huge one, was mapped. */
export const FAULT_ZERO_PAGE = 1;
/** A new folio was mapped. */
export const FAULT_NEW = 2;
/** The page was exclusive already, or could be made so: writable in place. */
export const FAULT_REUSED = 3;
/** The page was copied. */
export const FAULT_COPIED = 4;
/** The page came from swap. */
export const FAULT_SWAPPED_IN = 5;
/** A page of the page cache was mapped. */
export const FAULT_FILE = 6;

export const FAULT_SIGSEGV: number = -1;
export const FAULT_SIGBUS: number = -2;
export const FAULT_OOM: number = -3;
/** Delivered to a userfaultfd: the page is for its owner to provide. */
export const FAULT_USERFAULT: number = -4;
/** The page is being migrated: the access waits until that is over. */
export const FAULT_MIGRATING: number = -5;
/** The page is marked as poisoned: a SIGBUS for a program, EHWPOISON for a call that would have populated it. */
export const FAULT_POISONED: number = -6;

const NAMES: Readonly<Record<number, string>> = {
  [FAULT_OK]: 'present',
  [FAULT_ZERO_PAGE]: 'zero-page',
  [FAULT_NEW]: 'new',
  [FAULT_REUSED]: 'reused',
  [FAULT_COPIED]: 'copied',
  [FAULT_SWAPPED_IN]: 'swapped-in',
  [FAULT_FILE]: 'file',
  [FAULT_SIGSEGV]: 'SIGSEGV',
  [FAULT_SIGBUS]: 'SIGBUS',
  [FAULT_OOM]: 'out-of-memory',
  [FAULT_USERFAULT]: 'userfault',
  [FAULT_MIGRATING]: 'migrating',
  [FAULT_POISONED]: 'poisoned',
};

/** The name of a result, as in the events. */
export function faultName(result: number): string {
  return NAMES[result] ?? String(result);
}
