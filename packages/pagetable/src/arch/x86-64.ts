import { Arch, type EntryWords } from '../arch.js';
import {
  DIRTY,
  EXCLUSIVE,
  EntryKind,
  type EntryState,
  PROT_EXEC,
  PROT_KEY_SHIFT,
  PROT_READ,
  PROT_SHARED,
  PROT_WRITE,
  type PageProtection,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import { makeLevels } from '../geometry.js';
import type { EntryDescriber } from '../describe/describer.js';
import { type SoftwareTypeOptions, softwareTypes } from '../software-types.js';
import {
  ACCESSED,
  FRAME_ABOVE_8_TIB,
  FRAME_HIGH,
  FRAME_LOW,
  FRAME_LOW_INVERSE,
  FRAME_LOW_SPAN,
  FRAME_SHIFT,
  HARDWARE_DIRTY,
  KEY_SHIFT,
  NONE_IGNORED,
  NX,
  OFFSET_HIGH,
  OFFSET_LOW,
  OFFSET_LOW_INVERSE,
  OFFSET_LOW_SPAN,
  OFFSET_SHIFT,
  PRESENT,
  PRESENT_FORMS,
  PROTECTION_HIGH,
  PROTECTION_LOW,
  PROT_NONE,
  PSE,
  RW,
  SAVED_DIRTY,
  SOFT_DIRTY_BIT,
  SPECIAL_BIT,
  SWAP_EXCLUSIVE,
  SWAP_SOFT_DIRTY,
  SWAP_UFFD,
  TABLE,
  TYPE_SHIFT,
  UFFD_BIT,
  USER,
} from './x86-64-bits.js';
import { moveWords } from './move-words.js';
import { X8664_DESCRIBER } from './x86-64-describe.js';

/** From so many entries on, moving them as bytes pays. */
const BULK_ENTRIES = 64;

/** States that a page entry can have: the bits below `EXCLUSIVE`. */
const STATES = EXCLUSIVE;

/** Low half by `PROT_*` (the key aside). The accessed bit, which the page protections have, is up to the state. */
const PROT_LOW: Int32Array = Int32Array.from({ length: 16 }, (_, prot) => {
  if ((prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) === 0) return PROT_NONE;
  const writable = (prot & (PROT_SHARED | PROT_WRITE)) === (PROT_SHARED | PROT_WRITE);
  return PRESENT | USER | (writable ? RW : 0);
});

/** High half by `PROT_*` (the key aside): NX unless executable. The form for no access has no NX. */
const PROT_HIGH: Int32Array = Int32Array.from({ length: 16 }, (_, prot) => {
  return (prot & (PROT_READ | PROT_WRITE)) !== 0 && (prot & PROT_EXEC) === 0 ? NX : 0;
});

/** What sets one x86-64 machine apart from another. */
export interface X8664Options extends SoftwareTypeOptions {
  /** Levels of the tables: 4 (48-bit addresses) or 5 (57-bit). Default 4. */
  readonly levels?: 4 | 5;
  /** Whether the kernel keeps soft-dirty marks. Default true. */
  readonly softDirty?: boolean;
}

/** x86-64 with 4 KiB pages. Spec 04 section 2. */
export class X8664 extends Arch {
  override readonly describer: EntryDescriber = X8664_DESCRIBER;
  override readonly tableMask: number = PRESENT | PSE;
  override readonly tableBits: number = PRESENT;
  /** The soft-dirty bit, or 0 in a kernel without. */
  readonly #softDirty: number;
  readonly #swapSoftDirty: number;
  /** The halves of a page entry, the frame aside, by protection and state. */
  readonly #pageLow: Int32Array = new Int32Array(16 * STATES);
  readonly #pageHigh: Int32Array = new Int32Array(16 * STATES);

  constructor(options: X8664Options = {}) {
    const { levels = 4, softDirty = true } = options;
    const virtualAddressBits = levels === 5 ? 57 : 48;
    super({
      name: levels === 5 ? 'x86-64-la57' : 'x86-64',
      pageShift: FRAME_SHIFT,
      levels: makeLevels(virtualAddressBits - FRAME_SHIFT, 9),
      virtualAddressBits,
      physicalAddressBits: levels === 5 ? 52 : 46,
      // Half of the addresses are the kernel's; the last page below the middle is kept free.
      taskSizePages: 2 ** (virtualAddressBits - 1 - FRAME_SHIFT) - 1,
      mapWindowPages: 2 ** (47 - FRAME_SHIFT) - 1,
      hasSoftDirty: softDirty,
      protectionKeys: 16,
      executeOnlyKey: 1,
      contiguousEntries: 1,
      softwareTypes: softwareTypes(options),
    });
    this.#softDirty = softDirty ? SOFT_DIRTY_BIT : 0;
    this.#swapSoftDirty = softDirty ? SWAP_SOFT_DIRTY : 0;
    for (let index = 0; index < 16 * STATES; index++) this.#fillPage(index);
  }

  override kindOf(words: EntryWords, at: number, level: number): EntryKind {
    const low = words[at]!;
    if ((low & PRESENT_FORMS) !== 0) {
      return level !== 0 && (low & (PRESENT | PSE)) === PRESENT ? EntryKind.Table : EntryKind.Page;
    }
    if (this.isNone(words, at)) return EntryKind.None;
    return this.kindOfType(words[at + 1]! >>> TYPE_SHIFT);
  }

  override isNone(words: EntryWords, at: number): boolean {
    return ((words[at]! & ~NONE_IGNORED) | words[at + 1]!) === 0;
  }

  override isPresent(words: EntryWords, at: number): boolean {
    return (words[at]! & PRESENT_FORMS) !== 0;
  }

  override isLeaf(words: EntryWords, at: number): boolean {
    return (words[at]! & PSE) !== 0;
  }

  override setTable(words: EntryWords, at: number, id: number): void {
    const pfn = this.tableFrameBase + id;
    words[at] = (pfn << FRAME_SHIFT) | TABLE;
    words[at + 1] = (pfn * FRAME_LOW_INVERSE) & FRAME_HIGH;
  }

  override pfn(words: EntryWords, at: number, level: number): number {
    let low = words[at]!;
    let high = words[at + 1]!;
    // Entries that the processor takes as not present hold the complement, so that it never speculates on the frame.
    if ((low & PRESENT) === 0) {
      low = ~low;
      high = ~high;
    }
    return ((low & FRAME_LOW[level]!) >>> FRAME_SHIFT) + (high & FRAME_HIGH) * FRAME_LOW_SPAN;
  }

  override isWritable(words: EntryWords, at: number): boolean {
    return (words[at]! & RW) !== 0;
  }

  override isYoung(words: EntryWords, at: number): boolean {
    return (words[at]! & ACCESSED) !== 0;
  }

  override isDirty(words: EntryWords, at: number): boolean {
    return (words[at]! & HARDWARE_DIRTY) !== 0 || (words[at + 1]! & SAVED_DIRTY) !== 0;
  }

  override isSoftDirty(words: EntryWords, at: number): boolean {
    return (words[at]! & this.#softDirtyOf(words, at)) !== 0;
  }

  override isUffdWp(words: EntryWords, at: number): boolean {
    return (words[at]! & uffdOf(words, at)) !== 0;
  }

  override isSpecial(words: EntryWords, at: number): boolean {
    return (words[at]! & SPECIAL_BIT) !== 0;
  }

  override isProtNone(words: EntryWords, at: number): boolean {
    return (words[at]! & (PRESENT | PROT_NONE)) === PROT_NONE;
  }

  override setPage(
    words: EntryWords,
    at: number,
    level: number,
    pfn: number,
    prot: PageProtection,
    state: EntryState,
  ): void {
    const index = (prot & 15) * STATES + (state & (STATES - 1));
    let low = this.#pageLow[index]!;
    let high = this.#pageHigh[index]! | ((prot >>> PROT_KEY_SHIFT) << KEY_SHIFT);
    const inverted = (low & PRESENT) === 0 ? -1 : 0;
    low |= ((pfn << FRAME_SHIFT) ^ inverted) & FRAME_LOW[level]!;
    high |= ((pfn * FRAME_LOW_INVERSE) ^ inverted) & FRAME_HIGH;
    if (level !== 0) low |= PSE;
    words[at] = low;
    words[at + 1] = high;
  }

  override mkWrite(words: EntryWords, at: number): void {
    const high = words[at + 1]!;
    const dirty = (high & SAVED_DIRTY) !== 0 ? HARDWARE_DIRTY : 0;
    words[at] = words[at]! | RW | dirty;
    words[at + 1] = high & ~SAVED_DIRTY;
  }

  override wrprotect(words: EntryWords, at: number): void {
    const low = words[at]!;
    words[at] = low & ~RW;
    // Read-only with the processor's dirty bit would be a shadow-stack page.
    if ((low & HARDWARE_DIRTY) !== 0) saveDirty(words, at);
  }

  override mkDirty(words: EntryWords, at: number): void {
    const low = words[at]! | this.#softDirty;
    if ((low & RW) !== 0) {
      words[at] = low | HARDWARE_DIRTY;
      return;
    }
    words[at] = low;
    words[at + 1] = words[at + 1]! | SAVED_DIRTY;
  }

  override mkClean(words: EntryWords, at: number): void {
    words[at] = words[at]! & ~HARDWARE_DIRTY;
    words[at + 1] = words[at + 1]! & ~SAVED_DIRTY;
  }

  override mkYoung(words: EntryWords, at: number): void {
    words[at] = words[at]! | ACCESSED;
  }

  override mkOld(words: EntryWords, at: number): void {
    words[at] = words[at]! & ~ACCESSED;
  }

  override setSoftDirty(words: EntryWords, at: number): void {
    words[at] = words[at]! | this.#softDirtyOf(words, at);
  }

  override clearSoftDirty(words: EntryWords, at: number): void {
    words[at] = words[at]! & ~this.#softDirtyOf(words, at);
  }

  override setUffdWp(words: EntryWords, at: number): void {
    words[at] = words[at]! | uffdOf(words, at);
    if (this.isPresent(words, at)) this.wrprotect(words, at);
  }

  override clearUffdWp(words: EntryWords, at: number): void {
    words[at] = words[at]! & ~uffdOf(words, at);
  }

  override modifyProt(words: EntryWords, at: number, level: number, prot: PageProtection): void {
    const oldLow = words[at]!;
    const oldHigh = words[at + 1]!;
    let low = (oldLow & ~PROTECTION_LOW) | PROT_LOW[prot & 15]!;
    let high = (oldHigh & ~PROTECTION_HIGH) | PROT_HIGH[prot & 15]! | ((prot >>> PROT_KEY_SHIFT) << KEY_SHIFT);
    if (((low ^ oldLow) & PRESENT) !== 0) {
      low ^= FRAME_LOW[level]!;
      high ^= FRAME_HIGH;
    }
    if ((low & HARDWARE_DIRTY) !== 0 || (high & SAVED_DIRTY) !== 0) {
      low &= ~HARDWARE_DIRTY;
      high &= ~SAVED_DIRTY;
      if ((low & RW) !== 0) low |= HARDWARE_DIRTY;
      else high |= SAVED_DIRTY;
    }
    words[at] = low;
    words[at + 1] = high;
  }

  override hardwareAccess(words: EntryWords, at: number, store: boolean): void {
    words[at] = words[at]! | ACCESSED | (store ? HARDWARE_DIRTY : 0);
  }

  override setAccessFlags(words: EntryWords, at: number, state: EntryState): void {
    if ((state & WRITABLE) !== 0) this.mkWrite(words, at);
    if ((state & DIRTY) !== 0) this.mkDirty(words, at);
    if ((state & YOUNG) !== 0) this.mkYoung(words, at);
  }

  override countedFrame(words: EntryWords, at: number): number {
    const low = words[at]!;
    if ((low & PRESENT_FORMS) === 0 || (low & SPECIAL_BIT) !== 0) return -1;
    const high = words[at + 1]!;
    // A frame below 8 TiB is a small integer: no arithmetic with fractions is needed to have it.
    if ((low & PRESENT) !== 0 && (high & FRAME_ABOVE_8_TIB) === 0) {
      return (low >>> FRAME_SHIFT) | ((high & FRAME_HIGH) << 20);
    }
    return this.pfn(words, at, 0);
  }

  override forkEntry(source: EntryWords, at: number, target: EntryWords, targetAt: number, protect: boolean): void {
    let low = source[at]!;
    let high = source[at + 1]!;
    if (protect && (low & RW) !== 0) {
      if ((low & HARDWARE_DIRTY) !== 0) high |= SAVED_DIRTY;
      low &= ~(RW | HARDWARE_DIRTY);
      source[at] = low;
      source[at + 1] = high;
    }
    target[targetAt] = low & ~ACCESSED;
    target[targetAt + 1] = high;
  }

  override setSwap(words: EntryWords, at: number, type: number, offset: number, state: EntryState): void {
    let low = (~offset & OFFSET_LOW) << OFFSET_SHIFT;
    if ((state & SOFT_DIRTY) !== 0) low |= this.#swapSoftDirty;
    if ((state & UFFD_WP) !== 0) low |= SWAP_UFFD;
    if ((state & EXCLUSIVE) !== 0) low |= SWAP_EXCLUSIVE;
    words[at] = low;
    words[at + 1] = (type << TYPE_SHIFT) | (~(offset * OFFSET_LOW_INVERSE) & OFFSET_HIGH);
  }

  /** The same in one loop over words, and as bytes where all are present: a move of tables spends its time here. */
  override moveRun(source: EntryWords, sourceAt: number, target: EntryWords, targetAt: number, count: number): number {
    const softDirty = this.#softDirty;
    const end = sourceAt + 2 * count;
    const common = count >= BULK_ENTRIES ? commonBits(source, sourceAt, end) : 0;
    if ((common & PRESENT) !== 0) {
      moveWords(source, sourceAt, target, targetAt, 2 * count);
      // What was written to has the mark mostly.
      if ((common & softDirty) !== softDirty) {
        for (let to = targetAt; to < targetAt + 2 * count; to += 2) target[to]! |= softDirty;
      }
      return count << 16;
    }
    const swapSoftDirty = this.#swapSoftDirty;
    let present = 0;
    let absent = 0;
    for (let at = sourceAt, to = targetAt; at < end; at += 2, to += 2) {
      const low = source[at]!;
      const high = source[at + 1]!;
      if (((low & ~NONE_IGNORED) | high) === 0) continue;
      if ((low & PRESENT_FORMS) !== 0) {
        target[to] = low | softDirty;
        present++;
      } else {
        target[to] = low | swapSoftDirty;
        absent++;
      }
      target[to + 1] = high;
      source[at] = 0;
      source[at + 1] = 0;
    }
    return (present << 16) | absent;
  }

  override swapType(words: EntryWords, at: number): number {
    return words[at + 1]! >>> TYPE_SHIFT;
  }

  override swapOffset(words: EntryWords, at: number): number {
    return (~words[at]! >>> OFFSET_SHIFT) + (~words[at + 1]! & OFFSET_HIGH) * OFFSET_LOW_SPAN;
  }

  override isExclusive(words: EntryWords, at: number): boolean {
    return (words[at]! & SWAP_EXCLUSIVE) !== 0;
  }

  override setExclusive(words: EntryWords, at: number): void {
    words[at] = words[at]! | SWAP_EXCLUSIVE;
  }

  override clearExclusive(words: EntryWords, at: number): void {
    words[at] = words[at]! & ~SWAP_EXCLUSIVE;
  }

  protected override samePermissions(words: EntryWords, at: number, other: number): boolean {
    const lowMask = PROTECTION_LOW | SPECIAL_BIT | UFFD_BIT;
    const differ = (words[at]! ^ words[other]!) & lowMask;
    return differ === 0 && ((words[at + 1]! ^ words[other + 1]!) & PROTECTION_HIGH) === 0;
  }

  /** The halves for protection `index` / STATES and state `index` % STATES. */
  #fillPage(index: number): void {
    const state = index % STATES;
    let low = PROT_LOW[Math.floor(index / STATES)]!;
    let high = PROT_HIGH[Math.floor(index / STATES)]!;
    if ((state & WRITABLE) !== 0) low |= RW;
    if ((state & YOUNG) !== 0) low |= ACCESSED;
    if ((state & DIRTY) !== 0) {
      if ((low & RW) !== 0) low |= HARDWARE_DIRTY;
      else high |= SAVED_DIRTY;
    }
    if ((state & SOFT_DIRTY) !== 0) low |= this.#softDirty;
    if ((state & UFFD_WP) !== 0) low |= UFFD_BIT;
    if ((state & SPECIAL) !== 0) low |= SPECIAL_BIT;
    this.#pageLow[index] = low;
    this.#pageHigh[index] = high;
  }

  #softDirtyOf(words: EntryWords, at: number): number {
    return (words[at]! & PRESENT_FORMS) !== 0 ? this.#softDirty : this.#swapSoftDirty;
  }
}

/** The bits that the low halves of all entries of [at, end) have; 0: not even {@link PRESENT}. Four at a time. */
function commonBits(words: EntryWords, at: number, end: number): number {
  let entry = at;
  let common = -1;
  for (; entry + 8 <= end; entry += 8) {
    common &= words[entry]! & words[entry + 2]! & words[entry + 4]! & words[entry + 6]!;
    if ((common & PRESENT) === 0) return 0;
  }
  for (; entry < end; entry += 2) common &= words[entry]!;
  return (common & PRESENT) !== 0 ? common : 0;
}

function saveDirty(words: EntryWords, at: number): void {
  words[at] = words[at]! & ~HARDWARE_DIRTY;
  words[at + 1] = words[at + 1]! | SAVED_DIRTY;
}

function uffdOf(words: EntryWords, at: number): number {
  return (words[at]! & PRESENT_FORMS) !== 0 ? UFFD_BIT : SWAP_UFFD;
}
