import {
  PG_EXCLUSIVE,
  PG_FREE,
  PG_HEAD,
  PG_LOCKED,
  PG_MAYBE_SHARED,
  PG_RESERVED,
  PG_SWAPCACHE,
  PG_TAIL,
  PIN_BIAS,
  type PhysicalMemory,
  entireMapcount,
  largeMapcount,
  largePins,
  mmSlots,
  pagesMapped,
} from '@vmakit/folio';
import type { ViolationList } from '../violation.js';
import type { Census } from './census.js';
import type { Subject } from './subject.js';

/** S4: what is stored of every folio, against what the page tables, page caches, swap cache and pins amount to. */
export function checkFolios(subject: Subject): void {
  const { env, census, violations } = subject;
  const { memory } = env;
  countCaches(subject);
  const pins = countPins(subject);
  for (let frame = memory.zeroFrame; frame < memory.endFrame;) {
    const flags = memory.flags[frame] as number;
    if ((flags & PG_FREE) !== 0) {
      frame += 1 << (memory.order[frame] as number);
    } else if ((flags & PG_RESERVED) !== 0) {
      frame++;
    } else if ((flags & PG_HEAD) !== 0) {
      checkLarge(memory, frame, census, violations);
      checkReferences(memory, frame, census, pins, violations);
      frame += 1 << (memory.order[frame] as number);
    } else {
      checkSmall(memory, frame, census, violations);
      checkReferences(memory, frame, census, pins, violations);
      frame++;
    }
  }
}

/** One reference of the page cache for each page of a folio in it. */
function countCaches(subject: Subject): void {
  const { memory, files } = subject.env;
  for (const file of files.values()) {
    for (const frame of file.pages.values()) (subject.census.cached[memory.headOf(frame)] as number)++;
  }
}

/** Pins by head. */
function countPins(subject: Subject): Map<number, number> {
  const { memory } = subject.env;
  const pins = new Map<number, number>();
  for (const mm of subject.mms) {
    for (const frame of mm.pinnedFrames) {
      const head = memory.headOf(frame);
      pins.set(head, (pins.get(head) ?? 0) + 1);
    }
  }
  return pins;
}

function checkSmall(memory: PhysicalMemory, frame: number, census: Census, violations: ViolationList): void {
  const counted = census.ptes[frame] as number;
  const stored = memory.mapcount[frame] as number;
  if (counted !== stored && (memory.refcount[frame] !== 0 || counted !== 0)) {
    violations.add('S4.2', 'the map count of a page is the number of entries that map it', { frame, stored, counted });
  }
  const exclusive = ((memory.flags[frame] as number) & PG_EXCLUSIVE) !== 0;
  if (exclusive && counted > 1) {
    violations.add('S4.5', 'an exclusive page is mapped once', { frame, counted });
  }
}

function checkLarge(memory: PhysicalMemory, head: number, census: Census, violations: ViolationList): void {
  const order = memory.order[head] as number;
  const size = 1 << order;
  if (head % size !== 0) violations.add('S4.10', 'a large folio is aligned to its size', { head, order });
  const huge = census.pmds[head] as number;
  let total = huge;
  let mapped = 0;
  for (let frame = head; frame < head + size; frame++) {
    const counted = census.ptes[frame] as number;
    total += counted;
    if (counted > 0) mapped++;
    if (memory.order[frame] !== order || (frame > head && ((memory.flags[frame] as number) & PG_TAIL) === 0)) {
      violations.add('S4.10', 'every page of a large folio knows its order', { head, order, frame });
    }
    if (memory.mapcount[frame] !== counted) {
      const stored = memory.mapcount[frame] as number;
      violations.add('S4.2', 'the map count of a page is the number of entries that map it', {
        head,
        frame,
        stored,
        counted,
      });
    }
    const exclusive = ((memory.flags[frame] as number) & PG_EXCLUSIVE) !== 0;
    if (
      exclusive &&
      (counted > 1 || (frame === head && huge > 1) || (counted > 0 && census.isShared(head) && huge > 0))
    ) {
      violations.add('S4.5', 'an exclusive page is mapped once', { head, frame, counted, huge });
    }
  }
  checkLargeCounts(memory, head, { huge, total, mapped }, violations);
  checkSlots(memory, head, census, violations);
}

function checkLargeCounts(
  memory: PhysicalMemory,
  head: number,
  counted: { readonly huge: number; readonly total: number; readonly mapped: number },
  violations: ViolationList,
): void {
  const stored = {
    huge: entireMapcount(memory, head),
    total: largeMapcount(memory, head),
    mapped: pagesMapped(memory, head),
  };
  if (stored.huge === counted.huge && stored.total === counted.total && stored.mapped === counted.mapped) return;
  violations.add('S4.2', 'the map counts of a large folio are the entries that map it', {
    head,
    stored: `${stored.huge} huge, ${stored.total} in all, ${stored.mapped} pages`,
    counted: `${counted.huge} huge, ${counted.total} in all, ${counted.mapped} pages`,
  });
}

/** S4.4: a slot never counts more than its address space maps; two address spaces never go unnoticed. */
function checkSlots(memory: PhysicalMemory, head: number, census: Census, violations: ViolationList): void {
  const mappings = census.mappings.get(head);
  const slots = mmSlots(memory, head);
  for (const [mmId, count] of slots) {
    const counted = mappings?.get(mmId) ?? 0;
    if (mmId !== 0 && (count > counted || count <= 0)) {
      violations.add('S4.4', 'a slot counts mappings that its address space has', {
        head,
        mm: mmId,
        stored: count,
        counted,
      });
    }
  }
  if (slots[0][0] !== 0 && slots[0][0] === slots[1][0]) {
    violations.add('S4.4', 'the slots are of different address spaces', { head, mm: slots[0][0] });
  }
  const shared = ((memory.flags[head] as number) & PG_MAYBE_SHARED) !== 0;
  if (!shared && (mappings?.size ?? 0) > 1) {
    violations.add('S4.4', 'a folio that two address spaces map is marked', { head, mms: mappings?.size ?? 0 });
  }
}

function checkReferences(
  memory: PhysicalMemory,
  head: number,
  census: Census,
  pins: ReadonlyMap<number, number>,
  violations: ViolationList,
): void {
  const flags = memory.flags[head] as number;
  const isLarge = (flags & PG_HEAD) !== 0;
  const size = isLarge ? 1 << (memory.order[head] as number) : 1;
  const pinned = pins.get(head) ?? 0;
  const mapped = isLarge ? largeMapcount(memory, head) : (memory.mapcount[head] as number);
  const swapCache = (flags & PG_SWAPCACHE) === 0 ? 0 : size;
  const expected = mapped + swapCache + (census.cached[head] as number) + pinned * (isLarge ? 1 : PIN_BIAS);
  const refcount = memory.refcount[head] as number;
  if (refcount !== expected) {
    violations.add('S4.3', 'references are mappings, caches and pins', {
      head,
      refcount,
      expected,
      mapped,
      swapCache,
      pageCache: census.cached[head] as number,
      pinned,
    });
  }
  if (isLarge && largePins(memory, head) !== pinned) {
    violations.add('S4.3', 'the pins of a large folio are counted', { head, stored: largePins(memory, head), pinned });
  }
  if ((flags & PG_LOCKED) !== 0) violations.add('S7', 'no folio is locked between operations', { head });
}
