import { MmError, NONE, type SysResult, VM_SEALED, VM_WRITE, refuse } from '@vmakit/base';
import type { VmaTable } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { populateRange } from '../pages/populate.js';
import {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_KEEPONFORK,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_REMOVE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
} from './abi.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForReading, lockForWriting, unlock } from './call.js';
import { adviseFlags } from './madvise-flags.js';
import { advisePages } from './madvise-pages.js';

/** Advice about the pages, not the flags: the mmap lock is only read. */
const PAGE_ADVICE: ReadonlySet<number> = new Set([
  MADV_WILLNEED,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_REMOVE,
  MADV_COLD,
  MADV_PAGEOUT,
  MADV_DONTNEED_LOCKED,
  MADV_COLLAPSE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
]);

/** Advice that loses contents, now or at a fork: refused on sealed memory that the program could not write itself. */
const DISCARDING: ReadonlySet<number> = new Set([
  MADV_FREE,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_REMOVE,
  MADV_DONTFORK,
  MADV_WIPEONFORK,
  MADV_GUARD_INSTALL,
]);

/** What process_madvise may give as advice to another process. */
const FOR_OTHERS: ReadonlySet<number> = new Set([MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_COLLAPSE]);

/** madvise (spec 01 section 6). `advice` is a number of the ABI (`MADV_*`). Success: 0. */
export function madvise(mm: Mm, start: number, pages: number, advice: number): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'madvise', start, pages);
  const result = checkAndAdvise(mm, start, pages, advice);
  return observed ? emitCallEnd(mm, 'madvise', result) : result;
}

/** madvise as a program calls it, in bytes. */
export function madviseBytes(mm: Mm, address: Bytes, length: Bytes, advice: number): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'spec 01.6: start unaligned', { address: String(address) });
  }
  return madvise(mm, pageOf(address, pageShift, 'address'), pagesCovering(length, pageShift, 'length'), advice);
}

/** A range of process_madvise. Pages. */
export interface AdvisedRange {
  readonly start: number;
  readonly pages: number;
}

/**
 * process_madvise: the same advice for several ranges, in turn, until one is refused.
 *
 * @param own the process advises itself: then every advice is allowed
 * @returns the pages advised; the refusal when it was the first range's.
 */
export function processMadvise(mm: Mm, ranges: readonly AdvisedRange[], advice: number, own: boolean): SysResult {
  if (!own && !FOR_OTHERS.has(advice)) return refuse('EINVAL', 'spec 01.6: advice not for other processes', { advice });
  let advised = 0;
  for (const { start, pages } of ranges) {
    const result = madvise(mm, start, pages, advice);
    if (result instanceof MmError) return advised === 0 ? result : advised;
    advised += pages;
  }
  return advised;
}

function isKnownAdvice(advice: number): boolean {
  if (PAGE_ADVICE.has(advice) || advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE) return true;
  if (advice < MADV_NORMAL || !Number.isInteger(advice)) return false;
  return advice <= MADV_WILLNEED || (advice >= MADV_DONTFORK && advice <= MADV_KEEPONFORK);
}

function checkAndAdvise(mm: Mm, start: number, pages: number, advice: number): SysResult {
  if (!isKnownAdvice(advice)) return refuse('EINVAL', 'spec 01.6: unknown advice', { advice });
  const end = start + pages;
  if (end >= wrapPages(mm.env.arch.pageShift)) return refuse('EINVAL', 'spec 01.6: range wraps', { start, pages });
  if (pages === 0) return 0;
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE) {
    return populateRange(mm, start, end, advice === MADV_POPULATE_READ ? 'read' : 'write') ?? 0;
  }
  if (PAGE_ADVICE.has(advice)) {
    lockForReading(mm);
  } else {
    const killed = lockForWriting(mm);
    if (killed !== null) return killed;
  }
  const result = walkRange(mm, start, end, advice);
  unlock(mm);
  return result;
}

/** Goes through the VMAs of the range. Gaps are passed over and give ENOMEM at the end; an error ends the walk. */
function walkRange(mm: Mm, start: number, end: number, advice: number): SysResult {
  const { tree } = mm;
  const { table } = tree;
  const onPages = PAGE_ADVICE.has(advice);
  let from = start;
  let gapAt = -1;
  let row = tree.findRow(from);
  while (from < end) {
    if (row === NONE || table.start(row) > from) {
      if (gapAt < 0) gapAt = from;
      if (row === NONE || table.start(row) >= end) break;
      from = table.start(row);
    }
    const to = Math.min(table.end(row), end);
    if (DISCARDING.has(advice) && isSealedAgainstDiscard(table, row)) {
      return refuse('EPERM', 'spec 01.6: sealed', { start: table.start(row), end: table.end(row) });
    }
    const result = onPages ? (advisePages(mm, row, from, to, advice) ?? row) : adviseFlags(mm, row, from, to, advice);
    if (typeof result !== 'number') return result;
    from = Math.max(to, table.end(result));
    row = table.next(result);
  }
  return gapAt < 0 ? 0 : refuse('ENOMEM', 'spec 01.6: gap in the range', { at: gapAt });
}

function isSealedAgainstDiscard(table: VmaTable, row: number): boolean {
  return table.hasAny(row, VM_SEALED) && table.isAnonymous(row) && (table.flagsLower(row) & VM_WRITE) === 0;
}
