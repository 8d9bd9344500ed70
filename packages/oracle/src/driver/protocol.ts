/**
 * The words spoken with the native helper (`native/driver.h` says the same in C). Everything is 32-bit little-endian
 * words; 64-bit values are two of them, the low one first.
 */

export const PROTOCOL_VERSION = 1;

/** The window of the processes that programs run in, byte address and pages (`native/driver.h`). */
export const ARENA_START = 0x100000000000;
export const ARENA_PAGES = 4096;

/** Most operations of one program. */
export const MAX_OPERATIONS = 65536;
export const OPERATION_BYTES = 56;
/** Numbers of processes and memfds are below this. */
export const MAX_PROCESSES = 64;
export const MAX_FILES = 64;

export const OP_LOOK = 0;
export const OP_MMAP = 1;
export const OP_MUNMAP = 2;
export const OP_MREMAP = 3;
export const OP_MPROTECT = 4;
export const OP_MADVISE = 5;
export const OP_MLOCK = 6;
export const OP_MUNLOCK = 7;
export const OP_MSEAL = 8;
export const OP_TOUCH = 9;
export const OP_FORK = 10;
export const OP_EXIT = 11;
export const OP_MEMFD = 12;
export const OP_PIN = 13;
export const OP_UNPIN = 14;
export const OP_RLIMIT = 15;
export const OP_MAPLIMIT = 16;
export const OP_UFFD = 17;
export const OP_UFFD_WP = 18;
export const OP_UFFD_POISON = 19;
export const OP_CLEARREFS = 20;

/** How much of the acting process's state an operation reports. */
export const WANT_MAPS = 1;
/** Also each mapping's flags. */
export const WANT_FLAGS = 2;
/** Also map count and flags of each page's frame. */
export const WANT_COUNTS = 4;
/** Also how many pages are locked. */
export const WANT_LOCKED = 8;

export const OUTCOME_VALUE = 0;
export const OUTCOME_ERROR = 1;
export const OUTCOME_SIGSEGV = 2;
export const OUTCOME_SIGBUS = 3;
export const OUTCOME_DIED = 4;
export const OUTCOME_OMITTED = 5;
export const OUTCOME_HUNG = 6;

/** The value of an OUTCOME_OMITTED when there is no such process. */
export const OMITTED_NO_PROCESS = 1;

export const STATUS_COMPLETE = 0;
export const STATUS_DIED = 1;
export const STATUS_HUNG = 2;
export const STATUS_OVERFLOW = 3;
export const STATUS_NO_PROCESS = 4;

/** Words of a record before its process states: operation, outcome, value (2), number of states. */
export const RECORD_HEAD = 5;
/** Words of a process state before its mappings: process, what is in it, total, data, locked, mappings, runs. */
export const STATE_HEAD = 7;
/** Words of a mapping: start, end, protection, inode, page offset, flags (2). */
export const MAPPING_WORDS = 7;
/** Words of a run of pages: first page, count, frame of the first, bits, map count, frame flags. */
export const RUN_WORDS = 6;

/** Bits of a page-table entry as reported. The first byte of the page is at {@link ENTRY_CONTENT_SHIFT}. */
export const ENTRY_PRESENT = 1;
export const ENTRY_SWAP = 2;
/** The page belongs to a file or to shared memory. */
export const ENTRY_FILE = 4;
/** The page is mapped once. */
export const ENTRY_EXCLUSIVE = 8;
export const ENTRY_SOFT_DIRTY = 16;
export const ENTRY_UFFD_WP = 32;
export const ENTRY_GUARD = 64;
/** The first byte was read. */
export const ENTRY_CONTENT = 128;
export const ENTRY_CONTENT_SHIFT = 16;

/** What the helper says of itself and the machine when it starts. */
export interface Greeting {
  readonly pageSize: number;
  /** Frame of the zero page; 0: frame numbers are hidden (not root). */
  readonly zeroFrame: number;
  /** Map counts and flags of frames can be read (root). */
  readonly frameCounts: boolean;
  readonly userfaultfd: boolean;
  /** Long-term pins can be made. */
  readonly pins: boolean;
  readonly mseal: boolean;
  /** Pages that can be locked without CAP_IPC_LOCK; `Infinity`: no limit. */
  readonly lockLimitPages: number;
}

/** Reads the first frame of a helper, `null` when it speaks another version. */
export function readGreeting(words: Uint32Array): Greeting | null {
  const at = (index: number): number => words[index] ?? 0;
  if (at(0) !== PROTOCOL_VERSION) return null;
  return {
    pageSize: at(1),
    zeroFrame: at(2),
    frameCounts: at(3) !== 0,
    userfaultfd: at(4) !== 0,
    pins: at(5) !== 0,
    mseal: at(6) !== 0,
    lockLimitPages: at(8) === 0xffffffff ? Infinity : at(8),
  };
}
