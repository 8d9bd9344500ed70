import { type MmError, VM_ACCESS, VM_IO, VM_PFNMAP, VM_READ, VM_WRITE, isCowMapping, refuse } from '@vmakit/base';
import { PG_ANON, PG_DIRTY, PG_EXCLUSIVE } from '@vmakit/folio';
import { EntryKind, type EntryWords } from '@vmakit/pagetable';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { FAULT_OOM, FAULT_READ, FAULT_UNSHARE, FAULT_WRITE } from './fault-result.js';
import { handleFault } from './fault.js';

/** A page cannot be pinned as it is: it must be made exclusive first. */
const MUST_UNSHARE = -2;
const NOT_THERE = -1;
/** A pin may need a read fault, an unsharing one, and a look at the result. */
const MOST_FAULTS = 4;

/**
 * Pins each page of [start, end) for long-term access by a device (FOLL_PIN with FOLL_LONGTERM). Anonymous pages are
 * made exclusive first, also for reading only, so that the device and the process go on seeing the same page.
 *
 * @returns null, or why a page could not be pinned: EFAULT, ENOMEM. None is pinned then.
 */
export function pinRange(mm: Mm, start: number, end: number, write: boolean): MmError | null {
  mm.hasPinned = true;
  const pinned: number[] = [];
  for (let page = start; page < end; page++) {
    const vma = mm.tree.at(page);
    const refusal = vma === null ? refuse('EFAULT', 'spec 03.4 pin: no mapping', { page }) : checkVma(vma, page, write);
    const failed = refusal ?? pinPage(mm, vma as Vma, page, write, pinned);
    if (failed !== null) {
      for (const frame of pinned) unpinFrame(mm, frame);
      return failed;
    }
  }
  mm.pinnedFrames.push(...pinned);
  return null;
}

/** Takes off every pin of the process. */
export function unpinAll(mm: Mm): void {
  for (const frame of mm.pinnedFrames) unpinFrame(mm, frame);
  mm.pinnedFrames.length = 0;
}

function unpinFrame(mm: Mm, frame: number): void {
  mm.env.memory.unpin(mm.env.memory.headOf(frame));
}

function checkVma(vma: Vma, page: number, write: boolean): MmError | null {
  const { flags } = vma;
  const allowed = write ? (flags & VM_WRITE) !== 0 : (flags & VM_READ) !== 0;
  if (allowed && (flags & (VM_IO | VM_PFNMAP)) === 0 && (flags & VM_ACCESS) !== 0) return null;
  return refuse('EFAULT', 'spec 03.4 pin: the mapping does not allow it', { page });
}

function pinPage(mm: Mm, vma: Vma, page: number, write: boolean, pinned: number[]): MmError | null {
  const { memory } = mm.env;
  let unshare = false;
  for (let faults = 0; faults < MOST_FAULTS; faults++) {
    const frame = pinnableFrame(mm, vma, page, write);
    if (frame >= 0) {
      const head = memory.headOf(frame);
      memory.pin(head);
      if (write) memory.flags[head]! |= PG_DIRTY;
      pinned.push(frame);
      return null;
    }
    unshare ||= frame === MUST_UNSHARE;
    const access = write ? FAULT_WRITE : unshare ? FAULT_UNSHARE : FAULT_READ;
    const result = handleFault(mm, vma, page, access);
    if (result === FAULT_OOM) return refuse('ENOMEM', 'spec 03.4 pin: out of memory', { page });
    if (result < 0) return refuse('EFAULT', 'spec 03.4 pin: the page gives a signal', { page });
  }
  return refuse('EFAULT', 'spec 03.4 pin: the page cannot be made exclusive', { page });
}

/** The frame to pin at `page`; `NOT_THERE` or `MUST_UNSHARE` when a fault must come first. */
function pinnableFrame(mm: Mm, vma: Vma, page: number, write: boolean): number {
  const { arch } = mm.env;
  const tables = mm.pages;
  const table = tables.lookup(0, page);
  const level = table === 0 ? 1 : 0;
  const holder = table === 0 ? tables.lookup(1, page) : table;
  if (holder === 0) return NOT_THERE;
  const words = tables.pool.words(holder);
  const at = tables.entryAt(holder, level, page);
  if (arch.kindOf(words, at, level) !== EntryKind.Page) return NOT_THERE;
  if (write && !arch.isWritable(words, at)) return NOT_THERE;
  const pfn = arch.pfn(words, at, level);
  if (mustUnshare(mm, vma, words, at, pfn)) return MUST_UNSHARE;
  return level === 0 ? pfn : pfn + (page % arch.pmdPages);
}

/**
 * A page that is not writable could be replaced by a copy at the next store, unless it is exclusive anonymous memory.
 */
function mustUnshare(mm: Mm, vma: Vma, words: EntryWords, at: number, pfn: number): boolean {
  const { arch, memory } = mm.env;
  if (arch.isWritable(words, at)) return false;
  const isAnon = !arch.isSpecial(words, at) && (memory.flags[memory.headOf(pfn)]! & PG_ANON) !== 0;
  if (!isAnon) return isCowMapping(vma.flags);
  return (memory.flags[pfn]! & PG_EXCLUSIVE) === 0;
}
