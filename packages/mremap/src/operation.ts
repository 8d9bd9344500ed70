import { NONE } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { VmaCopy } from '@vmakit/vma-merge';
import { MREMAP_DONTUNMAP, MREMAP_FIXED } from './flags.js';
import { MremapRequest } from './parameters.js';
import type { PolicyError } from './policy-error.js';
import { PolicySession } from './policy-session.js';
import type { PolicySet } from './policy-set.js';
import { TableMove } from './table-move.js';

/** What a call does to the size. */
export type Resize = 'none' | 'shrink' | 'expand';

/**
 * One mremap in progress, or one part of a move of several VMAs: `vma_remap_struct`. Pages. Inputs first; then what the
 * steps find out and change on the way.
 *
 * A kernel has one, and begins it anew for each call: nothing is allocated, and code compiled for it stays valid when
 * the garbage collector runs between calls. The same goes for what belongs to it.
 */
export class RemapOperation {
  readonly policies: PolicySet;
  /** Between the beginning and the end of a call. */
  inProgress = false;
  mm!: Mm;
  /** The number of the call, for its events. */
  call = 0;
  /** What was asked for; with `address`, `oldPages`... it is what is still to be done. */
  readonly request: MremapRequest = new MremapRequest();
  flags = 0;
  address = 0;
  oldPages = 0;
  newPages = 0;
  /** Where to; `address` once it is known that no new address is implied. */
  newAddress = 0;

  /** Row of the VMA that is moved or resized; follows merges. {@link NONE}: there is none. */
  row: number = NONE;
  /** Its copy. */
  readonly copy: VmaCopy = new VmaCopy();
  /** The moves of its page tables, and back after a failure. */
  readonly tables: TableMove = new TableMove(false);
  readonly tablesBack: TableMove = new TableMove(true);
  resize: Resize = 'none';
  /** |newPages - oldPages| of what is still to be done. */
  delta = 0;
  /** The range grew and is locked: its tail must be populated when the call is over. */
  populateExpand = false;
  /** Which part of a move of several VMAs; 0: the first or only one. */
  part = 0;
  /** The part that a policy has in it. */
  readonly session: PolicySession;
  /** A policy broke its contract: to be thrown when the call is over. */
  broken: PolicyError | null = null;

  constructor(policies: PolicySet) {
    this.policies = policies;
    this.session = new PolicySession(policies);
  }

  /** Begins what {@link request} asks for. */
  begin(mm: Mm, call: number): void {
    const { request } = this;
    this.mm = mm;
    this.call = call;
    this.flags = request.flags;
    this.address = request.address;
    this.oldPages = request.oldPages;
    this.newPages = request.newPages;
    this.newAddress = request.newAddress;
    this.row = NONE;
    this.resize = 'none';
    this.delta = 0;
    this.populateExpand = false;
    this.part = 0;
    this.broken = null;
  }

  get isFixed(): boolean {
    return (this.flags & MREMAP_FIXED) !== 0;
  }

  get keepsSource(): boolean {
    return (this.flags & MREMAP_DONTUNMAP) !== 0;
  }

  /** FIXED or DONTUNMAP: the call moves, whatever else it does. */
  get impliesNewAddress(): boolean {
    return (this.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
  }

  /** First page behind the old range. */
  get oldEnd(): number {
    return this.address + this.oldPages;
  }
}
