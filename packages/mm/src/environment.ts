import type { FaultInjector, KernelProfile } from '@vmakit/base';
import type { KernelBus } from '@vmakit/events';
import type { MappedFile, PhysicalMemory, SwapSpace } from '@vmakit/folio';
import type { LockTracker } from '@vmakit/locking';
import type { Arch, TablePool, TlbCounters } from '@vmakit/pagetable';
import type { AnonVmaRegistry } from '@vmakit/rmap';
import { type MergeContext, MergeCounters, type VmaOwner } from '@vmakit/vma-merge';
import type { Mm } from './mm.js';
import { type MmSettings, defaultSettings } from './settings.js';
import { KsmState } from './pages/ksm-pages.js';
import { LruCaches } from './pages/lru-caches.js';
import { splitHugeEntryAt } from './pages/thp.js';

/** What an environment is made of. */
export interface EnvironmentParts {
  readonly arch: Arch;
  readonly profile: KernelProfile;
  readonly memory: PhysicalMemory;
  readonly swap: SwapSpace;
  readonly anonVmas: AnonVmaRegistry;
  readonly tablePool: TablePool;
  readonly tlb: TlbCounters;
  readonly bus: KernelBus;
  readonly locks: LockTracker;
  readonly injector?: FaultInjector | null;
  readonly settings?: Partial<MmSettings>;
}

/** Knows whether code of a policy is running, which must not make calls. The policies of a kernel are one. */
export interface CallGuard {
  readonly isRunning: boolean;
  /** Throws, naming the policy. */
  refuseReentry(call: string): void;
}

/** The machine and kernel that address spaces live in: what all of them share. One for each kernel. */
export class MmEnvironment implements MergeContext {
  readonly arch: Arch;
  readonly profile: KernelProfile;
  readonly memory: PhysicalMemory;
  readonly swap: SwapSpace;
  readonly anonVmas: AnonVmaRegistry;
  readonly tablePool: TablePool;
  readonly tlb: TlbCounters;
  readonly bus: KernelBus;
  readonly locks: LockTracker;
  readonly settings: MmSettings;
  readonly files: Map<number, MappedFile> = new Map();
  /** What the same-page merger has merged. */
  readonly ksm: KsmState = new KsmState();
  /** Folios on their way to the LRU lists. */
  readonly lru: LruCaches;
  readonly mergeCounters: MergeCounters = new MergeCounters();
  /** Asked at the beginning of every call; null in a kernel without policies. */
  callGuard: CallGuard | null = null;
  #injector: FaultInjector | null = null;
  /** `vm_committed_as`: pages charged, over all processes. */
  committed = 0;
  /** Of these, pages that no mapping will give back: growth of a stack-like mapping that is not accounted. */
  committedForGood = 0;
  /** Ids of address spaces, files and userfaultfds, each given once. */
  nextMmId = 1;
  nextFileId = 1;
  nextUserfaultId = 1;

  constructor(parts: EnvironmentParts) {
    this.arch = parts.arch;
    this.profile = parts.profile;
    this.memory = parts.memory;
    this.lru = new LruCaches(parts.memory);
    this.swap = parts.swap;
    this.anonVmas = parts.anonVmas;
    this.tablePool = parts.tablePool;
    this.tlb = parts.tlb;
    this.bus = parts.bus;
    this.locks = parts.locks;
    this.settings = defaultSettings(parts.arch, parts.settings);
    this.injector = parts.injector ?? null;
  }

  /** Decides which points fail; null: none does. May be exchanged between calls. */
  get injector(): FaultInjector | null {
    return this.#injector;
  }

  set injector(injector: FaultInjector | null) {
    this.#injector = injector;
    this.memory.injector = injector;
    this.swap.injector = injector;
    this.tablePool.refuse = injector === null ? null : (level) => tableFails(injector, level);
  }

  readonly onBoundary = (mm: VmaOwner, row: number, page: number): void => splitHugeEntryAt(mm as Mm, row, page);
}

/** The top table of an address space is not asked for here but by fork, which can give up. */
function tableFails(injector: FaultInjector, level: string): boolean {
  const point = TABLE_POINT[level];
  return point !== undefined && injector.fails(point);
}

const TABLE_POINT: Readonly<Record<string, 'page-table-pud' | 'page-table-pmd' | 'page-table-pte'>> = {
  pte: 'page-table-pte',
  pmd: 'page-table-pmd',
  pud: 'page-table-pud',
  p4d: 'page-table-pud',
};
