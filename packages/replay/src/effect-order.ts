import type { Process } from '@vmakit/kernel';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, type Mm } from '@vmakit/mm';
import { MREMAP_FIXED, MREMAP_MAYMOVE } from '@vmakit/mremap';
import type { SyscallEvent, SyscallStartEvent } from '@vmakit/trace';

/*
 * Recordings tell the completions of calls, which need not be in the order of their effects: while one thread is about
 * to return from a munmap, or from an mremap that has moved memory away, another may map something where it was
 * (traces/README.md section 1, pitfall 16). That shows: the kernel never places a mapping where there is one, and never
 * moves what can grow where it is.
 */

/** A half-open range of pages. */
export interface PageRange {
  readonly start: number;
  readonly end: number;
}

/** The pages that must have been free for a call to end as it did; null when it needed none, or none that there are. */
export function neededFree(mm: Mm, event: SyscallEvent): PageRange | null {
  const range = newPages(mm, event);
  return range === null || range.start < 0 || range.end > mm.layout.taskSize ? null : range;
}

function newPages(mm: Mm, event: SyscallEvent): PageRange | null {
  const { result } = event;
  if (result === null) return null;
  switch (event.call) {
    case 'mmap':
      return (event.args.flags & MAP_FIXED) !== 0 ? null : pagesOf(mm, result, event.args.length);
    case 'mremap': {
      const { oldAddress, oldLength, newLength, flags } = event.args;
      if (result !== oldAddress) return (flags & MREMAP_FIXED) !== 0 ? null : pagesOf(mm, result, newLength);
      const { start, end } = pagesOf(mm, oldAddress, newLength);
      const from = start + pagesOf(mm, 0, oldLength).end;
      return from < end ? { start: from, end } : null;
    }
    case 'brk': {
      if (mm.brkStart === 0 || result <= mm.brk) return null;
      const bytes = mm.env.arch.pageSize;
      const start = Math.ceil(mm.brk / bytes);
      const end = Math.ceil(result / bytes);
      return start < end ? { start, end } : null;
    }
    default:
      return null;
  }
}

/**
 * The pages by which an mremap would grow in place on the model while the recorded one has moved: somebody had them
 * then. Null when it would not grow in place either.
 */
function neededTaken(mm: Mm, event: SyscallEvent): PageRange | null {
  if (event.call !== 'mremap' || event.result === null) return null;
  const { oldAddress, oldLength, newLength, flags } = event.args;
  if (event.result === oldAddress || newLength <= oldLength || flags !== MREMAP_MAYMOVE) return null;
  const { start, end } = pagesOf(mm, oldAddress, oldLength);
  const vma = mm.tree.at(start);
  const grown = start + pagesOf(mm, 0, newLength).end;
  if (vma === null || vma.end !== end || grown === end) return null;
  return mm.tree.firstOverlap(end, grown) === null ? { start: end, end: grown } : null;
}

/**
 * An mremap that ran at the same time as other calls has moved, though it could grow where it is now: what was in its
 * way then has gone since. Puts something in its way, for as long as it runs: the returned function takes that away.
 */
export function blockGrowth(process: Process, event: SyscallEvent): (() => void) | null {
  const range = neededTaken(process.mm, event);
  if (range === null) return null;
  const bytes = process.mm.env.arch.pageSize;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  process.mmap(range.start * bytes, bytes, 0, flags);
  return () => void process.munmap(range.start * bytes, bytes);
}

/** Whether a call, once it is done, leaves pages of `range` free. */
export function willFree(mm: Mm, event: SyscallStartEvent | SyscallEvent, range: PageRange): boolean {
  switch (event.call) {
    case 'munmap':
      return overlaps(pagesOf(mm, event.args.address, event.args.length), range);
    case 'mremap':
      return overlaps(pagesOf(mm, event.args.oldAddress, event.args.oldLength), range);
    case 'brk': {
      const bytes = mm.env.arch.pageSize;
      const from = Math.ceil(event.args.address / bytes);
      return from > 0 && overlaps({ start: from, end: Math.ceil(mm.brk / bytes) }, range);
    }
    case 'shmdt': {
      const vma = mm.tree.at(event.args.address / mm.env.arch.pageSize);
      return vma !== null && overlaps(vma, range);
    }
    default:
      return false;
  }
}

function pagesOf(mm: Mm, address: number, length: number): PageRange {
  const bytes = mm.env.arch.pageSize;
  return { start: Math.floor(address / bytes), end: Math.ceil((address + length) / bytes) };
}

function overlaps(one: PageRange, other: PageRange): boolean {
  return one.start < other.end && other.start < one.end;
}
