import type { FrameTable } from './frame-table.js';
import { PG_MAYBE_SHARED } from './page-flags.js';

/**
 * What only large folios have lives in fields that their tail pages do not need (`head + 1` to `head + 3`):
 *
 * | page | `refcount` | `mapping` | `index` |
 * |---|---|---|---|
 * | head + 1 | large mapcount | entire mapcount | pins |
 * | head + 2 | mappings of the mm in slot 0 | its id, 0: free | pages that some PTE maps |
 * | head + 3 | mappings of the mm in slot 1 | its id, 0: free | |
 *
 * So a large folio has at least four pages: order 1 does not exist (nor does it for anonymous memory in the kernel).
 */
export const SMALLEST_LARGE_ORDER = 2;

const FIRST = 1;
const SLOT_0 = 2;
const SLOT_1 = 3;

/** Times the folio is mapped by a PMD entry. */
export function entireMapcount(table: FrameTable, head: number): number {
  return table.mapping[head + FIRST] as number;
}

export function addEntireMapcount(table: FrameTable, head: number, change: number): void {
  (table.mapping[head + FIRST] as number) += change;
}

/** All mappings: each PTE counts one, each PMD entry counts one. */
export function largeMapcount(table: FrameTable, head: number): number {
  return table.refcount[head + FIRST] as number;
}

export function largePins(table: FrameTable, head: number): number {
  return table.index[head + FIRST] as number;
}

export function addLargePins(table: FrameTable, head: number, change: number): void {
  (table.index[head + FIRST] as number) += change;
}

/** Pages of the folio that at least one PTE maps. */
export function pagesMapped(table: FrameTable, head: number): number {
  return table.index[head + SLOT_0] as number;
}

export function addPagesMapped(table: FrameTable, head: number, change: number): void {
  (table.index[head + SLOT_0] as number) += change;
}

/** The ids of the mms in the two slots and how many mappings each is known to have; id 0: the slot is free. */
export function mmSlots(table: FrameTable, head: number): readonly [[number, number], [number, number]] {
  const { mapping, refcount } = table;
  return [
    [mapping[head + SLOT_0] as number, refcount[head + SLOT_0] as number],
    [mapping[head + SLOT_1] as number, refcount[head + SLOT_1] as number],
  ];
}

/** The two slots and the counters of a folio that nobody maps. */
export function resetLargeFolio(table: FrameTable, head: number): void {
  const { mapping, refcount, index } = table;
  for (let page = head + FIRST; page <= head + SLOT_1; page++) {
    mapping[page] = 0;
    refcount[page] = 0;
    index[page] = 0;
  }
}

/**
 * Counts `count` more mappings by mm `mmId`. The mm's slot is used, else the first free one; the folio is marked as
 * maybe shared when the mappings are not all in the first slot. A third mm finds no slot and is not recorded (spec 03
 * section 4).
 */
export function addLargeMappings(table: FrameTable, head: number, mmId: number, count: number): void {
  const { mapping, refcount, flags } = table;
  const total = ((refcount[head + FIRST] as number) += count);
  if (mapping[head + SLOT_0] === mmId) {
    (refcount[head + SLOT_0] as number) += count;
  } else if (mapping[head + SLOT_1] === mmId) {
    (refcount[head + SLOT_1] as number) += count;
  } else if (mapping[head + SLOT_0] === 0) {
    mapping[head + SLOT_0] = mmId;
    refcount[head + SLOT_0] = count;
    if (total !== count) (flags[head] as number) |= PG_MAYBE_SHARED;
  } else if (mapping[head + SLOT_1] === 0) {
    mapping[head + SLOT_1] = mmId;
    refcount[head + SLOT_1] = count;
    (flags[head] as number) |= PG_MAYBE_SHARED;
  }
}

/** Counts `count` mappings by mm `mmId` less. The mark goes when one slot (or nobody) owns all that are left. */
export function removeLargeMappings(table: FrameTable, head: number, mmId: number, count: number): void {
  const { mapping, refcount, flags } = table;
  const total = ((refcount[head + FIRST] as number) -= count);
  const slot = mapping[head + SLOT_0] === mmId ? head + SLOT_0 : mapping[head + SLOT_1] === mmId ? head + SLOT_1 : 0;
  if (slot !== 0) {
    const left = ((refcount[slot] as number) -= count);
    if (left <= 0) {
      refcount[slot] = 0;
      mapping[slot] = 0;
    }
  }
  if (refcount[head + SLOT_0] === total || refcount[head + SLOT_1] === total) {
    (flags[head] as number) &= ~PG_MAYBE_SHARED;
  }
}
