import {
  VM_ACCESS,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_SEALED,
  VM_SHARED,
  VM_WIPEONFORK,
  type VmFlags,
  hasAny,
} from '@vmakit/base';
import type { Mm } from '@vmakit/mm';

/** What a seal keeps: access and kind. Advice and locks may still change. */
const SEALED_KIND = VM_ACCESS | VM_SHARED | VM_MAYSHARE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
/** Stands for "not sealed" among the kinds, which are below 2^8. */
const NOT_SEALED = -1;

/** A range that was sealed. Pages. */
export interface SealedRange {
  readonly start: number;
  readonly end: number;
  readonly kind: number;
}

/** What the check remembers of one address space. */
interface MmMemory {
  mapCount: number;
  totalVm: number;
  greatestTotalVm: number;
  hiwaterVm: number;
  sealed: SealedRange[];
}

/** What earlier checks saw: some invariants compare with it. */
export class History {
  readonly #mms = new WeakMap<Mm, MmMemory>();
  /** By how much the offsets of mappings wiped on fork are off their addresses. */
  readonly #wipedOffsets = new Set<number>();

  /** Map count at the last check; `undefined` for an address space that is new. */
  mapCount(mm: Mm): number | undefined {
    return this.#mms.get(mm)?.mapCount;
  }

  /** Total pages at the last check; `undefined` for an address space that is new. */
  totalVm(mm: Mm): number | undefined {
    return this.#mms.get(mm)?.totalVm;
  }

  /** The greatest total seen at rest, and the high-water mark at the last check. */
  peaks(mm: Mm): { readonly greatestTotalVm: number; readonly hiwaterVm: number } | undefined {
    return this.#mms.get(mm);
  }

  /** Ranges that were sealed at the last check. */
  sealed(mm: Mm): readonly SealedRange[] {
    return this.#mms.get(mm)?.sealed ?? [];
  }

  /** Whether some mapping wiped on fork was seen to be off its address by `offset` pages. */
  isWipedOffset(offset: number): boolean {
    return this.#wipedOffsets.has(offset);
  }

  /** Access and kind of a sealed mapping, -1 of one that is not sealed. */
  sealedKind(flags: VmFlags): number {
    return hasAny(flags, VM_SEALED) ? flags & SEALED_KIND : NOT_SEALED;
  }

  /** Remembers the state for the next check. */
  remember(mms: readonly Mm[]): void {
    for (const mm of mms) {
      const sealed: SealedRange[] = [];
      for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
        const { start, end, flags } = vma;
        if (hasAny(flags, VM_SEALED)) sealed.push({ start, end, kind: this.sealedKind(flags) });
        const off = vma.pageOffset - start;
        if (off !== 0 && !vma.faulted && vma.file === null && (flags & VM_WIPEONFORK) !== 0) {
          this.#wipedOffsets.add(off);
        }
      }
      const { mapCount, totalVm, hiwaterVm } = mm;
      const greatestTotalVm = Math.max(totalVm, this.#mms.get(mm)?.greatestTotalVm ?? 0);
      this.#mms.set(mm, { mapCount, totalVm, greatestTotalVm, hiwaterVm, sealed });
    }
  }
}
