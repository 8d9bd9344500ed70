import { NONE, VM_GROWSDOWN, VM_SHADOW_STACK } from '@vmakit/base';
import type { Mm } from '../mm.js';

/**
 * The first page that a new mapping below the VMA in `row` must stay clear of: its start, less the guard gap of a stack
 * that grows down or of a shadow stack (spec 01 section 8).
 */
export function gapStart(mm: Mm, row: number): number {
  const { table } = mm.tree;
  const start = table.start(row);
  let gap = 0;
  if (table.hasAny(row, VM_GROWSDOWN)) gap = mm.env.settings.stackGuardGap;
  else if (table.hasAny(row, VM_SHADOW_STACK)) gap = 1;
  return gap > start ? 0 : start - gap;
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
    const { nextRow: next } = hole;
    if (next === NONE || !hasStartGap(mm, next)) return start;
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
    const { nextRow: next } = hole;
    if (next === NONE || !hasStartGap(mm, next) || gapStart(mm, next) >= start + length) return start;
    floor = mm.tree.table.end(next);
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

function hasStartGap(mm: Mm, row: number): boolean {
  return mm.tree.table.hasAny(row, VM_GROWSDOWN + VM_SHADOW_STACK);
}

/** `value` modulo the alignment, for values that may be negative or above 2^31. */
function misalignment(value: number, alignMask: number): number {
  if (alignMask === 0) return 0;
  const unit = alignMask + 1;
  const rest = value % unit;
  return rest < 0 ? rest + unit : rest;
}
