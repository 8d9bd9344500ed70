import { VM_HUGETLB, VM_UFFD_WP } from '@vmakit/base';
import {
  EntryKind,
  type EntryState,
  type EntryWords,
  MARKER_GUARD,
  MARKER_POISONED,
  UFFD_WP,
  YOUNG,
} from '@vmakit/pagetable';
import { type Vma, isAnonymous } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { anonymousFault, hugeAnonymousFault } from './anonymous-fault.js';
import { writeProtectFault } from './cow.js';
import {
  FAULT_MIGRATING,
  FAULT_OK,
  FAULT_OOM,
  FAULT_READ,
  FAULT_POISONED,
  FAULT_SIGBUS,
  FAULT_SIGSEGV,
  FAULT_USERFAULT,
  FAULT_WRITE,
  type FaultAccess,
  faultName,
} from './fault-result.js';
import { fileFault } from './file-fault.js';
import { hugetlbFault } from './hugetlb.js';
import { FALL_BACK, hugeFault } from './huge-fault.js';
import { swapFault } from './swap-in.js';

/**
 * A page fault of an access that the VMA permits: makes `page` present, for writing if asked. Which page that is, what
 * it points to, and what becomes of the old one: spec 03 sections 4 and 8.
 *
 * @returns one of the `FAULT_…` results.
 */
export function handleFault(mm: Mm, vma: Vma, page: number, access: FaultAccess): number {
  const result = fault(mm, vma, page, access);
  const { bus } = mm.env;
  if (bus.observed) {
    bus.emit({ type: 'fault.end', process: mm.id, page, write: access === FAULT_WRITE, outcome: faultName(result) });
  }
  return result;
}

function fault(mm: Mm, vma: Vma, page: number, access: FaultAccess): number {
  if ((vma.flags & VM_HUGETLB) !== 0) return hugetlbFault(mm, vma, page, access);
  const tables = mm.pages;
  let table = tables.lookupToFill(page, 1);
  if (table === 0) {
    const huge = faultAboveTables(mm, vma, page, access);
    if (huge !== FALL_BACK) return huge;
    table = tables.ensureToFill(page, 1);
    if (table === 0) return FAULT_OOM;
  }
  return faultInTable(mm, vma.row, page, access, tables.pool.words(table), tables.entryAt(table, 0, page));
}

/** The page has no table of small entries: a huge entry is there, or can be made. */
function faultAboveTables(mm: Mm, vma: Vma, page: number, access: FaultAccess): number {
  const tables = mm.pages;
  const pmdTable = tables.lookup(1, page);
  if (pmdTable !== 0) {
    const words = tables.pool.words(pmdTable);
    const at = tables.entryAt(pmdTable, 1, page);
    if (!tables.arch.isNone(words, at)) {
      if (access === FAULT_WRITE && isProtectedByUserfault(mm, vma.row, words, at)) return FAULT_USERFAULT;
      return hugeFault(mm, vma, page, access);
    }
  }
  if (!isAnonymous(vma)) return FALL_BACK;
  const result = hugeAnonymousFault(mm, vma, page, access);
  return result === FAULT_OK ? FALL_BACK : result;
}

/** A fault at the entry of a small page of the VMA in `row`. */
export function faultInTable(
  mm: Mm,
  row: number,
  page: number,
  access: FaultAccess,
  words: EntryWords,
  at: number,
): number {
  const { arch } = mm.env;
  const { table } = mm.tree;
  switch (arch.kindOf(words, at, 0)) {
    case EntryKind.None:
      return firstTouch(mm, row, page, access, words, at, 0);
    case EntryKind.Page:
      if (access === FAULT_READ) {
        arch.setAccessFlags(words, at, YOUNG);
        return FAULT_OK;
      }
      if (arch.isWritable(words, at)) return FAULT_OK;
      if (access === FAULT_WRITE && isProtectedByUserfault(mm, row, words, at)) return FAULT_USERFAULT;
      return writeProtectFault(mm, table.view(row), page, access, words, at);
    case EntryKind.Swap:
      return swapFault(mm, table.view(row), page, access, words, at);
    case EntryKind.Migration:
      return FAULT_MIGRATING;
    case EntryKind.Marker:
      return markerFault(mm, row, page, access, words, at);
    default:
      return FAULT_SIGBUS;
  }
}

function firstTouch(
  mm: Mm,
  row: number,
  page: number,
  access: FaultAccess,
  words: EntryWords,
  at: number,
  kept: EntryState,
): number {
  const { table } = mm.tree;
  const file = table.file(row);
  if (file === null || table.isAnonymous(row)) return anonymousFault(mm, row, page, access, words, at, kept);
  return fileFault(mm, table.view(row), file, page, access, words, at, kept);
}

/** Guard: SIGSEGV. Poison: SIGBUS. Protected by userfaultfd: a first touch whose entry keeps the protection. */
function markerFault(mm: Mm, row: number, page: number, access: FaultAccess, words: EntryWords, at: number): number {
  const bits = mm.env.arch.markerBits(words, at);
  if ((bits & MARKER_POISONED) !== 0) return FAULT_POISONED;
  if ((bits & MARKER_GUARD) !== 0) return FAULT_SIGSEGV;
  if (!mm.tree.table.hasAny(row, VM_UFFD_WP)) {
    mm.env.arch.clear(words, at);
    return firstTouch(mm, row, page, access, words, at, 0);
  }
  const result = firstTouch(mm, row, page, access, words, at, UFFD_WP);
  return result >= 0 && access === FAULT_WRITE ? FAULT_USERFAULT : result;
}

function isProtectedByUserfault(mm: Mm, row: number, words: EntryWords, at: number): boolean {
  return mm.tree.table.hasAny(row, VM_UFFD_WP) && mm.env.arch.isUffdWp(words, at);
}
