import { MmError, type SysResult, VM_LOCKED, VM_NORESERVE, type VmFlags, refuse, withFlags } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import type { Mm } from '../mm.js';
import { populateRange } from '../pages/populate.js';
import { canLock, mayLockMore } from './accounting.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_HUGETLB,
  MAP_HUGE_SHIFT,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
} from './abi.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';
import { makeFile } from './files.js';
import { mapRegion } from './mmap-region.js';
import { type FileAccess, anonymousFlags, fileFlags, initialFlags } from './mmap-flags.js';
import { getUnmappedArea } from './placement.js';

/** A mapping to be made. Pages; `prot` and `flags` are the numbers of the ABI (`PROT_*`, `MAP_*`). */
export interface MmapRequest {
  /** The page asked for, rounded down; 0: none. */
  readonly start: number;
  /** The address was not at its page's start. */
  readonly unaligned?: boolean;
  /** Length rounded up; 0: the length was 0, {@link wrapPages}: rounding it up wrapped. */
  readonly pages: number;
  readonly prot: number;
  readonly flags: number;
  /** What is mapped; null or absent with MAP_ANONYMOUS. */
  readonly file?: MappedFile | null;
  readonly pageOffset?: number;
  /** How the file was opened; absent: for reading and writing. */
  readonly access?: FileAccess | undefined;
  /**
   * Where a recording says that the kernel put the mapping: taken instead of searching. The call is refused with
   * EEXIST when something is mapped there, since then the recording and the model have parted.
   */
  readonly placeAt?: number | undefined;
}

/** What is mapped, when it is a file. */
export interface FileMapping {
  readonly file: MappedFile;
  /** Bytes (0). */
  readonly offset?: Bytes;
  /** How the file was opened (for reading and writing). */
  readonly access?: FileAccess;
}

const READ_WRITE: FileAccess = { readable: true, writable: true };

/** mmap (spec 01 section 3). Success: the first page of the mapping. */
export function mmap(mm: Mm, request: MmapRequest): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'mmap', request.start, request.pages);
  const result = mapAndPopulate(mm, request);
  return observed ? emitCallEnd(mm, 'mmap', result) : result;
}

/**
 * mmap as a program calls it, in bytes. Success: the first page of the mapping.
 *
 * @param mapping the file, for all but MAP_ANONYMOUS
 * @param placeAt byte address at which a recording says the kernel put it, see {@link MmapRequest.placeAt}
 */
export function mmapBytes(
  mm: Mm,
  address: Bytes,
  length: Bytes,
  prot: number,
  flags: number,
  mapping: FileMapping | null = null,
  placeAt?: Bytes,
): SysResult {
  const { pageShift } = mm.env.arch;
  const offset = mapping?.offset ?? 0;
  if (offsetInPage(offset, pageShift, 'offset') !== 0) {
    return refuse('EINVAL', 'spec 01.3: file offset unaligned', { offset: String(offset) });
  }
  return mmap(mm, {
    start: pageOf(address, pageShift, 'address'),
    unaligned: offsetInPage(address, pageShift, 'address') !== 0,
    pages: pagesCovering(length, pageShift, 'length'),
    prot,
    flags,
    file: mapping === null ? null : mapping.file,
    pageOffset: pageOf(offset, pageShift, 'offset'),
    access: mapping?.access,
    placeAt: placeAt === undefined ? undefined : pageOf(placeAt, pageShift, 'placeAt'),
  });
}

function mapAndPopulate(mm: Mm, request: MmapRequest): SysResult {
  const backing = backingOf(mm, request);
  if (backing instanceof MmError) return backing;
  const pages = backing !== null && backing.kind === 'hugetlb' ? roundToHuge(mm, request.pages) : request.pages;
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const start = mapLocked(mm, request, pages, backing);
  unlock(mm);
  if (typeof start !== 'number') return start;
  const populates = (request.flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE;
  const locks = (request.flags & MAP_LOCKED) !== 0 || (mm.defFlags & VM_LOCKED) !== 0;
  // What cannot be populated is not an error of mmap.
  if (populates || locks) populateRange(mm, start, start + pages, 'vma', true);
  return start;
}

/** The file behind the mapping: the one given, or a new one for hugetlb memory; null: anonymous. */
function backingOf(mm: Mm, request: MmapRequest): MappedFile | null | MmError {
  const { flags } = request;
  const file = request.file ?? null;
  if ((flags & MAP_ANONYMOUS) === 0) {
    if (file === null) return refuse('EBADF', 'spec 01.3: no file and not MAP_ANONYMOUS');
    if ((flags & MAP_HUGETLB) !== 0 && file.kind !== 'hugetlb') {
      return refuse('EINVAL', 'spec 01.3: MAP_HUGETLB of an ordinary file');
    }
    return file;
  }
  if ((flags & MAP_HUGETLB) === 0) return null;
  const sizeBits = (flags >>> MAP_HUGE_SHIFT) & 0x3f;
  const { pageShift, pmdOrder } = mm.env.arch;
  if (sizeBits !== 0 && sizeBits !== pageShift + pmdOrder) {
    return refuse('EINVAL', 'spec 01.3: huge page size not available', { sizeBits });
  }
  return makeFile(mm.env, 'hugetlb', roundToHuge(mm, request.pages), '/anon_hugepage');
}

function roundToHuge(mm: Mm, pages: number): number {
  const { pmdPages } = mm.env.arch;
  return Math.ceil(pages / pmdPages) * pmdPages;
}

/** Steps 1 to 14 of do_mmap, then the region. The mmap lock is held. */
function mapLocked(mm: Mm, request: MmapRequest, pages: number, file: MappedFile | null): SysResult {
  const { env } = mm;
  const wrap = wrapPages(env.arch.pageShift);
  const mapFlags = request.flags;
  const pageOffset = request.pageOffset ?? 0;
  if (pages === 0) return refuse('EINVAL', 'spec 01.3 step 1: length 0');
  const addsExec = mm.readImpliesExec && (request.prot & PROT_READ) !== 0;
  const prot = addsExec ? request.prot | PROT_EXEC : request.prot;
  const fixed = (mapFlags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
  if (pages >= wrap) return refuse('ENOMEM', 'spec 01.3 step 5: length wraps when rounded up', { pages });
  if (pageOffset + pages >= 2 ** 64) {
    return refuse('EOVERFLOW', 'spec 01.3 step 6: page offset wraps', { pageOffset, pages });
  }
  const { maxMapCount } = env.settings;
  if (mm.mapCount > maxMapCount) {
    return refuse('ENOMEM', 'spec 01.3 step 7: map_count > max', { mapCount: mm.mapCount, maxMapCount });
  }
  let flags: VmFlags | MmError = initialFlags(mm, prot, mapFlags);
  const start = placeMapping(mm, request, fixed, pages, pageOffset, file, flags);
  if (typeof start !== 'number') return start;
  if ((mapFlags & MAP_FIXED_NOREPLACE) !== 0 && mm.tree.firstOverlap(start, start + pages) !== null) {
    return refuse('EEXIST', 'spec 01.3 step 10: MAP_FIXED_NOREPLACE over a mapping', { start, pages });
  }
  if ((mapFlags & MAP_LOCKED) !== 0 && !canLock(mm)) {
    return refuse('EPERM', 'spec 01.3 step 11: RLIMIT_MEMLOCK is 0');
  }
  if (!mayLockMore(mm, flags, pages)) {
    const numbers = { pages, lockedVm: mm.lockedVm, limit: mm.limits.lockedMemory };
    return refuse('EAGAIN', 'spec 01.3 step 12: RLIMIT_MEMLOCK', numbers);
  }
  if (file !== null && endsBeyondFiles(mm, file, pageOffset, pages)) {
    return refuse('EOVERFLOW', 'spec 01.3 step 13: beyond the largest file', { pageOffset, pages });
  }
  flags =
    file === null ? anonymousFlags(flags, mapFlags) : fileFlags(flags, mapFlags, file, request.access ?? READ_WRITE);
  if (typeof flags !== 'number') return flags;
  const strict = env.settings.overcommit === 'never' && file?.kind !== 'hugetlb';
  if ((mapFlags & MAP_NORESERVE) !== 0 && !strict) flags = withFlags(flags, VM_NORESERVE);
  return mapRegion(mm, start, pages, flags, file, offsetOf(mapFlags, start, pageOffset, file));
}

/** Whether a file would have to be larger than any can be: 2^63 bytes, or 2^64 for a device. */
function endsBeyondFiles(mm: Mm, file: MappedFile, pageOffset: number, pages: number): boolean {
  const wrap = wrapPages(mm.env.arch.pageShift);
  const isDevice = file.kind === 'zero' || file.kind === 'special';
  return pageOffset + pages >= (isDevice ? wrap : wrap / 2);
}

/** Step 4, the hint; step 9, the search; or the place that a recording gives. */
function placeMapping(
  mm: Mm,
  request: MmapRequest,
  fixed: boolean,
  pages: number,
  pageOffset: number,
  file: MappedFile | null,
  flags: VmFlags,
): SysResult {
  const { flags: mapFlags, placeAt } = request;
  if (fixed) {
    const unaligned = request.unaligned === true;
    return getUnmappedArea(mm, request.start, unaligned, pages, pageOffset, file, mapFlags | MAP_FIXED, flags);
  }
  if (placeAt !== undefined) {
    if (mm.tree.firstOverlap(placeAt, placeAt + pages) !== null) {
      return refuse('EEXIST', 'placeAt: the recorded place is taken', { start: placeAt, pages });
    }
    return getUnmappedArea(mm, placeAt, false, pages, pageOffset, file, mapFlags | MAP_FIXED, flags);
  }
  const { mmapMinPage } = mm.env.settings;
  const hint = request.start !== 0 && request.start < mmapMinPage ? mmapMinPage : request.start;
  return getUnmappedArea(mm, hint, false, pages, pageOffset, file, mapFlags, flags);
}

/** The page offset of the mapping (step 13): its address for private anonymous memory, 0 for shared. */
function offsetOf(mapFlags: number, start: number, pageOffset: number, file: MappedFile | null): number {
  if (file !== null) return pageOffset;
  return (mapFlags & MAP_SHARED) === 0 ? start : 0;
}
