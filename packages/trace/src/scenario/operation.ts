import type { Amount } from './amount.js';

/** The `MAP_*` names that an `mmap` may use. */
export const MAP_FLAG_NAMES = [
  'SHARED',
  'PRIVATE',
  'SHARED_VALIDATE',
  'DROPPABLE',
  'FIXED',
  'ANONYMOUS',
  '32BIT',
  'GROWSDOWN',
  'DENYWRITE',
  'EXECUTABLE',
  'LOCKED',
  'NORESERVE',
  'POPULATE',
  'NONBLOCK',
  'STACK',
  'HUGETLB',
  'SYNC',
  'FIXED_NOREPLACE',
] as const;
export type MapFlagName = (typeof MAP_FLAG_NAMES)[number];

/** The `MREMAP_*` names; `UNKNOWN_32` is a bit that has no meaning. */
export const MREMAP_FLAG_NAMES = [
  'MAYMOVE',
  'FIXED',
  'DONTUNMAP',
  'RELOCATE_ANON',
  'MUST_RELOCATE_ANON',
  'UNKNOWN_32',
] as const;
export type MremapFlagName = (typeof MREMAP_FLAG_NAMES)[number];

/** The `MADV_*` names. */
export const ADVICE_NAMES = [
  'NORMAL',
  'RANDOM',
  'SEQUENTIAL',
  'WILLNEED',
  'DONTNEED',
  'FREE',
  'REMOVE',
  'DONTFORK',
  'DOFORK',
  'MERGEABLE',
  'UNMERGEABLE',
  'HUGEPAGE',
  'NOHUGEPAGE',
  'DONTDUMP',
  'DODUMP',
  'WIPEONFORK',
  'KEEPONFORK',
  'COLD',
  'PAGEOUT',
  'POPULATE_READ',
  'POPULATE_WRITE',
  'DONTNEED_LOCKED',
  'COLLAPSE',
  'GUARD_INSTALL',
  'GUARD_REMOVE',
] as const;
export type AdviceName = (typeof ADVICE_NAMES)[number];

export const RLIMIT_NAMES = ['MEMLOCK', 'AS', 'DATA'] as const;
export type RlimitName = (typeof RLIMIT_NAMES)[number];

export const UFFD_MODES = ['wp', 'missing'] as const;
export type UffdMode = (typeof UFFD_MODES)[number];

/** `rwx` with `-` for what is not allowed. */
export type ProtectionText = string;

interface OnProcess {
  /** Number of the process that does it. */
  readonly p: number;
}

interface OnRange extends OnProcess {
  readonly addr: Amount;
  readonly len: Amount;
}

export interface MmapOperation extends OnProcess {
  readonly op: 'mmap';
  /** The hint or fixed address; absent in the file: `null`, the kernel gets 0. */
  readonly addr: Amount | null;
  readonly len: Amount;
  readonly prot: ProtectionText;
  readonly flags: readonly MapFlagName[];
  /** Number of a memfd; `null` for none. */
  readonly fd: number | null;
  readonly off: Amount;
}

export interface MremapOperation extends OnProcess {
  readonly op: 'mremap';
  readonly addr: Amount;
  readonly oldLen: Amount;
  readonly newLen: Amount;
  readonly flags: readonly MremapFlagName[];
  /** `null`: absent, the kernel gets 0. */
  readonly newAddr: Amount | null;
}

export interface MunmapOperation extends OnRange {
  readonly op: 'munmap';
}

export interface MprotectOperation extends OnRange {
  readonly op: 'mprotect';
  readonly prot: ProtectionText;
}

export interface MadviseOperation extends OnRange {
  readonly op: 'madvise';
  readonly advice: AdviceName;
}

export interface MlockOperation extends OnRange {
  readonly op: 'mlock';
  readonly onfault: boolean;
}

export interface MunlockOperation extends OnRange {
  readonly op: 'munlock';
}

export interface MsealOperation extends OnRange {
  readonly op: 'mseal';
}

/** Accesses the first byte of every `stride`-th page in turn; a write stores `value` there. */
export interface TouchOperation extends OnRange {
  readonly op: 'touch';
  readonly write: boolean;
  readonly stride: number;
  readonly value: number;
}

export interface ForkOperation extends OnProcess {
  readonly op: 'fork';
  /** The number of the new process. */
  readonly child: number;
}

export interface ExitOperation extends OnProcess {
  readonly op: 'exit';
}

export interface MemfdOperation extends OnProcess {
  readonly op: 'memfd';
  /** The number for later use. */
  readonly fd: number;
  readonly len: Amount;
}

export interface PinOperation extends OnRange {
  readonly op: 'pin';
  readonly write: boolean;
}

export interface UnpinOperation extends OnProcess {
  readonly op: 'unpin';
}

export interface RlimitOperation extends OnProcess {
  readonly op: 'rlimit';
  readonly what: RlimitName;
  /** `AS` and `DATA`: on top of what the process had at the start of the scenario. */
  readonly pages: number;
}

export interface MapLimitOperation extends OnProcess {
  readonly op: 'maplimit';
  /** Mappings allowed inside the window. */
  readonly vmas: number;
}

export interface UffdOperation extends OnRange {
  readonly op: 'uffd';
  readonly mode: UffdMode;
  /** Whether fork, remap, remove and unmap events were asked for. */
  readonly events: boolean;
  /** The feature bits asked for when the userfaultfd was opened. */
  readonly features: number;
}

export interface UffdWpOperation extends OnRange {
  readonly op: 'uffdwp';
  readonly protect: boolean;
}

export interface UffdPoisonOperation extends OnRange {
  readonly op: 'uffdpoison';
}

export interface ClearRefsOperation extends OnProcess {
  readonly op: 'clearrefs';
}

export interface KsmScanOperation extends OnProcess {
  readonly op: 'ksmscan';
}

export interface FailMoveOperation extends OnProcess {
  readonly op: 'failmove';
  readonly n: number;
}

export interface FailRelocOperation extends OnProcess {
  readonly op: 'failreloc';
  readonly n: number;
}

export interface WordsOperation extends OnRange {
  readonly op: 'words';
  /** The folio of this page is being migrated during the look; `null` for none. */
  readonly migrate: number | null;
}

/** One operation of a scenario, with every default filled in (golden/FORMAT.md "Operations" and "Raw words"). */
export type Operation =
  | MmapOperation
  | MunmapOperation
  | MremapOperation
  | MprotectOperation
  | MadviseOperation
  | MlockOperation
  | MunlockOperation
  | MsealOperation
  | TouchOperation
  | ForkOperation
  | ExitOperation
  | MemfdOperation
  | PinOperation
  | UnpinOperation
  | RlimitOperation
  | MapLimitOperation
  | UffdOperation
  | UffdWpOperation
  | UffdPoisonOperation
  | ClearRefsOperation
  | KsmScanOperation
  | FailMoveOperation
  | FailRelocOperation
  | WordsOperation;

export type OperationName = Operation['op'];
