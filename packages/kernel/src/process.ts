import { MmError, type SysResult } from '@vmakit/base';
import {
  type AccessResult,
  type Bytes,
  type FileMapping,
  type Mm,
  type TouchOptions,
  brk,
  clearSoftDirty,
  execMm,
  exitMm,
  forkMm,
  madviseBytes,
  mlockBytes,
  mlockall,
  mmapBytes,
  mprotectBytes,
  msealBytes,
  munlockBytes,
  munlockall,
  munmapBytes,
  offsetInPage,
  pageOf,
  pagesCovering,
  pageFault,
  pinRange,
  touch,
  unpinAll,
} from '@vmakit/mm';
import { mremap } from '@vmakit/mremap';
import type { Kernel } from './kernel.js';

/**
 * A process of a modelled kernel. Addresses and lengths are 64-bit words as a program gives them: bytes, as `number`
 * up to 2^53, else `bigint`; flags are the numbers of the Linux ABI. Results are page numbers for calls that give an
 * address, else 0; or the refusal.
 */
export class Process {
  readonly kernel: Kernel;
  readonly pid: number;
  /** The address space; may be another process's too ({@link Kernel.adopt}). */
  mm: Mm;

  constructor(kernel: Kernel, pid: number, mm: Mm) {
    this.kernel = kernel;
    this.pid = pid;
    this.mm = mm;
  }

  /**
   * mmap(2).
   *
   * @param mapping the file, for all but MAP_ANONYMOUS
   * @param placeAt byte address at which a recording says the kernel put it: taken instead of searching
   */
  mmap(
    address: Bytes,
    length: Bytes,
    prot: number,
    flags: number,
    mapping: FileMapping | null = null,
    placeAt?: Bytes,
  ): SysResult {
    this.#refuseReentry('mmap');
    return mmapBytes(this.mm, address, length, prot, flags, mapping, placeAt);
  }

  munmap(address: Bytes, length: Bytes): SysResult {
    this.#refuseReentry('munmap');
    return munmapBytes(this.mm, address, length);
  }

  /** mprotect(2); with `key` pkey_mprotect(2). */
  mprotect(address: Bytes, length: Bytes, prot: number, key = -1): SysResult {
    this.#refuseReentry('mprotect');
    return mprotectBytes(this.mm, address, length, prot, key);
  }

  madvise(address: Bytes, length: Bytes, advice: number): SysResult {
    this.#refuseReentry('madvise');
    return madviseBytes(this.mm, address, length, advice);
  }

  /** mlock(2), or with flags mlock2(2). */
  mlock(address: Bytes, length: Bytes, flags = 0): SysResult {
    this.#refuseReentry('mlock');
    return mlockBytes(this.mm, address, length, flags);
  }

  munlock(address: Bytes, length: Bytes): SysResult {
    this.#refuseReentry('munlock');
    return munlockBytes(this.mm, address, length);
  }

  mlockall(flags: number): SysResult {
    this.#refuseReentry('mlockall');
    return mlockall(this.mm, flags);
  }

  munlockall(): SysResult {
    this.#refuseReentry('munlockall');
    return munlockall(this.mm);
  }

  mseal(address: Bytes, length: Bytes, flags = 0): SysResult {
    this.#refuseReentry('mseal');
    return msealBytes(this.mm, address, length, flags);
  }

  /** brk(2): the break afterwards, bytes; the old one when it was refused. */
  brk(address: number): number {
    this.#refuseReentry('brk');
    return brk(this.mm, address);
  }

  /** mremap(2). `newAddress` is looked at only when a flag says so. */
  mremap(address: Bytes, oldLength: Bytes, newLength: Bytes, flags: number, newAddress: Bytes = 0): SysResult {
    return mremap(this.kernel.policies, this.mm, { address, oldLength, newLength, flags, newAddress });
  }

  /**
   * Accesses the first byte of every `stride`-th page of `pages` pages from page `start` on, up to the first that
   * cannot be accessed. Default: writes 1 to each.
   */
  touch(start: number, pages: number, options: TouchOptions = {}): AccessResult {
    this.#refuseReentry('touch');
    return touch(this.mm, start, pages, options);
  }

  /** One page fault at `page`, as a recording reports it. Gives a `FAULT_*` result. */
  fault(page: number, write: boolean): number {
    this.#refuseReentry('fault');
    return pageFault(this.mm, page, write);
  }

  /** fork(2): a process with a copy of the address space. */
  fork(pid?: number): Process | MmError {
    this.#refuseReentry('fork');
    const mm = forkMm(this.mm);
    return mm instanceof MmError ? mm : this.kernel.adopt(mm, pid);
  }

  /** execve(2) as far as memory goes: this process gets a new, empty address space. */
  exec(): void {
    this.#refuseReentry('exec');
    const old = this.mm;
    this.mm = execMm(old, this.kernel.layout());
    this.#dropIfUnused(old);
  }

  /** The process ends; its address space with it when no other process has it. */
  exit(): void {
    this.#refuseReentry('exit');
    this.kernel.processes.delete(this.pid);
    this.#dropIfUnused(this.mm);
  }

  /** Pins a range for long-term device access. */
  pin(address: Bytes, length: Bytes, write = true): SysResult {
    this.#refuseReentry('pin');
    const { pageShift } = this.mm.env.arch;
    const start = pageOf(address, pageShift, 'address');
    const unaligned = offsetInPage(address, pageShift, 'address') === 0 ? 0 : 1;
    return pinRange(this.mm, start, start + unaligned + pagesCovering(length, pageShift, 'length'), write) ?? 0;
  }

  /** Drops every pin that {@link pin} made. */
  unpin(): void {
    this.#refuseReentry('unpin');
    unpinAll(this.mm);
  }

  /** Clears the soft-dirty marks: `echo 4 > /proc/PID/clear_refs`. */
  clearSoftDirty(): void {
    this.#refuseReentry('clear_refs');
    clearSoftDirty(this.mm);
  }

  #dropIfUnused(mm: Mm): void {
    for (const other of this.kernel.processes.values()) if (other.mm === mm) return;
    exitMm(mm);
  }

  #refuseReentry(call: string): void {
    const { policies } = this.kernel;
    if (policies.isRunning) policies.refuseReentry(call);
  }
}
