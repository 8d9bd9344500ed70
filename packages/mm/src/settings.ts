import type { Arch } from '@vmakit/pagetable';

/** When transparent huge pages of a size are used: as `/sys/kernel/mm/transparent_hugepage` says it. */
export type ThpMode = 'never' | 'madvise' | 'always';
export type ThpSizeMode = ThpMode | 'inherit';

/** Transparent huge pages. */
export interface ThpSettings {
  /** The global mode. */
  readonly enabled: ThpMode;
  /** The mode of each folio size by order; sizes not named are never used. */
  readonly sizes: ReadonlyMap<number, ThpSizeMode>;
  /** The huge zero page is used for reads. */
  readonly useZeroPage: boolean;
}

/** Overcommit: `vm.overcommit_memory` 0, 1, 2. */
export type OvercommitMode = 'guess' | 'always' | 'never';

/**
 * The settings of the machine and its kernel that shape address spaces (spec 01). Pages unless said otherwise.
 *
 * A class, not a literal: the engine forgets the shape of a literal between one kernel and the next, and with it the
 * code compiled for it.
 */
export class MmSettings {
  /** `vm.max_map_count`. Changes while the machine runs. */
  maxMapCount: number;
  /** `vm.mmap_min_addr`. */
  mmapMinPage: number;
  /** `stack_guard_gap`. */
  stackGuardGap: number;
  overcommit: OvercommitMode;
  /** Commit limit of overcommit mode `never`. */
  commitLimit: number;
  /** RAM and swap together: more at once is refused by overcommit mode `guess`. */
  totalPages: number;
  thp: ThpSettings;
  /** Soft-dirty tracking is configured (never on arm64). */
  softDirty: boolean;
  /** Processes have CAP_IPC_LOCK. */
  canLockBeyondLimit: boolean;
  /** Names of anonymous memory are configured (prctl PR_SET_VMA). */
  anonymousNames: boolean;
  /** Protection keys that the processor offers, key 0 included; 0: none. Execute-only memory takes one. */
  protectionKeys: number;
  /** A read fault in a file maps cached pages around it, up to this many bytes. */
  faultAroundBytes: number;
  /** Pages mapped around a read fault come without the accessed mark: the processor sets it by itself (arm64). */
  prefaultOld: boolean;
  /** MADV_DONTNEED of all that a table of the lowest level maps gives the table back too (x86-64; 6.14 and later). */
  reclaimsEmptyTables: boolean;
  /** Large folios go to swap whole; else they are split first (arm64 with pages of 16 and 64 KiB). */
  swapLargeFolios: boolean;

  /** The defaults of the kernel, but for what is given. */
  constructor(arch: Arch, given: Partial<MmSettings>) {
    const page = 2 ** arch.pageShift;
    const isX86 = arch.family === 'x86-64';
    this.maxMapCount = given.maxMapCount ?? 65530;
    this.mmapMinPage = given.mmapMinPage ?? Math.ceil(65536 / page);
    this.stackGuardGap = given.stackGuardGap ?? 256;
    this.overcommit = given.overcommit ?? 'guess';
    this.commitLimit = given.commitLimit ?? 2 ** 40 / page;
    this.totalPages = given.totalPages ?? 2 ** 40 / page;
    this.thp = given.thp ?? { enabled: 'madvise', sizes: new Map([[arch.pmdOrder, 'inherit']]), useZeroPage: true };
    this.softDirty = given.softDirty ?? arch.hasSoftDirty;
    this.canLockBeyondLimit = given.canLockBeyondLimit ?? false;
    this.anonymousNames = given.anonymousNames ?? true;
    this.protectionKeys = given.protectionKeys ?? (isX86 ? arch.protectionKeys : 0);
    this.faultAroundBytes = given.faultAroundBytes ?? 65536;
    this.prefaultOld = given.prefaultOld ?? arch.family === 'arm64';
    this.reclaimsEmptyTables = given.reclaimsEmptyTables ?? isX86;
    this.swapLargeFolios = given.swapLargeFolios ?? page === 4096;
  }
}

/** The settings of an ordinary machine, the defaults of the kernel, but for those that are given. */
export function defaultSettings(arch: Arch, given: Partial<MmSettings> = {}): MmSettings {
  return new MmSettings(arch, given);
}
