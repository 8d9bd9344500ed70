import {
  type MmError,
  NONE,
  VM_ACCESS,
  VM_IO,
  VM_LOCKONFAULT,
  VM_PFNMAP,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  refuse,
  pagesInto,
} from '@vmakit/base';
import { EntryKind } from '@vmakit/pagetable';
import type { Mm } from '../mm.js';
import { permits } from './access.js';
import {
  FAULT_OOM,
  FAULT_POISONED,
  FAULT_READ,
  FAULT_USERFAULT,
  FAULT_WRITE,
  type FaultAccess,
} from './fault-result.js';
import { faultInTable, handleFault } from './fault.js';
import { entryCount, pmdEnd } from './table-walk.js';

/**
 * How a range is populated: `read` and `write` as MADV_POPULATE_READ and _WRITE; `vma` as mlock and MAP_POPULATE do,
 * which write to private writable memory and read everything else, and pass over holes.
 */
export type PopulateKind = 'read' | 'write' | 'vma';

/**
 * Makes the pages of [start, end) present, as if they were accessed one after the other.
 *
 * @param ignoreErrors go on with the next VMA after a failure
 * @returns null, or the first refusal: ENOMEM (a hole, or no memory), EINVAL (the rights do not allow it), EFAULT (a
 * page that gives a signal). What lies before it is populated.
 */
export function populateRange(
  mm: Mm,
  start: number,
  end: number,
  kind: PopulateKind,
  ignoreErrors = false,
): MmError | null {
  let refusal: MmError | null = null;
  const { table } = mm.tree;
  let row = mm.tree.findRow(start);
  for (let page = start; page < end; row = table.next(row)) {
    if (row === NONE || (kind !== 'vma' && table.start(row) > page)) {
      return kind === 'vma' ? refusal : (refusal ?? refuse('ENOMEM', 'spec 01.6 populate: hole', { page }));
    }
    page = Math.max(page, table.start(row));
    const stop = Math.min(end, table.end(row));
    if (page >= stop) break;
    const failed = kind === 'vma' ? populateVma(mm, row, page, stop) : populateAdvised(mm, row, page, stop, kind);
    if (failed !== null && !ignoreErrors) return failed;
    refusal ??= failed;
    page = stop;
  }
  return refusal;
}

function populateVma(mm: Mm, row: number, start: number, end: number): MmError | null {
  const flags = mm.tree.table.flags(row);
  if ((flags & (VM_IO | VM_PFNMAP | VM_LOCKONFAULT)) !== 0) return null;
  if ((flags & VM_ACCESS) === 0) return refuse('EFAULT', 'spec 01.7 populate: no access', { start });
  const write = (flags & (VM_WRITE | VM_SHARED)) === VM_WRITE;
  // Seen on a live kernel with protection keys: the kernel reads for the program, which may only execute.
  if (!permits(flags, write)) return refuse('EFAULT', 'spec 01.7 populate: a protection key', { start });
  return populate(mm, row, start, end, write ? FAULT_WRITE : FAULT_READ);
}

function populateAdvised(mm: Mm, row: number, start: number, end: number, kind: 'read' | 'write'): MmError | null {
  const flags = mm.tree.table.flagsLower(row);
  const right = kind === 'write' ? VM_WRITE : VM_READ;
  if ((flags & (VM_IO | VM_PFNMAP)) !== 0 || (flags & right) === 0) {
    return refuse('EINVAL', 'spec 01.6 populate: the mapping does not allow it', { start });
  }
  return populate(mm, row, start, end, kind === 'write' ? FAULT_WRITE : FAULT_READ);
}

function populate(mm: Mm, row: number, start: number, end: number, access: FaultAccess): MmError | null {
  const { arch } = mm.env;
  const tables = mm.pages;
  for (let page = start; page < end;) {
    const stop = pmdEnd(tables, page, end);
    const table = tables.lookupToFill(page, entryCount(page, stop));
    if (table === 0) {
      if (isHugeReady(mm, page, access)) {
        page += arch.pmdPages - pagesInto(page, arch.pmdPages);
        continue;
      }
      const result = handleFault(mm, mm.tree.table.view(row), page, access);
      if (result < 0) return refusalOf(result, page);
      continue;
    }
    const words = tables.pool.words(table);
    for (let at = tables.entryAt(table, 0, page); page < stop; page++, at += 2) {
      if (arch.isPresent(words, at) && (access === FAULT_READ || arch.isWritable(words, at))) continue;
      const result = mm.env.bus.observed
        ? handleFault(mm, mm.tree.table.view(row), page, access)
        : faultInTable(mm, row, page, access, words, at);
      if (result < 0) return refusalOf(result, page);
    }
  }
  return null;
}

function isHugeReady(mm: Mm, page: number, access: FaultAccess): boolean {
  const { arch } = mm.env;
  const pmdTable = mm.pages.lookup(1, page);
  if (pmdTable === 0) return false;
  const words = mm.pages.pool.words(pmdTable);
  const at = mm.pages.entryAt(pmdTable, 1, page);
  if (arch.kindOf(words, at, 1) !== EntryKind.Page) return false;
  return access === FAULT_READ || arch.isWritable(words, at);
}

function refusalOf(result: number, page: number): MmError {
  if (result === FAULT_OOM) return refuse('ENOMEM', 'spec 03.8 fault: out of memory', { page });
  if (result === FAULT_POISONED) return refuse('EHWPOISON', 'spec 04.4: a poisoned page', { page });
  if (result === FAULT_USERFAULT) return refuse('EFAULT', 'spec 03.8 fault: left to a userfaultfd', { page });
  return refuse('EFAULT', 'spec 03.8 fault: signal', { page });
}
