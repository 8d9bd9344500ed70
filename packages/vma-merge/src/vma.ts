import { NONE, type VmFlags } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import { type AnonVma, type AnonVmaRegistry, type MemoryPolicy, type RmapVma, anonVmaOf } from '@vmakit/rmap';
import type { MergeRequest } from './merge-request.js';
import { extrasOf } from './vma-extras.js';
import { ANON_VMA, CHAIN, END, NUMBERS_SHIFT, PAGE_OFFSET, START, WORDS_SHIFT } from './vma-row.js';
import type { VmaTable } from './vma-table.js';
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

/**
 * A virtual memory area: spec 01 section 1. All numbers are pages; the range is half open.
 *
 * It is a view of a row of its address space's table ({@link VmaTable}): one VMA has one object, which is made when
 * somebody asks for it. Calls that have to be fast work on the rows.
 */
export class Vma implements RmapVma {
  readonly table: VmaTable;
  /** Its number in the table. Given to another VMA when it is gone. */
  readonly row: number;

  /** Made by the table alone. */
  constructor(table: VmaTable, row: number) {
    this.table = table;
    this.row = row;
  }

  get mm(): VmaOwner {
    return this.table.owner;
  }

  get start(): number {
    return this.table.numbers[(this.row << NUMBERS_SHIFT) + START] as number;
  }

  set start(page: number) {
    this.table.numbers[(this.row << NUMBERS_SHIFT) + START] = page;
  }

  get end(): number {
    return this.table.numbers[(this.row << NUMBERS_SHIFT) + END] as number;
  }

  set end(page: number) {
    this.table.numbers[(this.row << NUMBERS_SHIFT) + END] = page;
  }

  /**
   * The offset of the page at `start`: in its file, or what stands for it in anonymous memory. When it is set,
   * `anonPageOffset` goes along.
   */
  get pageOffset(): number {
    return this.table.numbers[(this.row << NUMBERS_SHIFT) + PAGE_OFFSET] as number;
  }

  set pageOffset(offset: number) {
    this.table.numbers[(this.row << NUMBERS_SHIFT) + PAGE_OFFSET] = offset;
  }

  /** The index of an anonymous folio at `start`. When it is set, `pageOffset` stays. */
  get anonPageOffset(): number {
    return this.table.anonPageOffset(this.row);
  }

  set anonPageOffset(offset: number) {
    this.table.setAnonPageOffset(this.row, offset);
  }

  get flags(): VmFlags {
    return this.table.flags(this.row);
  }

  set flags(flags: VmFlags) {
    this.table.setFlags(this.row, flags);
  }

  /** Whether any bit of `mask` is set in `flags`, wherever in a word it is. */
  hasAny(mask: VmFlags): boolean {
    return this.table.hasAny(this.row, mask);
  }

  get file(): MappedFile | null {
    return this.table.file(this.row);
  }

  set file(file: MappedFile | null) {
    const extras = this.table.extras(this.row);
    if (file === extras.file) return;
    this.table.setExtras(this.row, extrasOf(file, extras.policy, extras.uffd, extras.name, extras.anonDistance));
  }

  get policy(): MemoryPolicy | null {
    const { table, row } = this;
    return table.hasExtras(row) ? table.extras(row).policy : null;
  }

  set policy(policy: MemoryPolicy | null) {
    const extras = this.table.extras(this.row);
    if (policy === extras.policy) return;
    this.table.setExtras(this.row, extrasOf(extras.file, policy, extras.uffd, extras.name, extras.anonDistance));
  }

  get uffd(): UserfaultContext | null {
    return this.table.uffd(this.row);
  }

  set uffd(uffd: UserfaultContext | null) {
    const extras = this.table.extras(this.row);
    if (uffd === extras.uffd) return;
    this.table.setExtras(this.row, extrasOf(extras.file, extras.policy, uffd, extras.name, extras.anonDistance));
  }

  /** The name given by prctl(PR_SET_VMA_ANON_NAME). */
  get name(): string | null {
    const { table, row } = this;
    return table.hasExtras(row) ? table.extras(row).name : null;
  }

  set name(name: string | null) {
    const extras = this.table.extras(this.row);
    if (name === extras.name) return;
    this.table.setExtras(this.row, extrasOf(extras.file, extras.policy, extras.uffd, name, extras.anonDistance));
  }

  get anonVmaSlot(): number {
    return this.table.words[(this.row << WORDS_SHIFT) + ANON_VMA] as number;
  }

  set anonVmaSlot(slot: number) {
    this.table.words[(this.row << WORDS_SHIFT) + ANON_VMA] = slot;
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
    return this.table.words[(this.row << WORDS_SHIFT) + ANON_VMA] !== NONE;
  }

  get chain(): number {
    return this.table.words[(this.row << WORDS_SHIFT) + CHAIN] as number;
  }

  set chain(link: number) {
    this.table.words[(this.row << WORDS_SHIFT) + CHAIN] = link;
  }

  /** Neighbours in the tree, by address. Kept by {@link VmaTree}. */
  get prev(): Vma | null {
    return this.table.viewOrNull(this.table.prev(this.row));
  }

  get next(): Vma | null {
    return this.table.viewOrNull(this.table.next(this.row));
  }

  /** In its mm's tree. */
  get attached(): boolean {
    return this.table.isAttached(this.row);
  }

  /** Length in pages. */
  get pages(): number {
    return this.end - this.start;
  }
}

/** Makes a VMA that is in no tree (`vm_area_alloc`). Who does not put it into one gives it back: {@link freeVma}. */
export function allocateVma(mm: VmaOwner, start: number, end: number, pageOffset: number, flags: VmFlags): Vma {
  const { table } = mm.tree;
  return table.view(table.allocate(start, end, pageOffset, flags));
}

/**
 * Takes back a VMA that is gone for good (`vm_area_free`): out of its tree and without links. Nobody may look at it
 * from now on.
 */
export function freeVma(vma: Vma): void {
  vma.table.free(vma.row);
}

/** A VMA like `vma`, attributes and offsets included, but not linked to any anon_vma and in no tree. */
export function duplicateVma(vma: Vma, mm: VmaOwner = vma.mm): Vma {
  const { table } = mm.tree;
  return table.view(table.duplicate(vma.table, vma.row));
}

/** The same as `isForkChild`, for the VMA in `row` (spec 02 section 2). */
export function isForkChildRow(mm: VmaOwner, row: number): boolean {
  const { table } = mm.tree;
  return table.isFaulted(row) && !mm.anonVmas.links.isSingular(table.chain(row));
}

/**
 * The kernel's "anonymous" predicate, `vm_ops` is NULL: no file, or a private mapping of /dev/zero (spec 01 section
 * 1).
 */
export function isAnonymous(vma: Vma): boolean {
  return vma.table.isAnonymous(vma.row);
}

/** The page offset that `page` of `vma` has (spec 01 section 1, index rule). */
export function pageOffsetAt(vma: Vma, page: number): number {
  return vma.table.pageOffsetAt(vma.row, page);
}
