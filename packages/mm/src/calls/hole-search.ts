import { VM_GROWSDOWN, VM_SHADOW_STACK } from '@vmakit/base';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';

/**
 * The first page that a new mapping below `vma` must stay clear of: its start, less the guard gap of a stack that
 * grows down or of a shadow stack (spec 01 section 8).
 */
export function gapStart(mm: Mm, vma: Vma): number {
  let gap = 0;
  if ((vma.flags & VM_GROWSDOWN) !== 0) gap = mm.env.settings.stackGuardGap;
  else if (vma.hasAny(VM_SHADOW_STACK)) gap = 1;
  return gap > vma.start ? 0 : vma.start - gap;
}

/*
 * A search (`vm_unmapped_area`) is for `pages` pages between `low` and `high`, or between the ends of the window that
 * the process is kept to, at an address that is a multiple of `alignMask` + 1 pages, with `startGap` free pages below
 * it (1 for a shadow stack). The numbers are handed over one by one: a query would be an object for each mapping.
 */

/** The highest such place; -1 when there is none (spec 01 section 8, search primitives). */
export function searchTopDown(
  mm: Mm,
  pages: number,
  low: number,
  high: number,
  alignMask: number,
  startGap: number,
): number {
  const length = pages + alignMask + startGap;
  const floor = floorOf(mm, low);
  let ceiling = ceilingOf(mm, high);
  for (;;) {
    const hole = mm.tree.findHoleTopDown(length, floor, ceiling);
    if (hole === null) return -1;
    let start = hole.end - pages;
    start -= misalignment(start, alignMask);
    const { next } = hole;
    if (next === null || !hasStartGap(next)) return start;
    const limit = gapStart(mm, next);
    if (limit >= hole.end) return start;
    ceiling = limit;
  }
}

/** The lowest such place; -1 when there is none. */
export function searchBottomUp(
  mm: Mm,
  pages: number,
  low: number,
  high: number,
  alignMask: number,
  startGap: number,
): number {
  const length = pages + alignMask + startGap;
  const ceiling = ceilingOf(mm, high);
  let floor = floorOf(mm, low);
  for (;;) {
    const hole = mm.tree.findHoleBottomUp(length, floor, ceiling);
    if (hole === null) return -1;
    let start = hole.start + startGap;
    start += misalignment(-start, alignMask);
    const { next } = hole;
    if (next === null || !hasStartGap(next) || gapStart(mm, next) >= start + length) return start;
    floor = next.end;
  }
}

/** Where a search from `low` on may begin. */
function floorOf(mm: Mm, low: number): number {
  const { window } = mm.layout;
  return Math.max(window === null ? low : window.start, mm.env.settings.mmapMinPage);
}

/** Where a search up to `high` ends. */
function ceilingOf(mm: Mm, high: number): number {
  const { window } = mm.layout;
  return window === null ? high : window.end;
}

function hasStartGap(vma: Vma): boolean {
  return vma.hasAny(VM_GROWSDOWN + VM_SHADOW_STACK);
}

/** `value` modulo the alignment, for values that may be negative or above 2^31. */
function misalignment(value: number, alignMask: number): number {
  if (alignMask === 0) return 0;
  const unit = alignMask + 1;
  const rest = value % unit;
  return rest < 0 ? rest + unit : rest;
}
