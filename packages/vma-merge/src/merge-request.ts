import type { MergeKind } from '@vmakit/events';
import { NONE, type VmFlags } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import { type AnonVma, type MemoryPolicy, anonVmaOf } from '@vmakit/rmap';
import type { UserfaultContext, Vma, VmaOwner } from './vma.js';

/**
 * The first rule that kept a neighbour from merging, 0 when none did. The order of the names is the order in which the
 * rules are tested (spec 02 section 2).
 */
export const MERGE_RULES = [
  'mergeable',
  'no-neighbour',
  'special',
  'not-adjacent',
  'policy',
  'flags',
  'file',
  'userfaultfd',
  'name',
  'fork-child',
  'anon-vma',
  'page-offset',
  'anon-page-offset',
  'neighbours-anon-vma',
  'close-hook',
  'not-at-edge',
] as const;

export type MergeRule = (typeof MERGE_RULES)[number];

/**
 * One merge attempt: what is proposed, then what came of it. `vma_merge_struct` of the kernel (spec 02 section 1).
 *
 * An address space has one, and begins it anew for each attempt: nothing is allocated, and code compiled for requests
 * stays valid when the garbage collector finds none alive.
 */
export class MergeRequest {
  kind: MergeKind = 'new-range';
  readonly mm: VmaOwner;
  start = 0;
  end = 0;
  /** Offsets of the page at `start`. */
  pageOffset = 0;
  anonPageOffset = 0;
  /** The flags that the range shall have. */
  flags: VmFlags = 0;
  file: MappedFile | null = null;
  /** The slot of its anon_vma; {@link NONE}: unfaulted. */
  anonVmaSlot: number = NONE;
  policy: MemoryPolicy | null = null;
  uffd: UserfaultContext | null = null;
  name: string | null = null;
  /** VMAs, by their rows: the neighbour before the range. */
  prevRow: number = NONE;
  /** The VMA that is changed; none for a new range. */
  middleRow: number = NONE;
  /** The neighbour behind the range. */
  nextRow: number = NONE;
  /** The VMA that a moved range is copied from. */
  copiedFromRow: number = NONE;
  /** Only the VMA before may grow (brk). */
  justExpand = false;
  /** A lack of memory means "no merge", never an error (uffd release). */
  giveUpOnNoMemory = false;

  /** Why each neighbour did not merge: index into {@link MERGE_RULES}, 0: it could. */
  leftRule = 1;
  rightRule = 1;
  /** Memory ran out where that is an error for the caller. */
  outOfMemory = false;
  mergedLeft = false;
  mergedRight = false;

  constructor(mm: VmaOwner) {
    this.mm = mm;
  }

  get anonVma(): AnonVma | null {
    return anonVmaOf(this);
  }

  get prev(): Vma | null {
    return this.mm.tree.table.viewOrNull(this.prevRow);
  }

  set prev(vma: Vma | null) {
    this.prevRow = vma === null ? NONE : vma.row;
  }

  get next(): Vma | null {
    return this.mm.tree.table.viewOrNull(this.nextRow);
  }

  set next(vma: Vma | null) {
    this.nextRow = vma === null ? NONE : vma.row;
  }

  /** Begins an attempt: about [start, end) with these offsets and flags, everything else as in a new request. */
  begin(kind: MergeKind, start: number, end: number, pageOffset: number, flags: VmFlags): this {
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.pageOffset = pageOffset;
    this.anonPageOffset = pageOffset;
    this.flags = flags;
    this.file = null;
    this.anonVmaSlot = NONE;
    this.policy = null;
    this.uffd = null;
    this.name = null;
    this.prevRow = NONE;
    this.middleRow = NONE;
    this.nextRow = NONE;
    this.copiedFromRow = NONE;
    this.justExpand = false;
    this.giveUpOnNoMemory = false;
    this.leftRule = 1;
    this.rightRule = 1;
    this.outOfMemory = false;
    this.mergedLeft = false;
    this.mergedRight = false;
    return this;
  }

  /** Takes file, anon_vma, policy, userfaultfd and name from the VMA in `row`. */
  takeAttributes(row: number): void {
    const { table } = this.mm.tree;
    this.anonVmaSlot = table.anonVmaSlot(row);
    const { file, policy, uffd, name } = table.extras(row);
    this.file = file;
    this.policy = policy;
    this.uffd = uffd;
    this.name = name;
  }
}

const RULE_NUMBER: ReadonlyMap<MergeRule, number> = new Map(MERGE_RULES.map((rule, number) => [rule, number]));

/** The number of a rule, for comparing with {@link MergeRequest.leftRule}. */
export function ruleNumber(rule: MergeRule): number {
  return RULE_NUMBER.get(rule) as number;
}
