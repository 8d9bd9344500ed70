import { MmError } from '@vmakit/base';
import type { KernelBus } from '@vmakit/events';
import { MappedFile, type MappedFileOptions } from '@vmakit/folio';
import { type MmEnvironment, Mm, type MmLayout, copyLayout, defaultLayout, ksmScan } from '@vmakit/mm';
import type { PolicySet } from '@vmakit/mremap';
import { composeKernel } from './compose.js';
import type { KernelOptions } from './options.js';
import { Process } from './process.js';
import { type Container, get } from './token.js';
import { ENVIRONMENT, POLICIES } from './tokens.js';

/** What a new file is, less what the kernel gives it. */
export type FileOptions = Omit<MappedFileOptions, 'id'>;

/**
 * A modelled kernel: one machine, its processes, its files.
 *
 * @example
 * const kernel = createKernel();
 * const process = kernel.spawn();
 * process.mmap(0x10000000, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
 */
export class Kernel {
  readonly env: MmEnvironment;
  readonly policies: PolicySet;
  /** Living processes by their ids. */
  readonly processes: Map<number, Process> = new Map();
  readonly #window: KernelOptions['window'];
  #nextPid = 1;

  constructor(container: Container, window: KernelOptions['window'] = null) {
    this.env = get(container, ENVIRONMENT);
    this.policies = get(container, POLICIES);
    this.#window = window;
  }

  /** The phase events of everything that this kernel does. */
  get bus(): KernelBus {
    return this.env.bus;
  }

  /**
   * Starts a process with an empty address space.
   *
   * @param options `pid`: a free number is taken if it is left out; `layout`: where it differs from the default
   * @throws {RangeError} when the pid is taken
   */
  spawn(options: { readonly pid?: number; readonly layout?: Partial<MmLayout> } = {}): Process {
    return this.adopt(new Mm(this.env, this.layout(options.layout)), options.pid);
  }

  /** The layout that new address spaces have, changed by `changes`. */
  layout(changes: Partial<MmLayout> = {}): MmLayout {
    return copyLayout(defaultLayout(this.env), { window: this.#window ?? null, ...changes });
  }

  /** Makes a process of an address space that may have others already: a thread, a vforked child. */
  adopt(mm: Mm, pid?: number): Process {
    const number = pid ?? this.#freePid();
    if (this.processes.has(number)) throw new RangeError(`pid: there is a process ${number} already`);
    const process = new Process(this, number, mm);
    this.processes.set(number, process);
    return process;
  }

  /** Makes a file that can be mapped. Sizes are pages. */
  createFile(options: FileOptions): MappedFile {
    const file = new MappedFile({ ...options, id: this.env.nextFileId++ });
    this.env.files.set(file.id, file);
    return file;
  }

  /** Runs the same-page merger over all memory marked for it until nothing is left to do. */
  scanForSamePages(): void {
    const mms = new Set<Mm>();
    for (const process of this.processes.values()) mms.add(process.mm);
    ksmScan(this.env, [...mms]);
  }

  /** Ends every process and closes the bus. */
  dispose(): void {
    for (const process of this.processes.values()) process.exit();
    this.bus.close();
  }

  #freePid(): number {
    while (this.processes.has(this.#nextPid)) this.#nextPid++;
    return this.#nextPid;
  }
}

/**
 * Makes a kernel.
 *
 * @throws {TypeError} naming an option that is unknown
 * @throws {PolicyConflictError} naming two policies that claim the same flag
 */
export function createKernel(options: KernelOptions = {}): Kernel {
  return new Kernel(composeKernel(options), options.window ?? null);
}

/** Makes a kernel from a container of `composeKernel` in which parts may have been replaced. */
export function createKernelFrom(container: Container, window: KernelOptions['window'] = null): Kernel {
  return new Kernel(container, window);
}

/** Whether a call was refused; narrows its result. */
export function isError(result: unknown): result is MmError {
  return result instanceof MmError;
}
