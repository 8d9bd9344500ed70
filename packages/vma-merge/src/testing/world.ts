import { KERNEL_PROFILES, type KernelProfile, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_WRITE } from '@vmakit/base';
import { PhaseBus, type PhaseEvent } from '@vmakit/events';
import { PhysicalMemory } from '@vmakit/folio';
import { NO_LOCK_TRACKER } from '@vmakit/locking';
import { AnonVmaRegistry, anonVmaPrepare } from '@vmakit/rmap';
import type { MergeContext } from '../merge.js';
import { MergeCounters } from '../merge-counters.js';
import { MergeRequest } from '../merge-request.js';
import { type Vma, type VmaOwner, allocateVma } from '../vma.js';
import { VmaTree } from '../vma-tree.js';

/** Flags of the VMAs of the tests. */
export const RW: number = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE;

/** An address space with nothing but VMAs, for tests of the merge engine. */
export class World implements VmaOwner {
  readonly id = 1;
  readonly anonVmas: AnonVmaRegistry = new AnonVmaRegistry();
  readonly tree: VmaTree = new VmaTree(this);
  mapCount = 0;
  readonly mergeRequest: MergeRequest = new MergeRequest(this);
  readonly context: MergeContext;

  constructor(profile: KernelProfile = KERNEL_PROFILES['v7.3']) {
    this.context = {
      profile,
      anonVmas: this.anonVmas,
      memory: new PhysicalMemory({ maxOrder: 9 }),
      injector: null,
      locks: NO_LOCK_TRACKER,
      bus: new PhaseBus<PhaseEvent>(),
      mergeCounters: new MergeCounters(),
      onBoundary: () => undefined,
    };
  }

  /** Adds an anonymous VMA [start, end). */
  add(start: number, end: number, flags: number = RW): Vma {
    const vma = allocateVma(this, start, end, start, flags);
    this.tree.insert(vma.row);
    this.mapCount++;
    return vma;
  }

  /** Adds one that has been written to. */
  addFaulted(start: number, end: number, flags: number = RW): Vma {
    const vma = this.add(start, end, flags);
    anonVmaPrepare(this.context, vma.table, vma.row);
    return vma;
  }

  /** `0-4 6-8`, a faulted VMA with the number of its anon_vma: `0-4@1`. */
  picture(): string {
    return [...this.tree]
      .map((vma) => `${vma.start}-${vma.end}${vma.anonVma === null ? '' : `@${vma.anonVma.id}`}`)
      .join(' ');
  }
}
