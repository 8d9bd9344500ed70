import { type SysResult, VM_EXEC, VM_LOCKED, VM_READ, VM_SHARED, VM_WRITE, refuse } from '@vmakit/base';
import type { Mm } from '../mm.js';
import { MAP_FIXED, MAP_LOCKED, MAP_NONBLOCK, MAP_POPULATE, MAP_SHARED } from './abi.js';
import { wrapPages } from './bytes.js';
import { mmap } from './mmap.js';

/**
 * remap_file_pages, which the kernel emulates: maps another part of the file over a part of a shared mapping, with the
 * access that it has. `prot` must be 0. Success: 0.
 */
export function remapFilePages(
  mm: Mm,
  start: number,
  pages: number,
  prot: number,
  pageOffset: number,
  flags: number,
): SysResult {
  const end = start + pages;
  if (prot !== 0) return refuse('EINVAL', 'remap_file_pages: prot', { prot });
  if (pages === 0 || end >= wrapPages(mm.env.arch.pageShift)) {
    return refuse('EINVAL', 'remap_file_pages: range', { start, pages });
  }
  const vma = mm.tree.at(start);
  if (vma === null || (vma.flags & VM_SHARED) === 0 || vma.file === null) {
    return refuse('EINVAL', 'remap_file_pages: not a shared mapping', { start });
  }
  for (let at = vma; at.end < end;) {
    const { next } = at;
    if (next === null || next.start !== at.end || next.file !== vma.file || next.flags !== vma.flags) {
      return refuse('EINVAL', 'remap_file_pages: beyond the mapping', { start, pages });
    }
    at = next;
  }
  const result = mmap(mm, {
    start,
    pages,
    prot: vma.flags & (VM_READ | VM_WRITE | VM_EXEC),
    flags:
      MAP_SHARED | MAP_FIXED | MAP_POPULATE | (flags & MAP_NONBLOCK) | ((vma.flags & VM_LOCKED) !== 0 ? MAP_LOCKED : 0),
    file: vma.file,
    pageOffset,
  });
  return typeof result === 'number' ? 0 : result;
}
