import { MmError, XorShift64 } from '@vmakit/base';
import { type Kernel, type Process, createKernel } from '@vmakit/kernel';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, type MmSettings } from '@vmakit/mm';
import { MREMAP_FIXED, MREMAP_MAYMOVE, type MremapPolicy } from '@vmakit/mremap';

/** Bytes of a page: the workloads are those of a 4 KiB machine. */
export const PAGE = 4096;
export const MIB: number = 2 ** 20;
export const GIB: number = 2 ** 30;
/** The two arenas of WORKLOADS.md, byte addresses, and where the second ends. */
export const ARENA_A = 0x1000_0000_0000;
export const ARENA_B = 0x1800_0000_0000;
export const ARENA_END = 0x2000_0000_0000;
export const RW = 3;
export const READ = 1;
const ANONYMOUS: number = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/** A model kernel with one process, and the few calls that the workloads are written in. Addresses are bytes. */
export class Machine {
  readonly kernel: Kernel;
  readonly process: Process;
  /** The generator of WORKLOADS.md, from its fixed start. */
  readonly random: XorShift64 = new XorShift64();

  constructor(policies: readonly MremapPolicy[] = [], settings: Partial<MmSettings> = {}) {
    this.kernel = createKernel({ profile: 'v6.18', policies, settings: { softDirty: false, ...settings } });
    this.process = this.kernel.spawn();
  }

  /** `map` of WORKLOADS.md: private anonymous memory at a fixed address. */
  map(address: number, bytes: number, protection: number): void {
    must(this.process.mmap(address, bytes, protection, ANONYMOUS | MAP_FIXED), 'mmap');
  }

  /** The same where the kernel likes; gives the byte address. */
  mapAnywhere(bytes: number, protection: number): number {
    return must(this.process.mmap(0, bytes, protection, ANONYMOUS), 'mmap') * PAGE;
  }

  /** Like {@link map}, but gives whether it worked: some workloads fail on purpose. */
  tryMap(address: number, bytes: number, protection: number): boolean {
    return typeof this.process.mmap(address, bytes, protection, ANONYMOUS | MAP_FIXED) === 'number';
  }

  unmap(address: number, bytes: number): void {
    must(this.process.munmap(address, bytes), 'munmap');
  }

  protect(address: number, bytes: number, protection: number): void {
    must(this.process.mprotect(address, bytes, protection), 'mprotect');
  }

  advise(address: number, bytes: number, advice: number): void {
    must(this.process.madvise(address, bytes, advice), 'madvise');
  }

  /** Writes one byte to each page. */
  touch(address: number, bytes: number): void {
    const result = this.process.touch(address / PAGE, bytes / PAGE);
    if (result.page >= 0) throw new Error(`touch: fault ${result.result} at page ${result.page}`);
  }

  fork(): Process {
    const child = this.process.fork();
    if (child instanceof MmError) throw new Error(`fork: ${child.errno} (${child.rule})`);
    return child;
  }

  /** `move` of WORKLOADS.md; `flags` are added. */
  move(from: number, to: number, bytes: number, flags = 0): void {
    must(this.process.mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | flags, to), 'mremap');
  }
}

/** The value of a call that cannot fail here. */
function must(result: number | MmError, call: string): number {
  if (result instanceof MmError) throw new Error(`${call}: ${result.errno} (${result.rule})`);
  return result;
}
