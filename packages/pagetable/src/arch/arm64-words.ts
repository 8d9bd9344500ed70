import type { EntryWords } from '../arch.js';
import {
  DIRTY,
  EXCLUSIVE,
  PROT_EXEC,
  PROT_KEY_SHIFT,
  PROT_READ,
  PROT_SHARED,
  PROT_WRITE,
  type PageProtection,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import {
  ACCESSED,
  NOT_GLOBAL,
  OVERLAY,
  OVERLAY_SHIFT,
  PXN,
  READ_ONLY,
  SOFTWARE_DIRTY,
  SPECIAL_BIT,
  UFFD_BIT,
  USER,
  UXN,
  VALID,
  WRITE,
} from './arm64-bits.js';

/** Low half by `PROT_*`; of the attributes, normal memory is 0. */
export const PROT_LOW: Int32Array = Int32Array.from({ length: 16 }, (_, prot) => {
  const accessible = (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) !== 0;
  return NOT_GLOBAL | READ_ONLY | (accessible ? VALID | USER : 0);
});

/** High half by `PROT_*`, the overlay index aside. */
export const PROT_HIGH: Int32Array = Int32Array.from({ length: 16 }, (_, prot) => {
  const writable = (prot & (PROT_SHARED | PROT_WRITE)) === (PROT_SHARED | PROT_WRITE);
  return PXN | ((prot & PROT_EXEC) !== 0 ? 0 : UXN) | (writable ? WRITE : 0);
});

/** States that a page entry can have: the bits below `EXCLUSIVE`. */
export const STATES: number = EXCLUSIVE;

/** High half of a page entry by protection * STATES + state; frame and overlay index aside. */
export const PAGE_HIGH: Int32Array = Int32Array.from({ length: 16 * STATES }, (_, index) => {
  const state = index % STATES;
  let high = PROT_HIGH[Math.floor(index / STATES)]!;
  if ((state & WRITABLE) !== 0) high |= WRITE;
  if ((state & DIRTY) !== 0) high |= SOFTWARE_DIRTY;
  if ((state & SPECIAL) !== 0) high |= SPECIAL_BIT;
  if ((state & UFFD_WP) !== 0) high |= UFFD_BIT;
  return high;
});

/** Low half of a page entry by protection * STATES + state; frame, type and shareability aside. */
export const PAGE_LOW: Int32Array = Int32Array.from({ length: 16 * STATES }, (_, index) => {
  const state = index % STATES;
  const low = PROT_LOW[Math.floor(index / STATES)]! | ((state & YOUNG) !== 0 ? ACCESSED : 0);
  const writable = (PAGE_HIGH[index]! & WRITE) !== 0;
  return writable && (state & DIRTY) !== 0 ? low & ~READ_ONLY : low;
});

/** The overlay index of a protection, in place. */
export function overlay(prot: PageProtection): number {
  return ((prot >>> PROT_KEY_SHIFT) << OVERLAY_SHIFT) & OVERLAY;
}

/** Software's dirty mark, which lets the processor store at once where it may. */
export function markDirty(words: EntryWords, at: number): void {
  const high = words[at + 1]! | SOFTWARE_DIRTY;
  words[at + 1] = high;
  if ((high & WRITE) !== 0) words[at] = words[at]! & ~READ_ONLY;
}

/** Takes write permission away and keeps the processor's dirty mark as software's. */
export function wrprotectWord(words: EntryWords, at: number): void {
  const low = words[at]!;
  const high = words[at + 1]!;
  const dirty = (high & WRITE) !== 0 && (low & READ_ONLY) === 0 ? SOFTWARE_DIRTY : 0;
  words[at] = low | READ_ONLY;
  words[at + 1] = (high & ~WRITE) | dirty;
}
