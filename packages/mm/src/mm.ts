import type { VmFlags } from '@vmakit/base';
import { PageTables } from '@vmakit/pagetable';
import type { AnonVmaRegistry } from '@vmakit/rmap';
import { MergeRequest, type UserfaultContext, VmaTree, type VmaOwner } from '@vmakit/vma-merge';
import { GatheredRange } from './calls/gathered-range.js';
import type { MmEnvironment } from './environment.js';
import { ForkCopy } from './pages/fork-tables.js';
import type { KsmPages } from './pages/ksm-pages.js';

/**
 * Where an address space may put things (spec 01 section 8). Page numbers. A class for the reason that
 * `MmSettings` are one.
 */
export class MmLayout {
  /** Top of the address space: mappings end at or below it. */
  taskSize: number;
  /** Where the search from the top begins. */
  mmapBase: number;
  /** Where the search from the bottom begins, the fallback. */
  unmappedBase: number;
  topDown: boolean;
  /**
   * Everything outside [start, end) counts as taken when the kernel chooses an address: the arena of recorded
   * scenarios. Null: an ordinary process.
   */
  window: { readonly start: number; readonly end: number } | null;
  /** A 32-bit process. */
  compat: boolean;

  constructor(like: MmLayout, changes: Partial<MmLayout>) {
    this.taskSize = changes.taskSize ?? like.taskSize;
    this.mmapBase = changes.mmapBase ?? like.mmapBase;
    this.unmappedBase = changes.unmappedBase ?? like.unmappedBase;
    this.topDown = changes.topDown ?? like.topDown;
    this.window = changes.window === undefined ? like.window : changes.window;
    this.compat = changes.compat ?? like.compat;
  }
}

/** A layout like `like` but for `changes`. */
export function copyLayout(like: MmLayout, changes: Partial<MmLayout> = {}): MmLayout {
  return new MmLayout(like, changes);
}

/** Resource limits; pages, `Infinity` for none. */
export interface MmLimits {
  /** RLIMIT_AS. */
  addressSpace: number;
  /** RLIMIT_DATA. */
  data: number;
  /** The hard limit of RLIMIT_DATA: what counts while the soft one is 0 (spec 01 section 9). */
  dataHard: number;
  /** RLIMIT_STACK. */
  stack: number;
  /** RLIMIT_MEMLOCK. */
  lockedMemory: number;
}

/** One address space: `mm_struct`. All counters are pages (spec 01 section 1). */
export class Mm implements VmaOwner {
  readonly env: MmEnvironment;
  readonly anonVmas: AnonVmaRegistry;
  readonly id: number;
  readonly tree: VmaTree = new VmaTree(this);
  readonly pages: PageTables;
  layout: MmLayout;
  limits: MmLimits = {
    addressSpace: Infinity,
    data: Infinity,
    dataHard: Infinity,
    stack: 2048,
    lockedMemory: Infinity,
  };

  mapCount = 0;
  /** The unmapping in progress, if there is one. */
  readonly gathered: GatheredRange = new GatheredRange(this);
  readonly mergeRequest: MergeRequest = new MergeRequest(this);
  /** The fork of this address space in progress, or the last one. */
  readonly forkCopy: ForkCopy = new ForkCopy(this);
  totalVm = 0;
  dataVm = 0;
  execVm = 0;
  stackVm = 0;
  lockedVm = 0;
  /** Greatest `totalVm` at rest. */
  hiwaterVm = 0;

  rssAnon = 0;
  rssFile = 0;
  rssShmem = 0;
  swapEntries = 0;

  /** Flags given to every new mapping: mlockall(MCL_FUTURE). */
  defFlags: VmFlags = 0;
  /** prctl(PR_SET_MEMORY_MERGE): anonymous mappings become KSM-mergeable. */
  mergeAny = false;
  /** Some page of this address space was pinned once (fork must look for pins). */
  hasPinned = false;
  /** The frames that the process has pinned, one entry for each pin. */
  readonly pinnedFrames: number[] = [];
  /** What KSM remembers of the pages of this address space; null: nothing. */
  ksm: KsmPages | null = null;
  /** The userfaultfd of the process. */
  uffd: UserfaultContext | null = null;

  /**
   * Where a recording says that the kernel put the next thing for which it chooses an address; -1: not said. Taken by
   * the next search, instead of searching.
   */
  nextPlacement = -1;

  /** The heap: byte addresses, since the break need not be page aligned. */
  brkStart = 0;
  brk = 0;
  /** Bytes of the program's data segment, which count for RLIMIT_DATA when the heap grows. */
  dataSegmentBytes = 0;

  /** The READ_IMPLIES_EXEC personality. */
  readImpliesExec = false;
  /** prctl(PR_SET_MDWE): nothing is ever both writable and executable, or becomes executable. */
  denyWriteExec = false;
  /** Protection keys handed out, as a bit mask; key 0 always is. */
  protectionKeys = 1;
  /** The key of execute-only memory; -1: not needed yet. */
  executeOnlyKey = -1;

  constructor(env: MmEnvironment, layout: MmLayout) {
    this.env = env;
    this.anonVmas = env.anonVmas;
    this.id = env.nextMmId++;
    this.layout = layout;
    this.pages = new PageTables(env.arch, env.tablePool);
  }
}

/** The layout of an ordinary 64-bit process without randomisation (spec 01 section 8). */
export function defaultLayout(env: MmEnvironment): MmLayout {
  const { arch } = env;
  const top = arch.mapWindowPages;
  const gap = Math.floor(2 ** 27 / 2 ** arch.pageShift);
  return copyLayout({
    taskSize: arch.taskSizePages,
    mmapBase: top - gap,
    unmappedBase: Math.floor(top / 3),
    topDown: true,
    window: null,
    compat: false,
  });
}
