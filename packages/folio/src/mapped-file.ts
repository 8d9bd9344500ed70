import { PG_DIRTY } from './page-flags.js';
import type { PhysicalMemory } from './physical-memory.js';
import type { SwapSpace } from './swap-space.js';

/** What kind of memory stands behind a file mapping. */
export type FileKind = 'memfd' | 'shmem' | 'regular' | 'zero' | 'hugetlb' | 'special';

/** How a {@link MappedFile} is made. */
export interface MappedFileOptions {
  readonly id: number;
  readonly kind: FileKind;
  readonly sizePages: number;
  readonly name?: string;
  readonly inode?: number;
  /** `major:minor` as in `/proc/PID/maps`. */
  readonly device?: string;
  readonly deleted?: boolean;
  /** hugetlb: log2 of the pages of a huge page; its mappings can be cut only between huge pages. */
  readonly hugePageOrder?: number;
  /** Its mappings have a close hook: SysV shared memory. Always so for hugetlb. */
  readonly hasCloseHook?: boolean;
}

/**
 * A file, or what the kernel treats as one (shared anonymous memory, `/dev/zero`), with its page cache. Files of the
 * model read as zeroes until somebody writes to a shared mapping of them.
 */
export class MappedFile {
  /** Positive; folios of the page cache have `mapping` = -id. */
  readonly id: number;
  readonly kind: FileKind;
  readonly name: string;
  /** As `/proc/PID/maps` prints it; may become known after the file is mapped (a recording). */
  inode: number;
  readonly device: string;
  readonly deleted: boolean;
  /** Its mappings can be cut only at multiples of so many pages: those of a huge page; 1: anywhere. */
  readonly pagesPerUnit: number;
  /** Its mappings have a close hook, so a merge must not remove them (spec 02 section 2). */
  readonly hasCloseHook: boolean;
  /** Pages of the file; an access beyond is a SIGBUS. */
  sizePages: number;
  /** The page cache: frame by page offset. */
  readonly pages: Map<number, number> = new Map();
  /** Swap slots of pages that were reclaimed, by page offset. */
  readonly #swapped = new Map<number, number>();

  constructor(options: MappedFileOptions) {
    this.id = options.id;
    this.kind = options.kind;
    this.sizePages = options.sizePages;
    this.name = options.name ?? '';
    this.inode = options.inode ?? 0;
    this.device = options.device ?? '00:00';
    this.deleted = options.deleted ?? false;
    this.pagesPerUnit = 2 ** (options.hugePageOrder ?? 0);
    this.hasCloseHook = options.hasCloseHook ?? options.kind === 'hugetlb';
  }

  /** A private mapping of it is anonymous memory (`vm_ops` is NULL): /dev/zero. Spec 01 section 1. */
  get isAnonymousWhenPrivate(): boolean {
    return this.kind === 'zero';
  }

  /** Pages live in memory only and need swap (memfd, shared anonymous memory). */
  get isSwapBacked(): boolean {
    return this.kind === 'memfd' || this.kind === 'shmem';
  }

  /** Whether there is a page at `offset`, cached or swapped out; otherwise it reads as zeroes. */
  has(offset: number): boolean {
    return this.pages.has(offset) || this.#swapped.has(offset);
  }

  /** The cached page at `offset`, or -1. */
  cached(offset: number): number {
    return this.pages.get(offset) ?? -1;
  }

  /**
   * The page at `offset`, read into the page cache when it is not there: from swap if it was swapped out, else zeroes.
   * The cache holds one reference for each page of a folio.
   *
   * @param order size of a new folio, 0 but for hugetlb.
   * @returns its frame, or -1 when memory is full.
   */
  read(memory: PhysicalMemory, swap: SwapSpace, offset: number, order = 0): number {
    const have = this.pages.get(offset);
    if (have !== undefined) return have;
    const head = memory.allocFolio(order);
    if (head < 0) return -1;
    const size = 1 << order;
    const first = offset - (offset % size);
    memory.mapping[head] = -this.id;
    memory.index[head] = first;
    (memory.refcount[head] as number) += size - 1;
    for (let i = 0; i < size; i++) this.pages.set(first + i, head + i);
    const slot = this.#swapped.get(offset);
    if (slot !== undefined) {
      memory.content[head] = swap.content[slot] as number;
      (memory.flags[head] as number) |= PG_DIRTY;
      this.#swapped.delete(offset);
      swap.release(slot);
    }
    return head + (offset - first);
  }

  /**
   * Reclaims the cached page at `offset`, which nobody maps: a page that lives in memory only goes to swap, a page of
   * a regular file is dropped.
   *
   * @param held references that the caller holds; nobody else may have one.
   * @returns false when it must stay: somebody references it, or swap is full.
   */
  reclaim(memory: PhysicalMemory, swap: SwapSpace, offset: number, held = 0): boolean {
    const frame = this.pages.get(offset);
    if (frame === undefined || memory.order[frame] !== 0 || memory.refcount[frame] !== 1 + held) return false;
    if (this.isSwapBacked) {
      const slot = swap.addFolio(frame);
      if (slot < 0) return false;
      swap.writeBack(frame);
      swap.duplicate(slot);
      swap.removeFolio(frame);
      this.#swapped.set(offset, slot);
    }
    this.pages.delete(offset);
    memory.put(frame);
    return true;
  }

  /** Drops the page cache: the file is gone. Pages that somebody still references live on without it. */
  release(memory: PhysicalMemory, swap: SwapSpace): void {
    for (const frame of this.pages.values()) memory.put(memory.headOf(frame));
    for (const slot of this.#swapped.values()) swap.release(slot);
    this.pages.clear();
    this.#swapped.clear();
  }
}
