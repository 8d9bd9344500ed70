import type { Mm } from '@vmakit/mm';
import type { Vma } from '@vmakit/vma-merge';
import { MREMAP_DONTUNMAP, MREMAP_FIXED } from './flags.js';
import type { MremapRequest } from './parameters.js';
import type { PolicyError } from './policy-error.js';
import type { PolicySet } from './policy-set.js';

/** What a call does to the size. */
export type Resize = 'none' | 'shrink' | 'expand';

/**
 * One mremap in progress, or one part of a move of several VMAs: `vma_remap_struct`. Pages. Inputs first; then what the
 * steps find out and change on the way.
 */
export class RemapOperation {
  readonly mm: Mm;
  readonly policies: PolicySet;
  /** The number of the call, for its events. */
  readonly call: number;
  readonly flags: number;
  address: number;
  oldPages: number;
  newPages: number;
  /** Where to; `address` once it is known that no new address is implied. */
  newAddress: number;
  readonly newAddressAligned: boolean;

  /** The VMA that is moved or resized; follows merges. */
  vma: Vma | null = null;
  resize: Resize = 'none';
  /** |newPages - oldPages| of what is still to be done. */
  delta = 0;
  /** The range grew and is locked: its tail must be populated when the call is over. */
  populateExpand = false;
  /** Which part of a move of several VMAs; 0: the first or only one. */
  part = 0;
  /** A policy broke its contract: to be thrown when the call is over. */
  broken: PolicyError | null = null;

  constructor(mm: Mm, policies: PolicySet, call: number, request: MremapRequest) {
    this.mm = mm;
    this.policies = policies;
    this.call = call;
    this.flags = request.flags;
    this.address = request.address;
    this.oldPages = request.oldPages;
    this.newPages = request.newPages;
    this.newAddress = request.newAddress;
    this.newAddressAligned = request.newAddressAligned;
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
