import { type MmError, VM_SHARED, VM_UFFD_WP, refuse } from '@vmakit/base';
import { MARKER_POISONED } from '@vmakit/pagetable';
import { anonVmaPrepare } from '@vmakit/rmap';
import { type Vma, pageOffsetAt } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { changeUffdProtection } from './protect.js';

/**
 * UFFDIO_WRITEPROTECT: protects [start, end) against stores, or takes that back. With the feature WP_UNPOPULATED of the
 * userfaultfd, absent pages of anonymous memory are marked too.
 *
 * @returns null, or ENOENT when nothing is mapped in the range or a mapping of it is not registered; those before that
 * one are changed. Gaps do not matter.
 */
export function userfaultProtect(mm: Mm, start: number, end: number, protect: boolean): MmError | null {
  const first = mm.tree.find(start);
  if (first === null || first.start >= end)
    return refuse('ENOENT', 'spec 04.4: nothing is mapped in the range', { start });
  for (let vma: Vma | null = first; vma !== null && vma.start < end; vma = vma.next) {
    if ((vma.flags & VM_UFFD_WP) === 0)
      return refuse('ENOENT', 'spec 04.4: not registered for write protection', { start });
    const markers = vma.file !== null || vma.uffd?.protectsAbsent === true;
    changeUffdProtection(mm, vma, Math.max(start, vma.start), Math.min(end, vma.end), protect, markers);
  }
  return null;
}

/**
 * UFFDIO_POISON: an access to the absent pages of [start, end) gives SIGBUS from now on. The range must lie in one
 * mapping that is registered, for whatever; a private mapping at the start of the range gets an anon_vma before that is
 * known (measured on 6.18.44).
 *
 * @returns null; ENOENT when the range is not such a mapping's; EEXIST when its first page is there already, EFAULT
 * when it is beyond the file, EAGAIN when a later one is; ENOMEM without anon_vma or tables.
 */
export function userfaultPoison(mm: Mm, start: number, end: number): MmError | null {
  const vma = mm.tree.at(start);
  if (vma === null) return refuse('ENOENT', 'spec 04.4: nothing is mapped', { start });
  if ((vma.flags & VM_SHARED) === 0 && !anonVmaPrepare(mm.env, vma.table, vma.row)) {
    return refuse('ENOMEM', 'spec 04.4: no anon_vma', { start });
  }
  if (vma.end < end || vma.uffd === null) {
    return refuse('ENOENT', 'spec 04.4: not one registered mapping', { start, end });
  }
  const tables = mm.pages;
  const { arch } = tables;
  for (let page = start; page < end; page++) {
    const table = tables.ensure(0, page);
    if (table === 0) return refuse('ENOMEM', 'spec 04.4: no table for the marker', { page });
    const words = tables.pool.words(table);
    const at = tables.entryAt(table, 0, page);
    const beyond = vma.file !== null && pageOffsetAt(vma, page) >= vma.file.sizePages;
    if (beyond || !arch.isNone(words, at)) {
      // After the first page the call says how far it came instead, and the program is to try again.
      const errno = page > start ? 'EAGAIN' : beyond ? 'EFAULT' : 'EEXIST';
      return refuse(errno, beyond ? 'spec 04.4: beyond the file' : 'spec 04.4: the page is there', { page });
    }
    arch.setMarker(words, at, MARKER_POISONED);
  }
  return null;
}

/**
 * Ends the write protection of [start, end) by userfaultfd: marks and markers go, since nobody would answer a fault.
 */
export function uffdClearRange(mm: Mm, vma: Vma, start: number, end: number): void {
  changeUffdProtection(mm, vma, start, end, false, false);
}
