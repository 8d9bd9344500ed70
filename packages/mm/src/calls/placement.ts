import { NONE, type SysResult, VM_SHADOW_STACK, type VmFlags, hasAny, pagesInto, refuse } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import type { Mm } from '../mm.js';
import { MAP_32BIT, MAP_ABOVE4G, MAP_FIXED, MAP_SHARED } from './abi.js';
import { gapStart, searchBottomUp, searchTopDown } from './hole-search.js';

/** MAP_32BIT places mappings in [1 GiB, 2 GiB): x86-64 only. */
const LOW_START_BYTES = 2 ** 30;
const LOW_END_BYTES = 2 ** 31;

const ABOVE_4G_BYTES = 2 ** 32;

/**
 * Chooses the address of a new mapping: `get_unmapped_area` (spec 01 section 8).
 *
 * @param hint page asked for; 0: none
 * @param unaligned the address asked for with MAP_FIXED was not at a page's start
 * @param file what is mapped; null for anonymous memory
 * @param mapFlags `MAP_FIXED`, `MAP_32BIT` and `MAP_SHARED` matter
 * @returns the first page, or ENOMEM, EINVAL, EPERM; EEXIST when a recording's place is taken
 */
export function getUnmappedArea(
  mm: Mm,
  hint: number,
  unaligned: boolean,
  pages: number,
  pageOffset: number,
  file: MappedFile | null,
  mapFlags: number,
  vmFlags: VmFlags,
): SysResult {
  const { layout, env } = mm;
  if (pages > layout.taskSize) {
    return refuse('ENOMEM', 'spec 01.8: longer than the address space', { pages, taskSize: layout.taskSize });
  }
  const recorded = (mapFlags & MAP_FIXED) === 0 ? takeNextPlacement(mm) : -1;
  if (recorded >= 0 && mm.tree.firstRowOverlapping(recorded, recorded + pages) !== NONE) {
    return refuse('EEXIST', 'nextPlacement: the recorded place is taken', { start: recorded, pages });
  }
  const start = recorded >= 0 ? recorded : place(mm, hint, pages, pageOffset, file, mapFlags, vmFlags);
  if (typeof start !== 'number') return start;
  if (start < 0) return refuse('ENOMEM', 'spec 01.8: no gap is wide enough', { pages });
  if (start + (unaligned ? 1 : 0) > layout.taskSize - pages) {
    return refuse('ENOMEM', 'spec 01.8: ends above the address space', { start, pages, taskSize: layout.taskSize });
  }
  if (unaligned) return refuse('EINVAL', 'spec 01.8: address unaligned', { start });
  if (start < env.settings.mmapMinPage) {
    return refuse('EPERM', 'spec 01.8: below mmap_min_addr', { start, mmapMinPage: env.settings.mmapMinPage });
  }
  return start;
}

/** The place that a recording gave for this search, -1 if none. */
function takeNextPlacement(mm: Mm): number {
  const page = mm.nextPlacement;
  mm.nextPlacement = -1;
  return page;
}

/** The allocator that fits what is mapped; -1: no room. */
function place(
  mm: Mm,
  hint: number,
  pages: number,
  pageOffset: number,
  file: MappedFile | null,
  mapFlags: number,
  vmFlags: VmFlags,
): SysResult {
  if (file !== null && file.kind === 'hugetlb') return placeHuge(mm, hint, pages, mapFlags, vmFlags);
  if ((mapFlags & MAP_FIXED) !== 0) return hint;
  const { pmdPages } = mm.env.arch;
  const anonymous = file === null && (mapFlags & MAP_SHARED) === 0;
  const aligns = anonymous ? hint === 0 && pagesInto(pages, pmdPages) === 0 : file !== null && file.kind === 'regular';
  if (aligns && !mm.layout.compat) {
    const start = placeThpAligned(mm, hint, pages, file === null ? 0 : pageOffset, mapFlags, vmFlags);
    if (start >= 0) return start;
  }
  return placeDefault(mm, hint, pages, 0, mapFlags, vmFlags);
}

/**
 * An address at which huge pages can be mapped: room for one huge page more is asked for and the address aligned
 * inside it. -1: not worth it, or no room; the plain search decides then.
 */
function placeThpAligned(
  mm: Mm,
  hint: number,
  pages: number,
  pageOffset: number,
  mapFlags: number,
  vmFlags: VmFlags,
): number {
  const { pmdPages } = mm.env.arch;
  const firstAligned = Math.ceil(pageOffset / pmdPages) * pmdPages;
  if (pageOffset + pages - firstAligned < pmdPages) return -1;
  const start = placeDefault(mm, hint, pages + pmdPages, 0, mapFlags, vmFlags);
  if (start < 0 || (hint !== 0 && start === hint)) return start;
  const shift = (((pageOffset - start) % pmdPages) + pmdPages) % pmdPages;
  if (mm.layout.topDown && shift === 0) return start + pmdPages;
  return start + shift;
}

/** hugetlb: everything is a multiple of the huge page. */
function placeHuge(mm: Mm, hint: number, pages: number, mapFlags: number, vmFlags: VmFlags): SysResult {
  const { pmdPages } = mm.env.arch;
  if (pages % pmdPages !== 0) return refuse('EINVAL', 'spec 01.8: hugetlb length unaligned', { pages, pmdPages });
  if ((mapFlags & MAP_FIXED) !== 0) {
    if (hint % pmdPages !== 0) return refuse('EINVAL', 'spec 01.8: hugetlb address unaligned', { hint, pmdPages });
    return hint;
  }
  const aligned = Math.ceil(hint / pmdPages) * pmdPages;
  return placeDefault(mm, aligned, pages, pmdPages - 1, mapFlags, vmFlags);
}

/** The architecture's own allocator, top-down or bottom-up. -1: no room. */
function placeDefault(
  mm: Mm,
  hint: number,
  pages: number,
  alignMask: number,
  mapFlags: number,
  vmFlags: VmFlags,
): number {
  return mm.env.arch.family === 'x86-64'
    ? placeX86(mm, hint, pages, alignMask, mapFlags, vmFlags)
    : placeGeneric(mm, hint, pages, alignMask, vmFlags);
}

/** x86-64. The end of the previous VMA is not looked at for a hint: spec 01 section 8. */
function placeX86(mm: Mm, hint: number, pages: number, alignMask: number, mapFlags: number, vmFlags: VmFlags): number {
  const { layout, env } = mm;
  const { pageSize } = env.arch;
  const bits64 = !layout.compat;
  const mapWindow = Math.min(env.arch.mapWindowPages, layout.taskSize);
  const low32 = bits64 && (mapFlags & MAP_32BIT) !== 0;
  if (layout.topDown && !low32) {
    const sameSide = hint > mapWindow === hint + pages > mapWindow;
    if (hint !== 0 && layout.taskSize - pages >= hint && sameSide && isFreeAt(mm, hint, pages)) return hint;
    const low = bits64 && (mapFlags & MAP_ABOVE4G) !== 0 ? ABOVE_4G_BYTES / pageSize : 1;
    const high = layout.mmapBase + (bits64 && hint > mapWindow ? layout.taskSize - mapWindow : 0);
    const start = searchTopDown(mm, pages, low, high, alignMask, startGapOf(vmFlags));
    if (start >= 0) return start;
  }
  const begin = low32 ? LOW_START_BYTES / pageSize : layout.unmappedBase;
  const end = low32 ? LOW_END_BYTES / pageSize : hint > mapWindow ? layout.taskSize : mapWindow;
  if (pages > end) return -1;
  if (hint !== 0 && end - pages >= hint && isFreeAt(mm, hint, pages)) return hint;
  return searchBottomUp(mm, pages, begin, end, alignMask, startGapOf(vmFlags));
}

/** Every architecture without an allocator of its own: arm64. */
function placeGeneric(mm: Mm, hint: number, pages: number, alignMask: number, vmFlags: VmFlags): number {
  const { layout, env } = mm;
  const mapWindow = Math.min(env.arch.mapWindowPages, layout.taskSize);
  const { mmapMinPage } = env.settings;
  const above = hint > mapWindow;
  const end = above ? layout.taskSize : mapWindow;
  if (pages > end - mmapMinPage) return -1;
  if (hint !== 0 && end - pages >= hint && hint >= mmapMinPage && isFreeAt(mm, hint, pages)) return hint;
  if (layout.topDown) {
    const base = layout.mmapBase + (above ? layout.taskSize - mapWindow : 0);
    const start = searchTopDown(mm, pages, 1, base, alignMask, startGapOf(vmFlags));
    if (start >= 0) return start;
  }
  return searchBottomUp(mm, pages, layout.unmappedBase, end, alignMask, startGapOf(vmFlags));
}

/** Whether nothing is mapped in [start, start + pages), guard gap of the VMA behind included. */
function isFreeAt(mm: Mm, start: number, pages: number): boolean {
  const { window } = mm.layout;
  if (window !== null && (start < window.start || start + pages > window.end)) return false;
  const next = mm.tree.findRow(start);
  return next === NONE || start + pages <= gapStart(mm, next);
}

/** Free pages that must lie below a mapping. */
function startGapOf(vmFlags: VmFlags): number {
  return hasAny(vmFlags, VM_SHADOW_STACK) ? 1 : 0;
}
