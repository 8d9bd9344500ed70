import { MmError, type SysResult, refuse } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import type { Mm } from '../mm.js';
import {
  MAP_FIXED,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  SHM_EXEC,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
} from './abi.js';
import { type Bytes, offsetInPage, pageOf } from './bytes.js';
import { lockForWriting, unlock } from './call.js';
import { mmap } from './mmap.js';
import { unmapRange } from './munmap.js';

/** A SysV shared memory segment to be mapped. */
export interface ShmatRequest {
  /** The segment: a file of kind `shmem` with `hasCloseHook`. */
  readonly segment: MappedFile;
  /** Byte address; 0: the kernel chooses. */
  readonly address: Bytes;
  /** `SHM_*`. */
  readonly flags: number;
  /** Page at which a recording says the kernel put it. */
  readonly placeAt?: number;
}

/** shmat: maps a whole segment. Success: the first page. */
export function shmat(mm: Mm, request: ShmatRequest): SysResult {
  const { segment, flags, address } = request;
  const { pageShift } = mm.env.arch;
  const chosen = address !== 0 && address !== 0n;
  const start = pageOf(address, pageShift, 'address');
  if (chosen && (flags & SHM_RND) === 0 && offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'shmat: address unaligned and not SHM_RND', { address: String(address) });
  }
  const remap = (flags & SHM_REMAP) !== 0;
  if (remap && start === 0) return refuse('EINVAL', 'shmat: SHM_REMAP without an address');
  const pages = segment.sizePages;
  if (chosen && !remap && mm.tree.firstOverlap(start, start + pages) !== null) {
    return refuse('EINVAL', 'shmat: something is mapped there and not SHM_REMAP', { start, pages });
  }
  const writable = (flags & SHM_RDONLY) === 0;
  return mmap(mm, {
    start,
    pages,
    prot: PROT_READ | (writable ? PROT_WRITE : 0) | ((flags & SHM_EXEC) !== 0 ? PROT_EXEC : 0),
    flags: MAP_SHARED | (chosen ? MAP_FIXED : 0),
    file: segment,
    access: { readable: true, writable },
    ...(request.placeAt === undefined ? {} : { placeAt: request.placeAt }),
  });
}

/**
 * shmdt: unmaps what is left, at its original place, of the segment that was attached at `address`. EINVAL when there
 * is nothing. Success: 0.
 */
export function shmdt(mm: Mm, address: Bytes): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'shmdt: address unaligned', { address: String(address) });
  }
  const start = pageOf(address, pageShift, 'address');
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = detach(mm, start);
  unlock(mm);
  return result;
}

function detach(mm: Mm, start: number): SysResult {
  let segment: MappedFile | null = null;
  let vma = mm.tree.find(start);
  while (vma !== null && (segment === null || vma.start < start + segment.sizePages)) {
    const { next } = vma;
    const { file } = vma;
    const inPlace = file !== null && file.hasCloseHook && vma.start - start === vma.pageOffset;
    if (inPlace && (segment === null || file === segment)) {
      segment = file;
      const result = unmapRange(mm, vma.start, vma.pages);
      if (result instanceof MmError) return result;
    }
    vma = next;
  }
  return segment === null ? refuse('EINVAL', 'shmdt: no segment is attached there', { start }) : 0;
}
