import {
  type FaultInjector,
  type KernelProfile,
  MmError,
  type SysResult,
  VM_MAYSHARE,
  protectionText,
} from '@vmakit/base';
import type { PhaseEvent } from '@vmakit/events';
import { PG_ANON } from '@vmakit/folio';
import { type Kernel, type Process, createKernel } from '@vmakit/kernel';
import { LockValidator } from '@vmakit/locking';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, type ThpSettings } from '@vmakit/mm';
import type { MremapPolicy } from '@vmakit/mremap';
import { EntryKind } from '@vmakit/pagetable';

/** Page 0 of every scene: 1 GiB aligned on 4 KiB pages, and far from the ends of every address space modelled. */
const ORIGIN_BYTES = 0x1000_0000_0000;
const DEFAULT_PAGES = 4096;

/** How a scene is made. Everything may be left out. */
export interface SceneOptions {
  readonly policies?: readonly MremapPolicy[];
  readonly profile?: KernelProfile['name'];
  readonly arch?: string;
  /** Modes of transparent huge pages: `{ enabled: 'always', orders: [2, 9] }`. Default: none. */
  readonly thp?: { readonly enabled: ThpSettings['enabled']; readonly orders: readonly number[] };
  readonly injector?: FaultInjector | null;
  /** Throw at locks that are taken out of order or not given back. Default true. */
  readonly checksLocks?: boolean;
  /** Pages of the window in which everything happens; when the kernel chooses an address it takes the highest gap. */
  readonly pages?: number;
}

/** How something is mapped. */
export interface MapOptions {
  /** `r`, `w`, `x` or `-`; default `rw`. */
  readonly prot?: string;
  readonly noReserve?: boolean;
  readonly shared?: boolean;
}

/**
 * A small kernel in which things happen in a window of pages numbered from 0, told in calls of one line and looked at
 * as text: what tests of policies are made of. Locks are checked all along.
 *
 * @example
 * const scene = new Scene({ policies: [relocateAnon()] });
 * scene.map(16, 8).write(16, 8);
 * scene.move(16, 8, 64, ['MUST_RELOCATE_ANON']);
 * scene.vmas(); // ['64-72 rw-p @64 b']
 */
export class Scene {
  readonly kernel: Kernel;
  readonly locks: LockValidator = new LockValidator();
  /** The process that calls of the scene are made by; {@link as} changes it. */
  process: Process;
  /** First page of the window. */
  readonly origin: number;
  /** Bytes. */
  readonly pageSize: number;
  readonly #names = new Map<number, string>();

  constructor(options: SceneOptions = {}) {
    const arch = options.arch ?? 'x86-64';
    const pageSize = { 'arm64-16k': 16384, 'arm64-64k': 65536 }[arch] ?? 4096;
    this.pageSize = pageSize;
    this.origin = ORIGIN_BYTES / pageSize;
    const window = { start: this.origin, end: this.origin + (options.pages ?? DEFAULT_PAGES) };
    const { thp } = options;
    this.kernel = createKernel({
      arch,
      profile: options.profile ?? 'v7.3',
      policies: options.policies ?? [],
      injector: options.injector ?? null,
      ...(options.checksLocks === false ? {} : { locks: this.locks }),
      settings: {
        thp: {
          enabled: thp?.enabled ?? 'never',
          sizes: new Map((thp?.orders ?? []).map((order) => [order, 'always'])),
          useZeroPage: true,
        },
      },
      window,
    });
    this.process = this.kernel.spawn();
  }

  /** The byte address of page `page` of the window. */
  address(page: number): number {
    return (this.origin + page) * this.pageSize;
  }

  /** Further calls are made by `process`. */
  as(process: Process): this {
    this.process = process;
    return this;
  }

  map(page: number, pages: number, options: MapOptions = {}): this {
    const { prot = 'rw', noReserve = false, shared = false } = options;
    const flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_FIXED | (noReserve ? MAP_NORESERVE : 0);
    return this.#ok('mmap', this.process.mmap(this.address(page), this.#bytes(pages), protectionOf(prot), flags));
  }

  unmap(page: number, pages: number): this {
    return this.#ok('munmap', this.process.munmap(this.address(page), this.#bytes(pages)));
  }

  protect(page: number, pages: number, prot: string): this {
    return this.#ok('mprotect', this.process.mprotect(this.address(page), this.#bytes(pages), protectionOf(prot)));
  }

  advise(page: number, pages: number, advice: number): this {
    return this.#ok('madvise', this.process.madvise(this.address(page), this.#bytes(pages), advice));
  }

  /** Writes `value` to the first byte of every page. */
  write(page: number, pages: number, value = 1): this {
    return this.#touch(page, pages, true, value);
  }

  read(page: number, pages: number): this {
    return this.#touch(page, pages, false, 0);
  }

  pin(page: number, pages: number): this {
    return this.#ok('pin', this.process.pin(this.address(page), this.#bytes(pages)));
  }

  /** A child of the current process. */
  fork(): Process {
    const child = this.process.fork();
    if (child instanceof MmError) throw new Error(`fork: ${child.errno} (${child.rule})`);
    return child;
  }

  /** mremap as it is: pages, flags by name (`MAYMOVE` is not added). Gives what the kernel gives. */
  call(page: number, oldPages: number, newPages: number, flags: readonly string[], newPage = 0): SysResult {
    let word = 0;
    for (const name of flags) {
      const bit = this.kernel.policies.flagNames[name];
      if (bit === undefined) throw new TypeError(`flags: this kernel has no mremap flag ${name}`);
      word |= bit;
    }
    const [from, to] = [this.address(page), this.address(newPage)];
    return this.process.mremap(from, this.#bytes(oldPages), this.#bytes(newPages), word, to);
  }

  /** The same; gives the page of the result, or the errno. */
  remap(page: number, oldPages: number, newPages: number, flags: readonly string[], newPage = 0): number | string {
    const result = this.call(page, oldPages, newPages, flags, newPage);
    return result instanceof MmError ? result.errno : result - this.origin;
  }

  /** Moves `pages` pages to exactly `newPage`. Gives that page, or the errno. */
  move(page: number, pages: number, newPage: number, flags: readonly string[] = []): number | string {
    return this.remap(page, pages, pages, ['MAYMOVE', 'FIXED', ...flags], newPage);
  }

  /**
   * The VMAs, a line each: range, rights, `@` offset, and a letter for the anon_vma (by first appearance; `-`: none).
   * Offsets of anonymous memory are given relative to the window, like pages.
   */
  vmas(): string[] {
    const lines: string[] = [];
    for (let vma = this.process.mm.tree.first; vma !== null; vma = vma.next) {
      const offset = vma.file === null ? vma.pageOffset - this.origin : vma.pageOffset;
      const anon = vma.anonVma === null ? '-' : this.#nameOf(vma.anonVma.id);
      const range = `${vma.start - this.origin}-${vma.end - this.origin}`;
      lines.push(
        `${range} ${protectionText(vma.flags & ~VM_MAYSHARE)}${vma.flags & VM_MAYSHARE ? 's' : ''} @${offset} ${anon}`,
      );
    }
    return lines.map((line) => line.replace(/^(\S+ \S+?)ps /, '$1s '));
  }

  /** For each page of a range, what is there: `a:16` (anon_vma, offset of that page), `zero`, `swap`, `-`... */
  pages(page: number, pages: number): string[] {
    return Array.from({ length: pages }, (_, i) => this.#describe(this.origin + page + i));
  }

  /** First bytes of the pages of a range as a reader would see them; null where nothing is mapped by an entry. */
  contents(page: number, pages: number): (number | null)[] {
    const { memory } = this.kernel.env;
    return Array.from({ length: pages }, (_, i) => {
      const frame = this.#frameAt(this.origin + page + i);
      return frame < 0 ? null : (memory.content[frame] as number);
    });
  }

  /** Runs `act` and gives the events that it caused. */
  events(act: () => void): PhaseEvent[] {
    const seen: PhaseEvent[] = [];
    const stop = this.kernel.bus.listen((event) => seen.push(event));
    try {
      act();
    } finally {
      stop();
    }
    return seen;
  }

  #touch(page: number, pages: number, write: boolean, value: number): this {
    const result = this.process.touch(this.origin + page, pages, { write, value });
    if (result.page >= 0) throw new Error(`touch: fault result ${result.result} at page ${result.page - this.origin}`);
    return this;
  }

  #ok(call: string, result: number | MmError): this {
    if (result instanceof MmError) throw new Error(`${call}: ${result.errno} (${result.rule})`);
    return this;
  }

  #bytes(pages: number): number {
    return pages * this.pageSize;
  }

  #nameOf(id: number): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const name = String.fromCharCode(97 + this.#names.size);
    this.#names.set(id, name);
    return name;
  }

  #frameAt(page: number): number {
    const { mm } = this.process;
    const { arch } = mm.env;
    for (const level of [0, arch.pmdLevel]) {
      const table = mm.pages.lookup(level, page);
      if (table === 0) continue;
      const words = mm.pages.pool.words(table);
      const at = mm.pages.entryAt(table, level, page);
      if (arch.kindOf(words, at, level) === EntryKind.Page) {
        return arch.pfn(words, at, level) + (level === 0 ? 0 : page % arch.pmdPages);
      }
    }
    return -1;
  }

  #describe(page: number): string {
    const { memory } = this.kernel.env;
    const frame = this.#frameAt(page);
    if (frame >= 0) {
      const head = memory.headOf(frame);
      if (((memory.flags[head] as number) & PG_ANON) === 0) return 'zero';
      const index = (memory.index[head] as number) + (frame - head) - this.origin;
      return `${this.#nameOf(memory.mapping[head] as number)}:${index}`;
    }
    const { mm } = this.process;
    const table = mm.pages.lookup(0, page);
    if (table === 0) return '-';
    const kind = mm.env.arch.kindOf(mm.pages.pool.words(table), mm.pages.entryAt(table, 0, page), 0);
    return KIND_NAMES[kind] ?? '-';
  }
}

const KIND_NAMES: Readonly<Record<number, string>> = {
  [EntryKind.Swap]: 'swap',
  [EntryKind.Migration]: 'migration',
  [EntryKind.Marker]: 'marker',
};

function protectionOf(text: string): number {
  return (text.includes('r') ? 1 : 0) | (text.includes('w') ? 2 : 0) | (text.includes('x') ? 4 : 0);
}
