import { type Arch, EntryKind, type EntryWords, MARKER_GUARD } from '@vmakit/pagetable';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { pmdEnd } from './table-walk.js';
import { zapRowKeepMarkers } from './zap.js';

/**
 * Replaces every page of [start, end) by a guard marker; what was there is dropped, guards stay as they are (spec 01
 * section 6, GUARD_INSTALL).
 *
 * @returns false when memory for tables ran out; the pages before have their guards then.
 */
export function installGuards(mm: Mm, vma: Vma, start: number, end: number): boolean {
  const tables = mm.pages;
  const { arch } = tables;
  for (let page = start; page < end;) {
    const stop = pmdEnd(tables, page, end);
    zapRowKeepMarkers(mm, vma.row, page, stop);
    const table = tables.ensure(0, page);
    if (table === 0) return false;
    const words = tables.pool.words(table);
    for (let at = tables.entryAt(table, 0, page); page < stop; page++, at += 2) {
      if (!isGuard(arch, words, at)) arch.setMarker(words, at, MARKER_GUARD);
    }
  }
  return true;
}

/** Takes the guard markers of [start, end) away; nothing else is touched (spec 01 section 6, GUARD_REMOVE). */
export function removeGuards(mm: Mm, _vma: Vma, start: number, end: number): void {
  const tables = mm.pages;
  const { arch } = tables;
  for (let page = tables.nextPopulated(start, end); page < end; page = tables.nextPopulated(page, end)) {
    const stop = pmdEnd(tables, page, end);
    const table = tables.lookup(0, page);
    if (table === 0) {
      page = stop;
      continue;
    }
    const words = tables.pool.words(table);
    for (let at = tables.entryAt(table, 0, page); page < stop; page++, at += 2) {
      if (isGuard(arch, words, at)) arch.clear(words, at);
    }
  }
}

function isGuard(arch: Arch, words: EntryWords, at: number): boolean {
  return arch.kindOf(words, at, 0) === EntryKind.Marker && (arch.markerBits(words, at) & MARKER_GUARD) !== 0;
}
