import {
  type FaultInjector,
  type InjectionPoint,
  KERNEL_PROFILES,
  type KernelProfile,
  MmError,
  smapsFlagNames,
} from '@vmakit/base';
import { PhaseBus, type PhaseEvent } from '@vmakit/events';
import { PhysicalMemory, SwapSpace } from '@vmakit/folio';
import { type LockTracker, LockValidator } from '@vmakit/locking';
import { type Arch, TablePool, TlbCounters, archByName } from '@vmakit/pagetable';
import { AnonVmaRegistry, chainOf } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../calls/abi.js';
import { touch } from '../calls/access.js';
import { mmap } from '../calls/mmap.js';
import { MmEnvironment } from '../environment.js';
import { Mm, type MmLayout, copyLayout, defaultLayout } from '../mm.js';
import type { MmSettings } from '../settings.js';

/** What the address spaces of the tests are made of. */
export interface WorldOptions {
  readonly arch?: Arch;
  readonly profile?: KernelProfile['name'];
  readonly settings?: Partial<MmSettings>;
  readonly layout?: Partial<MmLayout>;
  /** In place of one that checks every lock. */
  readonly locks?: LockTracker;
}

/** One address space on a machine of its own, in which every lock is checked. Huge pages are off. */
export function makeMm(options: WorldOptions = {}): Mm {
  const arch = options.arch ?? archByName('x86-64');
  const memory = new PhysicalMemory({ maxOrder: arch.pmdOrder });
  const env = new MmEnvironment({
    arch,
    profile: KERNEL_PROFILES[options.profile ?? 'v7.3'],
    memory,
    swap: new SwapSpace(memory),
    anonVmas: new AnonVmaRegistry(),
    tablePool: new TablePool(arch),
    tlb: new TlbCounters(),
    bus: new PhaseBus<PhaseEvent>(),
    locks: options.locks ?? new LockValidator(),
    settings: {
      mmapMinPage: 1,
      softDirty: false,
      thp: { enabled: 'never', sizes: new Map(), useZeroPage: true },
      ...options.settings,
    },
  });
  return new Mm(env, copyLayout(defaultLayout(env), options.layout));
}

/** `rw-` as bits of `PROT_*`. */
export function prot(text: string): number {
  return (text[0] === 'r' ? PROT_READ : 0) | (text[1] === 'w' ? PROT_WRITE : 0) | (text[2] === 'x' ? PROT_EXEC : 0);
}

/** Maps private anonymous memory at [start, start + pages). Throws when that is refused. */
export function map(mm: Mm, start: number, pages: number, access = 'rw-', flags = 0): void {
  const result = mmap(mm, {
    start,
    pages,
    prot: prot(access),
    flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags,
  });
  if (result instanceof MmError) throw new Error(`mmap: ${outcome(result)}`);
}

/** Writes to every page of [start, start + pages). Throws when one cannot be written. */
export function write(mm: Mm, start: number, pages: number): void {
  const { touched, page } = touch(mm, start, pages);
  if (touched !== pages) throw new Error(`touch: page ${page} cannot be written`);
}

/** `0`, `ENOMEM`: the result of a call in a word. */
export function outcome(result: number | null | MmError): string {
  return result instanceof MmError ? result.errno : String(result);
}

/** The mappings, one a line: `16-24 rw-p ac @1+2` is VMA [16, 24), accounted, anon_vma 1 and linked to 2 as well. */
export function picture(mm: Mm): string {
  return [...mm.tree].map((vma) => line(vma)).join('\n');
}

function line(vma: Vma): string {
  const names = smapsFlagNames(vma.flags);
  const access = ['rd', 'wr', 'ex'].map((name, i) => (names.includes(name) ? 'rwx'[i] : '-')).join('');
  const rest = names.filter((name) => !['rd', 'wr', 'ex', 'mr', 'mw', 'me', 'sh', 'ms'].includes(name));
  const parts = [`${vma.start}-${vma.end}`, access + (names.includes('ms') ? 's' : 'p'), ...rest];
  if (vma.pageOffset !== vma.start) parts.push(`+${vma.pageOffset}`);
  if (vma.anonVma !== null) {
    let links = `@${vma.anonVma.id}`;
    for (const { anonVma } of chainOf(vma)) if (anonVma !== vma.anonVma) links += `+${anonVma.id}`;
    parts.push(links);
  }
  return parts.join(' ');
}

/** Fails the `n`-th time (from 1) that `point` is reached, once. */
export function failOnce(point: InjectionPoint, n = 1): FaultInjector {
  let reached = 0;
  return { fails: (at) => at === point && ++reached === n };
}
