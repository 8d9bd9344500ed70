import { InvariantError, NONE, type VmFlags, VM_SHARED } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import { type AnonVma, type AnonVmaRegistry, type MemoryPolicy, type RmapVma, anonVmaOf } from '@vmakit/rmap';
import type { MergeRequest } from './merge-request.js';
import type { VmaTree } from './vma-tree.js';

/** What the merge engine needs of an address space. */
export interface VmaOwner {
  readonly id: number;
  /** Those of its kernel. */
  readonly anonVmas: AnonVmaRegistry;
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

/** What the upper part of a number counts: see {@link Vma}. */
const UPPER = 2 ** 30;

/**
 * What most VMAs of a program have none of. Never changed: VMAs that come of each other share one, and all that have
 * nothing of it share {@link PLAIN}, so that a VMA is small, quickly copied and quickly compared.
 */
class VmaExtras {
  readonly file: MappedFile | null;
  readonly policy: MemoryPolicy | null;
  readonly uffd: UserfaultContext | null;
  readonly name: string | null;
  /** How far `anonPageOffset` is above `pageOffset`; null: not at all, as in all memory but that of files. */
  readonly anonDistance: number | null;

  constructor(
    file: MappedFile | null,
    policy: MemoryPolicy | null,
    uffd: UserfaultContext | null,
    name: string | null,
    anonDistance: number | null,
  ) {
    this.file = file;
    this.policy = policy;
    this.uffd = uffd;
    this.name = name;
    this.anonDistance = anonDistance;
  }
}

const PLAIN: VmaExtras = new VmaExtras(null, null, null, null, null);

function extrasOf(
  file: MappedFile | null,
  policy: MemoryPolicy | null,
  uffd: UserfaultContext | null,
  name: string | null,
  anonDistance: number | null,
): VmaExtras {
  const isPlain = file === null && policy === null && uffd === null && name === null && anonDistance === null;
  return isPlain ? PLAIN : new VmaExtras(file, policy, uffd, name, anonDistance);
}

/**
 * A virtual memory area: spec 01 section 1. All numbers are pages; the range is half open.
 *
 * A page number is too large for the engine's small integers, so that as a plain property it would be an object of its
 * own. Each number is two small integers here, the upper part in units of 2^30: a VMA is one object, and reading a
 * number of it waits for memory once.
 */
export class Vma implements RmapVma {
  /** Parts of its numbers: read and written through the properties below only. */
  startUpper = 0;
  startLower = 0;
  endUpper = 0;
  endLower = 0;
  /** The leaf of its mm's tree that it is in; {@link NONE}: in none, {@link FREED}. Kept by {@link VmaTree}. */
  leaf: number = NONE;
  /** Neighbours in the tree, by address. Kept by {@link VmaTree}. */
  prev: Vma | null = null;
  next: Vma | null = null;
  flagsUpper = 0;
  flagsLower = 0;
  anonVmaSlot: number = NONE;
  /** Read and written through the properties below only. */
  extras: VmaExtras = PLAIN;
  offsetUpper = 0;
  offsetLower = 0;
  chain: number = NONE;
  mm: VmaOwner;

  /** Its numbers are for the caller to set. */
  constructor(mm: VmaOwner) {
    this.mm = mm;
  }

  /** Takes over every number of `other`. */
  copyNumbers(other: Vma): void {
    this.startUpper = other.startUpper;
    this.startLower = other.startLower;
    this.endUpper = other.endUpper;
    this.endLower = other.endLower;
    this.flagsUpper = other.flagsUpper;
    this.flagsLower = other.flagsLower;
    this.offsetUpper = other.offsetUpper;
    this.offsetLower = other.offsetLower;
  }

  get start(): number {
    return this.startUpper * UPPER + this.startLower;
  }

  set start(page: number) {
    const upper = (page / UPPER) | 0;
    this.startUpper = upper;
    this.startLower = (page - upper * UPPER) | 0;
  }

  get end(): number {
    return this.endUpper * UPPER + this.endLower;
  }

  set end(page: number) {
    const upper = (page / UPPER) | 0;
    this.endUpper = upper;
    this.endLower = (page - upper * UPPER) | 0;
  }

  /**
   * The offset of the page at `start`: in its file, or what stands for it in anonymous memory. When it is set,
   * `anonPageOffset` goes along.
   */
  get pageOffset(): number {
    return this.offsetUpper * UPPER + this.offsetLower;
  }

  set pageOffset(offset: number) {
    const upper = (offset / UPPER) | 0;
    this.offsetUpper = upper;
    this.offsetLower = (offset - upper * UPPER) | 0;
  }

  /** The index of an anonymous folio at `start`. When it is set, `pageOffset` stays. */
  get anonPageOffset(): number {
    const { anonDistance } = this.extras;
    return anonDistance === null ? this.pageOffset : this.pageOffset + anonDistance;
  }

  set anonPageOffset(offset: number) {
    const { extras } = this;
    const above = offset - this.pageOffset;
    const distance = above === 0 ? null : above;
    if (distance === extras.anonDistance) return;
    this.extras = extrasOf(extras.file, extras.policy, extras.uffd, extras.name, distance);
  }

  get flags(): VmFlags {
    return this.flagsUpper * UPPER + this.flagsLower;
  }

  set flags(flags: VmFlags) {
    const upper = (flags / UPPER) | 0;
    this.flagsUpper = upper;
    this.flagsLower = (flags - upper * UPPER) | 0;
  }

  /** Whether any bit of `mask` is set in `flags`, wherever in a word it is. */
  hasAny(mask: VmFlags): boolean {
    const upper = (mask / UPPER) | 0;
    return ((this.flagsUpper & upper) | (this.flagsLower & (mask - upper * UPPER))) !== 0;
  }

  get file(): MappedFile | null {
    return this.extras.file;
  }

  set file(file: MappedFile | null) {
    const { extras } = this;
    if (file === extras.file) return;
    this.extras = extrasOf(file, extras.policy, extras.uffd, extras.name, extras.anonDistance);
  }

  get policy(): MemoryPolicy | null {
    return this.extras.policy;
  }

  set policy(policy: MemoryPolicy | null) {
    const { extras } = this;
    if (policy === extras.policy) return;
    this.extras = extrasOf(extras.file, policy, extras.uffd, extras.name, extras.anonDistance);
  }

  get uffd(): UserfaultContext | null {
    return this.extras.uffd;
  }

  set uffd(uffd: UserfaultContext | null) {
    const { extras } = this;
    if (uffd === extras.uffd) return;
    this.extras = extrasOf(extras.file, extras.policy, uffd, extras.name, extras.anonDistance);
  }

  /** The name given by prctl(PR_SET_VMA_ANON_NAME). */
  get name(): string | null {
    return this.extras.name;
  }

  set name(name: string | null) {
    const { extras } = this;
    if (name === extras.name) return;
    this.extras = extrasOf(extras.file, extras.policy, extras.uffd, name, extras.anonDistance);
  }

  /** Where new anonymous folios go; null: unfaulted. */
  get anonVma(): AnonVma | null {
    return anonVmaOf(this);
  }

  set anonVma(anonVma: AnonVma | null) {
    this.anonVmaSlot = anonVma === null ? NONE : anonVma.slot;
  }

  /** It has an anon_vma: some page of it was written to, or it came of a VMA where that was so. */
  get faulted(): boolean {
    return this.anonVmaSlot !== NONE;
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
  copy.copyNumbers(vma);
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
