import { NONE, type VmFlags } from '@vmakit/base';
import type { AnonVmaRegistry } from './anon-vma-registry.js';
import { ANON_VMA_FIELDS, LINK_COUNT, NUM_ACTIVE_VMAS, NUM_CHILDREN, PARENT_ID, REFCOUNT } from './anon-vma-numbers.js';

/** What reverse mapping needs to know of an address space. */
export interface RmapMm {
  readonly id: number;
  /** The anon_vmas of its kernel. */
  readonly anonVmas: AnonVmaRegistry;
}

/**
 * The VMAs of one address space, each a row, as links name them. Numbers are those of {@link RmapVma}; no object of a
 * VMA is made but by `view`.
 */
export interface RmapVmaTable {
  /** Its number among the tables that have links; `NONE`: it has none. Kept by the `LinkTable`. */
  linkOwner: number;
  start(row: number): number;
  end(row: number): number;
  pageOffset(row: number): number;
  anonPageOffset(row: number): number;
  flags(row: number): VmFlags;
  /** Whether two VMAs have the same file, if any, and equal memory policies. */
  haveSameBacking(row: number, other: number): boolean;
  /** The rows of its neighbours by address; `NONE`: it is the first or the last. */
  prev(row: number): number;
  next(row: number): number;
  anonVmaSlot(row: number): number;
  setAnonVmaSlot(row: number, slot: number): void;
  chain(row: number): number;
  setChain(row: number, link: number): void;
  /** The VMA in `row` as an object: always the same one. */
  view(row: number): RmapVma;
}

/** What reverse mapping needs to know of a VMA (spec 01 section 1). Page numbers and page offsets. */
export interface RmapVma {
  readonly mm: RmapMm;
  /** Where it is: a row of a table. */
  readonly table: RmapVmaTable;
  readonly row: number;
  start: number;
  end: number;
  pageOffset: number;
  /** The offset by which anonymous folios are indexed: `pageOffset` unless a private file mapping says otherwise. */
  anonPageOffset: number;
  flags: VmFlags;
  /**
   * Which anon_vma new anonymous folios of this VMA belong to: its slot in `mm.anonVmas`, a number, so that nothing is
   * made or followed for it. `NONE`: unfaulted.
   */
  anonVmaSlot: number;
  /**
   * Head of the list of links to every anon_vma whose folios may be mapped here, a number in the `LinkTable` of the
   * anon_vmas; `NONE`: no links. Read it with `chainOf`.
   */
  chain: number;
}

/** A link between one VMA and one anon_vma as it is shown: `anon_vma_chain` (AVC), spec 03 section 1. */
export interface AnonVmaChain {
  readonly vma: RmapVma;
  readonly anonVma: AnonVma;
}

/**
 * The anchor of reverse mapping: folios point to one, VMAs link to it, and it knows the VMAs through a tree of links
 * ordered by the range of page offsets that each covers (spec 03 section 1).
 *
 * The object is a view of numbers in a slot of the registry, made when it is asked for: a fork makes an anon_vma for
 * each touched VMA, and few are ever looked at. One anon_vma has one object. Of a dead one only `id` means anything.
 */
export class AnonVma {
  readonly registry: AnonVmaRegistry;
  /** Where its numbers are in the registry. Given to another when it is dead. */
  readonly slot: number;
  /** Never given to another anon_vma of the same kernel, so that a folio left with a dead one can be told. */
  readonly id: number;

  /** Made by the registry alone. */
  constructor(registry: AnonVmaRegistry, slot: number, id: number) {
    this.registry = registry;
    this.slot = slot;
    this.id = id;
  }

  get root(): AnonVma {
    const { registry, slot } = this;
    return registry.inSlot(registry.rootOf(slot));
  }

  /** The id of `parent`, whether it lives or not. */
  get parentId(): number {
    return this.registry.numbers[this.slot * ANON_VMA_FIELDS + PARENT_ID] as number;
  }

  /** A root is its own. Null: it is dead, and this one has no links either; somebody holds a reference. */
  get parent(): AnonVma | null {
    return this.registry.byId(this.parentId) ?? null;
  }

  set parent(parent: AnonVma) {
    this.registry.numbers[this.slot * ANON_VMA_FIELDS + PARENT_ID] = parent.id;
  }

  /** Anon_vmas whose parent is this one; a root counts itself. */
  get numChildren(): number {
    return this.registry.numbers[this.slot * ANON_VMA_FIELDS + NUM_CHILDREN] as number;
  }

  set numChildren(count: number) {
    this.registry.numbers[this.slot * ANON_VMA_FIELDS + NUM_CHILDREN] = count;
  }

  /** VMAs whose own anon_vma this is. */
  get numActiveVmas(): number {
    return this.registry.numbers[this.slot * ANON_VMA_FIELDS + NUM_ACTIVE_VMAS] as number;
  }

  set numActiveVmas(count: number) {
    this.registry.numbers[this.slot * ANON_VMA_FIELDS + NUM_ACTIVE_VMAS] = count;
  }

  /** One for having links, one more for each living descendant if a root, and those of KSM and walkers. */
  get refcount(): number {
    return this.registry.numbers[this.slot * ANON_VMA_FIELDS + REFCOUNT] as number;
  }

  set refcount(count: number) {
    this.registry.numbers[this.slot * ANON_VMA_FIELDS + REFCOUNT] = count;
  }

  /** Number of links. */
  get linkCount(): number {
    return this.registry.numbers[this.slot * ANON_VMA_FIELDS + LINK_COUNT] as number;
  }
}

/** The anon_vma of `vma`, or of what is like one; null: unfaulted. */
export function anonVmaOf({ mm, anonVmaSlot }: Pick<RmapVma, 'mm' | 'anonVmaSlot'>): AnonVma | null {
  return anonVmaSlot === NONE ? null : mm.anonVmas.inSlot(anonVmaSlot);
}

/** The id of the anon_vma of `vma`; 0, which is no id: unfaulted. */
export function anonVmaIdOf({ mm, anonVmaSlot }: RmapVma): number {
  return mm.anonVmas.idOrZero(anonVmaSlot);
}

/** The index of the anonymous folio page at `page` of `vma` (spec 01 section 1, index rule). */
export function anonIndex(vma: RmapVma, page: number): number {
  return vma.anonPageOffset + (page - vma.start);
}
