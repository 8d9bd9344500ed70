import { VM_GROWSDOWN, VM_SHADOW_STACK, hasAny } from '@vmakit/base';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';

/** What a search for free address space asks for: `vm_unmapped_area_info`. Pages. */
export interface HoleQuery {
  readonly pages: number;
  readonly low: number;
  readonly high: number;
  /** Alignment in pages less one: the address must be `alignOffset` modulo that alignment. */
  readonly alignMask: number;
  readonly alignOffset: number;
  /** Free pages that must lie below the address: 1 for a shadow stack. */
  readonly startGap: number;
}

/**
 * The first page that a new mapping below `vma` must stay clear of: its start, less the guard gap of a stack that
 * grows down or of a shadow stack (spec 01 section 8).
 */
export function gapStart(mm: Mm, vma: Vma): number {
  let gap = 0;
  if ((vma.flags & VM_GROWSDOWN) !== 0) gap = mm.env.settings.stackGuardGap;
  else if (hasAny(vma.flags, VM_SHADOW_STACK)) gap = 1;
  return gap > vma.start ? 0 : vma.start - gap;
}

/** The highest place that answers the query; -1 when there is none (spec 01 section 8, search primitives). */
export function searchTopDown(mm: Mm, query: HoleQuery): number {
  const { pages, alignMask, alignOffset, startGap } = query;
  const length = pages + alignMask + startGap;
  const low = Math.max(query.low, mm.env.settings.mmapMinPage);
  let { high } = query;
  for (;;) {
    const hole = mm.tree.findHoleTopDown(length, low, high);
    if (hole === null) return -1;
    let start = hole.end - pages;
    start -= misalignment(start - alignOffset, alignMask);
    const { next } = hole;
    if (next === null || !hasStartGap(next)) return start;
    const limit = gapStart(mm, next);
    if (limit >= hole.end) return start;
    high = limit;
  }
}

/** The lowest such place; -1 when there is none. */
export function searchBottomUp(mm: Mm, query: HoleQuery): number {
  const { high, alignMask, alignOffset, startGap } = query;
  const length = query.pages + alignMask + startGap;
  let low = Math.max(query.low, mm.env.settings.mmapMinPage);
  for (;;) {
    const hole = mm.tree.findHoleBottomUp(length, low, high);
    if (hole === null) return -1;
    let start = hole.start + startGap;
    start += misalignment(alignOffset - start, alignMask);
    const { next } = hole;
    if (next === null || !hasStartGap(next) || gapStart(mm, next) >= start + length) return start;
    low = next.end;
  }
}

function hasStartGap(vma: Vma): boolean {
  return (vma.flags & VM_GROWSDOWN) !== 0 || hasAny(vma.flags, VM_SHADOW_STACK);
}

/** `value` modulo the alignment, for values that may be negative or above 2^31. */
function misalignment(value: number, alignMask: number): number {
  if (alignMask === 0) return 0;
  const unit = alignMask + 1;
  const rest = value % unit;
  return rest < 0 ? rest + unit : rest;
}
