import {
  InvariantError,
  NONE,
  VM_ACCESS,
  VM_GROWSDOWN,
  VM_READ,
  type VmFlags,
  VM_WRITE,
  pagesInto,
} from '@vmakit/base';
import type { EntryWords } from '@vmakit/pagetable';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { FAULT_OK, FAULT_READ, FAULT_SIGSEGV, FAULT_WRITE } from './fault-result.js';
import { faultInTable, handleFault } from './fault.js';
import { protectionKey } from './page-protection.js';
import { entryCount, pmdEnd } from './table-walk.js';

/** Grows the stack VMA `vma` down to `page`; false: it may not. Given by the calls, which know the limits. */
export type StackGrowth = (mm: Mm, vma: Vma, page: number) => boolean;

/** How a run of accesses ended. */
export interface AccessResult {
  /** Accesses done. */
  readonly touched: number;
  /** `FAULT_OK`, or the result of the fault that failed: a signal, no memory, a userfault. */
  readonly result: number;
  /** The page that could not be accessed; -1: none. */
  readonly page: number;
}

/**
 * A program accesses the first byte of every `stride`-th of `count` pages from `start` on, in turn, up to the first
 * that fails. A store writes `value` there.
 *
 * One lookup of the table serves all its pages; nothing is allocated for a page but what its fault makes.
 */
export function touch(
  mm: Mm,
  start: number,
  count: number,
  stride: number,
  write: boolean,
  value: number,
  growStack: StackGrowth = refuseGrowth,
): AccessResult {
  const end = start + count;
  const { arch, memory } = mm.env;
  const tables = mm.pages;
  const vmas = mm.tree.table;
  let touched = 0;
  let idleFaults = 0;
  for (let page = start; page < end;) {
    const row = rowFor(mm, page, growStack);
    if (row === NONE || !permits(vmas.flags(row), write)) return { touched, result: FAULT_SIGSEGV, page };
    const limit = Math.min(end, vmas.end(row));
    while (page < limit) {
      const span = pmdEnd(tables, page, limit);
      const table = tables.lookupToFill(page, entryCount(page, span));
      if (table === 0) {
        const done = touchHuge(mm, page, limit, stride, write, value);
        if (done === 0) {
          const result = handleFault(mm, vmas.view(row), page, write ? FAULT_WRITE : FAULT_READ);
          if (result < 0) return { touched, result, page };
          if (++idleFaults > MOST_FAULTS) throw faultedInVain(page, write);
        } else {
          idleFaults = 0;
          touched += done;
          page += done * stride;
        }
        continue;
      }
      idleFaults = 0;
      const words = tables.pool.words(table);
      for (let at = tables.entryAt(table, 0, page); page < span; page += stride, at += 2 * stride) {
        if (!isAccessible(mm, words, at, write)) {
          const result = faultUntilAccessible(mm, row, page, words, at, write);
          if (result < 0) return { touched, result, page };
        }
        arch.hardwareAccess(words, at, write);
        if (write) memory.content[arch.pfn(words, at, 0)] = value;
        touched++;
      }
    }
  }
  return { touched, result: FAULT_OK, page: -1 };
}

/** Reads the first byte of `page` as a program does. -1: the access fails. */
export function readByte(mm: Mm, page: number): number {
  if (touch(mm, page, 1, 1, false, 0).result < 0) return -1;
  return mm.env.memory.content[frameAt(mm, page)] ?? 0;
}

/** The frame that `page` is mapped to, huge or not; -1 when nothing is present there. */
export function frameAt(mm: Mm, page: number): number {
  const { arch } = mm.env;
  const tables = mm.pages;
  const table = tables.lookup(0, page);
  if (table !== 0) {
    const words = tables.pool.words(table);
    const at = tables.entryAt(table, 0, page);
    return arch.isPresent(words, at) ? arch.pfn(words, at, 0) : -1;
  }
  const pmdTable = tables.lookup(1, page);
  if (pmdTable === 0) return -1;
  const words = tables.pool.words(pmdTable);
  const at = tables.entryAt(pmdTable, 1, page);
  return arch.isLeaf(words, at) ? arch.pfn(words, at, 1) + pagesInto(page, arch.pmdPages) : -1;
}

/**
 * Whether a VMA with these flags permits the access. Memory that may only be executed can be read unless a protection
 * key forbids it.
 */
export function permits(flags: VmFlags, write: boolean): boolean {
  if (write) return (flags & VM_WRITE) !== 0;
  return (flags & VM_ACCESS) !== 0 && ((flags & VM_READ) !== 0 || protectionKey(flags) === 0);
}

function refuseGrowth(): boolean {
  return false;
}

/** The row of the VMA that holds `page`, if need be when the stack has grown. */
function rowFor(mm: Mm, page: number, growStack: StackGrowth): number {
  const { table } = mm.tree;
  const row = mm.tree.findRow(page);
  if (row === NONE || table.start(row) <= page) return row;
  return table.hasAny(row, VM_GROWSDOWN) && growStack(mm, table.view(row), page) ? row : NONE;
}

function isAccessible(mm: Mm, words: EntryWords, at: number, write: boolean): boolean {
  const { arch } = mm.env;
  return arch.isPresent(words, at) && !arch.isProtNone(words, at) && (!write || arch.isWritable(words, at));
}

/** An instruction is tried again after its fault, and may fault again: a page read in read-only is copied next. */
const MOST_FAULTS = 3;

function faultUntilAccessible(
  mm: Mm,
  row: number,
  page: number,
  words: EntryWords,
  at: number,
  write: boolean,
): number {
  for (let faults = 0; faults < MOST_FAULTS; faults++) {
    const access = write ? FAULT_WRITE : FAULT_READ;
    const result = mm.env.bus.observed
      ? handleFault(mm, mm.tree.table.view(row), page, access)
      : faultInTable(mm, row, page, access, words, at);
    if (result < 0 || isAccessible(mm, words, at, write)) return result;
  }
  throw faultedInVain(page, write);
}

/** Accesses through the huge entry over `page`, as far as it goes; gives how many, 0 when it does not allow any. */
function touchHuge(mm: Mm, page: number, limit: number, stride: number, write: boolean, value: number): number {
  const { arch, memory } = mm.env;
  const tables = mm.pages;
  const pmdTable = tables.lookup(1, page);
  if (pmdTable === 0) return 0;
  const words = tables.pool.words(pmdTable);
  const at = tables.entryAt(pmdTable, 1, page);
  if (!isAccessible(mm, words, at, write)) return 0;
  arch.hardwareAccess(words, at, write);
  const base = page - pagesInto(page, arch.pmdPages);
  const count = Math.ceil((Math.min(limit, base + arch.pmdPages) - page) / stride);
  if (write) {
    const frame = arch.pfn(words, at, 1) + (page - base);
    if (stride === 1) memory.content.fill(value, frame, frame + count);
    else for (let i = 0; i < count; i++) memory.content[frame + i * stride] = value;
  }
  return count;
}

function faultedInVain(page: number, write: boolean): InvariantError {
  return new InvariantError('a fault that succeeds makes the page accessible', { page, write: Number(write) });
}
