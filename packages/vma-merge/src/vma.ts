import { InvariantError, NONE, type VmFlags, VM_SHARED } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import type { AnonVma, MemoryPolicy, RmapVma } from '@vmakit/rmap';
import type { MergeRequest } from './merge-request.js';
import type { VmaTree } from './vma-tree.js';

/** What the merge engine needs of an address space. */
export interface VmaOwner {
  readonly id: number;
  readonly tree: VmaTree;
  /** VMAs in the tree. */
  mapCount: number;
  /** The merge attempt in progress, if there is one. */
  readonly mergeRequest: MergeRequest;
}

/** A userfaultfd registration as far as VMAs go: compared by identity (spec 02 section 2). */
export interface UserfaultContext {
  readonly id: number;
  /** UFFD_FEATURE_EVENT_REMAP was asked for: the registration survives a move. */
  readonly remapEvents: boolean;
  /** UFFD_FEATURE_EVENT_FORK was asked for: a forked child keeps the registration. */
  readonly forkEvents: boolean;
  /** UFFD_FEATURE_WP_UNPOPULATED was asked for: absent pages of anonymous memory can be write-protected. */
  readonly protectsAbsent: boolean;
}

/** The leaf of a VMA that was freed. */
const FREED = -2;

/** Places of the numbers in the record of a VMA, and its length. */
const START = 0;
const END = 1;
const PAGE_OFFSET = 2;
const ANON_PAGE_OFFSET = 3;
const FLAGS = 4;
const RECORD = 5;

/** Records that are made together: the fewest, for most address spaces of a test have a handful of VMAs; the most. */
const FEWEST_IN_CHUNK = 8;
const MOST_IN_CHUNK = 1024;

/**
 * The records of the VMAs of one address space: the five numbers of a VMA side by side. As plain properties each would
 * be an object of its own, since page numbers do not fit the engine's small integers.
 */
export class VmaRecords {
  /** The chunk that records are taken from now. */
  words: Float64Array = new Float64Array(0);
  #next = 0;

  /** Takes a record out of {@link words}: gives where it begins. */
  take(): number {
    if (this.#next === this.words.length) {
      // Large chunks are few, so that what leads to their words stays in the processor's cache.
      const records = Math.min(MOST_IN_CHUNK, Math.max(FEWEST_IN_CHUNK, (2 * this.words.length) / RECORD));
      this.words = new Float64Array(RECORD * records);
      this.#next = 0;
    }
    const at = this.#next;
    this.#next += RECORD;
    return at;
  }
}

/**
 * What most VMAs of a program have none of. Never changed: VMAs that come of each other share one, and all that have
 * nothing of it share {@link PLAIN}, so that a VMA is small, quickly copied and quickly compared.
 */
class VmaExtras {
  readonly file: MappedFile | null;
  readonly policy: MemoryPolicy | null;
  readonly uffd: UserfaultContext | null;
  readonly name: string | null;

  constructor(
    file: MappedFile | null,
    policy: MemoryPolicy | null,
    uffd: UserfaultContext | null,
    name: string | null,
  ) {
    this.file = file;
    this.policy = policy;
    this.uffd = uffd;
    this.name = name;
  }
}

const PLAIN: VmaExtras = new VmaExtras(null, null, null, null);

function extrasOf(
  file: MappedFile | null,
  policy: MemoryPolicy | null,
  uffd: UserfaultContext | null,
  name: string | null,
): VmaExtras {
  const isPlain = file === null && policy === null && uffd === null && name === null;
  return isPlain ? PLAIN : new VmaExtras(file, policy, uffd, name);
}

/**
 * A virtual memory area: spec 01 section 1. All numbers are pages; the range is half open. They are in a record of the
 * address space for which the VMA was made, for as long as the VMA is there.
 */
export class Vma implements RmapVma {
  /** Its record: {@link VmaRecords}. Read and written through the properties below only. */
  readonly words: Float64Array;
  readonly at: number;
  /** The leaf of its mm's tree that it is in; {@link NONE}: in none, {@link FREED}. Kept by {@link VmaTree}. */
  leaf: number = NONE;
  /** Neighbours in the tree, by address. Kept by {@link VmaTree}. */
  prev: Vma | null = null;
  next: Vma | null = null;
  mm: VmaOwner;
  anonVma: AnonVma | null = null;
  chain: number = NONE;
  /** Read and written through the properties below only. */
  extras: VmaExtras = PLAIN;

  /** Its numbers are for the caller to set. */
  constructor(mm: VmaOwner) {
    const { records } = mm.tree;
    this.at = records.take();
    this.words = records.words;
    this.mm = mm;
  }

  get start(): number {
    return this.words[this.at + START] as number;
  }

  set start(page: number) {
    this.words[this.at + START] = page;
  }

  get end(): number {
    return this.words[this.at + END] as number;
  }

  set end(page: number) {
    this.words[this.at + END] = page;
  }

  /** The offset of the page at `start`: in its file, or what stands for it in anonymous memory. */
  get pageOffset(): number {
    return this.words[this.at + PAGE_OFFSET] as number;
  }

  set pageOffset(offset: number) {
    this.words[this.at + PAGE_OFFSET] = offset;
  }

  /** The index of an anonymous folio at `start`. */
  get anonPageOffset(): number {
    return this.words[this.at + ANON_PAGE_OFFSET] as number;
  }

  set anonPageOffset(offset: number) {
    this.words[this.at + ANON_PAGE_OFFSET] = offset;
  }

  get flags(): VmFlags {
    return this.words[this.at + FLAGS] as number;
  }

  set flags(flags: VmFlags) {
    this.words[this.at + FLAGS] = flags;
  }

  get file(): MappedFile | null {
    return this.extras.file;
  }

  set file(file: MappedFile | null) {
    const { extras } = this;
    if (file !== extras.file) this.extras = extrasOf(file, extras.policy, extras.uffd, extras.name);
  }

  get policy(): MemoryPolicy | null {
    return this.extras.policy;
  }

  set policy(policy: MemoryPolicy | null) {
    const { extras } = this;
    if (policy !== extras.policy) this.extras = extrasOf(extras.file, policy, extras.uffd, extras.name);
  }

  get uffd(): UserfaultContext | null {
    return this.extras.uffd;
  }

  set uffd(uffd: UserfaultContext | null) {
    const { extras } = this;
    if (uffd !== extras.uffd) this.extras = extrasOf(extras.file, extras.policy, uffd, extras.name);
  }

  /** The name given by prctl(PR_SET_VMA_ANON_NAME). */
  get name(): string | null {
    return this.extras.name;
  }

  set name(name: string | null) {
    const { extras } = this;
    if (name !== extras.name) this.extras = extrasOf(extras.file, extras.policy, extras.uffd, name);
  }

  /** In its mm's tree. */
  get attached(): boolean {
    return this.leaf >= 0;
  }

  /** Length in pages. */
  get pages(): number {
    return this.end - this.start;
  }
}

/** Most freed VMAs that an address space keeps. */
const MOST_SPARES = 1024;

/**
 * A VMA that is in no tree, with any numbers: one that was freed, if there is one. Most VMAs of a program that splits
 * and merges live long enough to be copied by the garbage collector twice, and those freed last are at hand.
 */
function blankVma(mm: VmaOwner): Vma {
  const vma = mm.tree.spares.pop();
  if (vma === undefined) return new Vma(mm);
  vma.leaf = NONE;
  return vma;
}

/** Makes a VMA that is in no tree (`vm_area_alloc`). */
export function allocateVma(mm: VmaOwner, start: number, end: number, pageOffset: number, flags: VmFlags): Vma {
  const vma = blankVma(mm);
  vma.start = start;
  vma.end = end;
  vma.pageOffset = pageOffset;
  vma.anonPageOffset = pageOffset;
  vma.flags = flags;
  return vma;
}

/**
 * Takes back a VMA that is gone for good (`vm_area_free`): out of its tree and without links. Nobody may look at it
 * from now on.
 */
export function freeVma(vma: Vma): void {
  if (vma.leaf !== NONE || vma.chain !== NONE) {
    throw new InvariantError('a VMA is freed once, out of its tree and unlinked', { start: vma.start, end: vma.end });
  }
  const { spares } = vma.mm.tree;
  vma.leaf = FREED;
  vma.extras = PLAIN;
  if (spares.length < MOST_SPARES) spares.push(vma);
}

/** A VMA like `vma`, attributes and offsets included, but not linked to any anon_vma and in no tree. */
export function duplicateVma(vma: Vma, mm: VmaOwner = vma.mm): Vma {
  const copy = blankVma(mm);
  copy.start = vma.start;
  copy.end = vma.end;
  copy.pageOffset = vma.pageOffset;
  copy.anonPageOffset = vma.anonPageOffset;
  copy.flags = vma.flags;
  copy.extras = vma.extras;
  return copy;
}

/**
 * The kernel's "anonymous" predicate, `vm_ops` is NULL: no file, or a private mapping of /dev/zero (spec 01 section
 * 1).
 */
export function isAnonymous(vma: Vma): boolean {
  return vma.file === null || (vma.file.isAnonymousWhenPrivate && (vma.flags & VM_SHARED) === 0);
}

/** Whether `vma` is mapped and `page` lies in it: that it is what a search would find. */
export function isMappedAt(vma: Vma, page: number): boolean {
  return vma.attached && vma.start <= page && page < vma.end;
}

/** The page offset that `page` of `vma` has (spec 01 section 1, index rule). */
export function pageOffsetAt(vma: Vma, page: number): number {
  return vma.pageOffset + (page - vma.start);
}
