import { Arch, type EntryWords, type PagesToFolioEnd } from '../arch.js';
import {
  DIRTY,
  EXCLUSIVE,
  EntryKind,
  type EntryState,
  type PageProtection,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import { makeLevels } from '../geometry.js';
import type { EntryDescriber } from '../describe/describer.js';
import { softwareTypes } from '../software-types.js';
import {
  ACCESSED,
  CONTIGUOUS,
  PRESENT_INVALID,
  PROTECTION_HIGH,
  PROTECTION_LOW,
  READ_ONLY,
  SHARED_INNER,
  SOFTWARE_DIRTY,
  SPECIAL_BIT,
  SWAP_EXCLUSIVE,
  SWAP_OFFSET_HIGH,
  SWAP_OFFSET_LOW_SPAN,
  SWAP_OFFSET_SHIFT,
  SWAP_TYPE_MASK,
  SWAP_TYPE_SHIFT,
  SWAP_UFFD,
  TABLE_PXN,
  TYPE_MASK,
  TYPE_PAGE,
  UFFD_BIT,
  VALID,
  WRITE,
} from './arm64-bits.js';
import {
  blockStart,
  fold,
  gatherMarks,
  GATHERED_DIRTY,
  GATHERED_YOUNG,
  isFoldable,
  isFolded,
  markedHigh,
  markedLow,
  unfold,
  unfoldEdges,
} from './arm64-contiguous.js';
import { arm64Describer } from './arm64-describe.js';
import { type Arm64Options, checkWidths, GRANULES, nameOf } from './arm64-geometry.js';
import { markDirty, overlay, PAGE_HIGH, PAGE_LOW, PROT_HIGH, PROT_LOW, STATES, wrprotectWord } from './arm64-words.js';

/** arm64 with pages of 4, 16 or 64 KiB. Spec 04 section 3. */
export class Arm64 extends Arch {
  override readonly describer: EntryDescriber;
  override readonly tableMask: number = TYPE_MASK;
  override readonly tableBits: number = TYPE_MASK;
  /** Whether the LPA2 layout is used: bits 9:8 hold bits 51:50 of the address instead of the shareability. */
  readonly lpa2: boolean;
  readonly #pagesToFolioEnd: PagesToFolioEnd | null;
  /** Bits of an entry that maps something, beside address and protection. */
  readonly #common: number;
  /** Bits of `at` that are all set in the last entry of a block. */
  readonly #lastInBlock: number;
  // A frame number lies in three fields: from the page shift up to bit 31, from bit 32 up, and (52-bit addresses) its
  // top bits in a spare place of the low half.
  readonly #frameLow: number;
  readonly #frameLowSpan: number;
  readonly #frameLowInverse: number;
  readonly #frameHigh: number;
  readonly #topShift: number;
  readonly #topMask: number;
  readonly #topSpan: number;

  /** @throws {RangeError} for address widths that the architecture does not have with this page size */
  constructor(options: Arm64Options) {
    const facts = GRANULES[options.granule];
    if (facts === undefined) throw new RangeError(`granule: ${options.granule} KiB is not one of 4, 16, 64`);
    const { virtualAddressBits = 48 } = options;
    const { physicalAddressBits = virtualAddressBits === 52 && options.granule !== 64 ? 52 : 48 } = options;
    checkWidths(options.granule, facts, virtualAddressBits, physicalAddressBits);
    super({
      name: nameOf(options.granule, virtualAddressBits, physicalAddressBits),
      pageShift: facts.pageShift,
      levels: makeLevels(virtualAddressBits - facts.pageShift, facts.indexBits),
      virtualAddressBits,
      physicalAddressBits,
      taskSizePages: 2 ** (virtualAddressBits - facts.pageShift),
      mapWindowPages: 2 ** (Math.min(virtualAddressBits, 48) - facts.pageShift),
      hasSoftDirty: false,
      protectionKeys: 8,
      executeOnlyKey: 0,
      contiguousEntries: facts.contiguousEntries,
      softwareTypes: softwareTypes(options),
    });
    const wide = physicalAddressBits === 52;
    this.lpa2 = wide && options.granule !== 64;
    this.describer = arm64Describer(facts.pageShift, physicalAddressBits);
    this.#pagesToFolioEnd = options.pagesToFolioEnd ?? null;
    this.#common = this.lpa2 ? 0 : SHARED_INNER;
    this.#lastInBlock = 2 * (facts.contiguousEntries - 1);
    this.#frameLow = -1 << facts.pageShift;
    this.#frameLowSpan = 2 ** (32 - facts.pageShift);
    this.#frameLowInverse = 1 / this.#frameLowSpan;
    this.#frameHigh = this.lpa2 ? 0x3ffff : 0xffff;
    this.#topShift = this.lpa2 ? 8 : 12;
    this.#topMask = wide ? (this.lpa2 ? 3 : 15) : 0;
    this.#topSpan = 2 ** ((this.lpa2 ? 50 : 48) - facts.pageShift);
  }

  override kindOf(words: EntryWords, at: number, level: number): EntryKind {
    const low = words[at]!;
    if ((low & (VALID | PRESENT_INVALID)) !== 0) {
      return level !== 0 && (low & TYPE_MASK) === TYPE_MASK ? EntryKind.Table : EntryKind.Page;
    }
    if ((low | words[at + 1]!) === 0) return EntryKind.None;
    return this.kindOfType((low >>> SWAP_TYPE_SHIFT) & SWAP_TYPE_MASK);
  }

  override isNone(words: EntryWords, at: number): boolean {
    return (words[at]! | words[at + 1]!) === 0;
  }

  override isPresent(words: EntryWords, at: number): boolean {
    return (words[at]! & (VALID | PRESENT_INVALID)) !== 0;
  }

  override isLeaf(words: EntryWords, at: number): boolean {
    const low = words[at]!;
    return (low & (VALID | PRESENT_INVALID)) !== 0 && (low & TYPE_PAGE) === 0;
  }

  override setTable(words: EntryWords, at: number, id: number): void {
    this.#setFrame(words, at, this.tableFrameBase + id, TYPE_MASK | ACCESSED, TABLE_PXN);
  }

  override pfn(words: EntryWords, at: number, _level: number): number {
    const low = words[at]!;
    const frame = ((low & this.#frameLow) >>> this.pageShift) + (words[at + 1]! & this.#frameHigh) * this.#frameLowSpan;
    return this.#topMask === 0 ? frame : this.#wideFrame(frame, low);
  }

  override isWritable(words: EntryWords, at: number): boolean {
    return (words[at + 1]! & WRITE) !== 0;
  }

  override isYoung(words: EntryWords, at: number): boolean {
    return (this.#marks(words, at) & GATHERED_YOUNG) !== 0;
  }

  override isDirty(words: EntryWords, at: number): boolean {
    return (this.#marks(words, at) & GATHERED_DIRTY) !== 0;
  }

  override isSoftDirty(_words: EntryWords, _at: number): boolean {
    return false;
  }

  override isUffdWp(words: EntryWords, at: number): boolean {
    return this.isPresent(words, at) ? (words[at + 1]! & UFFD_BIT) !== 0 : (words[at]! & SWAP_UFFD) !== 0;
  }

  override isSpecial(words: EntryWords, at: number): boolean {
    return (words[at + 1]! & SPECIAL_BIT) !== 0;
  }

  override isProtNone(words: EntryWords, at: number): boolean {
    return (words[at]! & (VALID | PRESENT_INVALID)) === PRESENT_INVALID;
  }

  override isContiguous(words: EntryWords, at: number): boolean {
    return isFolded(words, at);
  }

  override setPage(
    words: EntryWords,
    at: number,
    level: number,
    pfn: number,
    prot: PageProtection,
    state: EntryState,
  ): void {
    if (level === 0) unfold(words, at, this.contiguousEntries);
    const index = (prot & 15) * STATES + (state & (STATES - 1));
    const low = PAGE_LOW[index]! | this.#common | (level === 0 ? TYPE_PAGE : 0);
    this.#setFrame(words, at, pfn, low, PAGE_HIGH[index]! | overlay(prot));
    this.#tryFold(words, at);
  }

  override mkWrite(words: EntryWords, at: number): void {
    unfold(words, at, this.contiguousEntries);
    const high = words[at + 1]! | WRITE;
    words[at + 1] = high;
    if ((high & SOFTWARE_DIRTY) !== 0) words[at] = words[at]! & ~READ_ONLY;
    this.#tryFold(words, at);
  }

  override wrprotect(words: EntryWords, at: number): void {
    unfold(words, at, this.contiguousEntries);
    wrprotectWord(words, at);
  }

  override mkDirty(words: EntryWords, at: number): void {
    unfold(words, at, this.contiguousEntries);
    markDirty(words, at);
    this.#tryFold(words, at);
  }

  override mkClean(words: EntryWords, at: number): void {
    const count = this.#blockSize(words, at);
    const first = blockStart(at, count);
    for (let entry = first; entry < first + 2 * count; entry += 2) {
      words[entry] = words[entry]! | READ_ONLY;
      words[entry + 1] = words[entry + 1]! & ~SOFTWARE_DIRTY;
    }
  }

  override mkYoung(words: EntryWords, at: number): void {
    unfold(words, at, this.contiguousEntries);
    words[at] = words[at]! | ACCESSED;
    this.#tryFold(words, at);
  }

  override mkOld(words: EntryWords, at: number): void {
    const count = this.#blockSize(words, at);
    const first = blockStart(at, count);
    for (let entry = first; entry < first + 2 * count; entry += 2) words[entry] = words[entry]! & ~ACCESSED;
  }

  override setSoftDirty(_words: EntryWords, _at: number): void {}

  override clearSoftDirty(_words: EntryWords, _at: number): void {}

  override setUffdWp(words: EntryWords, at: number): void {
    if (!this.isPresent(words, at)) {
      words[at] = words[at]! | SWAP_UFFD;
      return;
    }
    unfold(words, at, this.contiguousEntries);
    wrprotectWord(words, at);
    words[at + 1] = words[at + 1]! | UFFD_BIT;
    this.#tryFold(words, at);
  }

  override clearUffdWp(words: EntryWords, at: number): void {
    if (!this.isPresent(words, at)) {
      words[at] = words[at]! & ~SWAP_UFFD;
      return;
    }
    unfold(words, at, this.contiguousEntries);
    words[at + 1] = words[at + 1]! & ~UFFD_BIT;
    this.#tryFold(words, at);
  }

  override modifyProt(words: EntryWords, at: number, level: number, prot: PageProtection): void {
    if (level === 0) unfold(words, at, this.contiguousEntries);
    this.#changeProtection(words, at, prot);
    this.#tryFold(words, at);
  }

  override modifyProtPages(
    words: EntryWords,
    at: number,
    count: number,
    prot: PageProtection,
    add: EntryState,
    drop: EntryState,
  ): void {
    unfoldEdges(words, at, count, this.contiguousEntries);
    const marks = gatherMarks(words, at, count);
    this.#changeProtection(words, at, prot);
    if ((drop & UFFD_WP) !== 0) words[at + 1] = words[at + 1]! & ~UFFD_BIT;
    if ((add & WRITABLE) !== 0) words[at + 1] = words[at + 1]! | WRITE;
    if ((add & YOUNG) !== 0) words[at] = words[at]! | ACCESSED;
    if ((add & DIRTY) !== 0 || (marks & GATHERED_DIRTY) !== 0) markDirty(words, at);
    if ((add & UFFD_WP) !== 0) {
      wrprotectWord(words, at);
      words[at + 1] = words[at + 1]! | UFFD_BIT;
    }
    const high = words[at + 1]! & ~CONTIGUOUS;
    this.#setRun(words, at, count, markedLow(words[at]!, high, marks), high);
  }

  override hardwareAccess(words: EntryWords, at: number, store: boolean): void {
    const low = words[at]! | ACCESSED;
    words[at] = store ? low & ~READ_ONLY : low;
  }

  override setAccessFlags(words: EntryWords, at: number, state: EntryState): void {
    const writable = (state & WRITABLE) !== 0 && (words[at + 1]! & WRITE) === 0;
    if (writable) unfold(words, at, this.contiguousEntries);
    const count = this.#blockSize(words, at);
    const first = blockStart(at, count);
    for (let entry = first; entry < first + 2 * count; entry += 2) {
      if (writable) {
        words[entry + 1] = words[entry + 1]! | WRITE;
        if ((words[entry + 1]! & SOFTWARE_DIRTY) !== 0) words[entry] = words[entry]! & ~READ_ONLY;
      }
      if ((state & YOUNG) !== 0) words[entry] = words[entry]! | ACCESSED;
      if ((state & DIRTY) !== 0) markDirty(words, entry);
    }
  }

  override setSwap(words: EntryWords, at: number, type: number, offset: number, state: EntryState): void {
    unfold(words, at, this.contiguousEntries);
    let low = (offset << SWAP_OFFSET_SHIFT) | (type << SWAP_TYPE_SHIFT);
    if ((state & UFFD_WP) !== 0) low |= SWAP_UFFD;
    if ((state & EXCLUSIVE) !== 0) low |= SWAP_EXCLUSIVE;
    words[at] = low;
    words[at + 1] = (offset / SWAP_OFFSET_LOW_SPAN) & SWAP_OFFSET_HIGH;
  }

  override swapType(words: EntryWords, at: number): number {
    return (words[at]! >>> SWAP_TYPE_SHIFT) & SWAP_TYPE_MASK;
  }

  override swapOffset(words: EntryWords, at: number): number {
    return (words[at]! >>> SWAP_OFFSET_SHIFT) + (words[at + 1]! & SWAP_OFFSET_HIGH) * SWAP_OFFSET_LOW_SPAN;
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

  override clear(words: EntryWords, at: number): void {
    unfold(words, at, this.contiguousEntries);
    super.clear(words, at);
  }

  override clearEntries(words: EntryWords, at: number, count: number): void {
    unfoldEdges(words, at, count, this.contiguousEntries);
    super.clearEntries(words, at, count);
  }

  override moveEntry(source: EntryWords, sourceAt: number, target: EntryWords, targetAt: number): void {
    unfold(source, sourceAt, this.contiguousEntries);
    super.moveEntry(source, sourceAt, target, targetAt);
    this.#tryFold(target, targetAt);
  }

  override batchLength(words: EntryWords, at: number, limit: number): number {
    if (limit === 1 || !isFolded(words, at)) return 1;
    const size = this.contiguousEntries;
    const toEnd =
      this.#pagesToFolioEnd === null
        ? size - (at - blockStart(at, size)) / 2
        : this.#pagesToFolioEnd(this.pfn(words, at, 0));
    return this.runLength(words, at, Math.min(limit, toEnd));
  }

  override movePages(
    source: EntryWords,
    sourceAt: number,
    target: EntryWords,
    targetAt: number,
    count: number,
    drop: EntryState,
  ): void {
    unfoldEdges(source, sourceAt, count, this.contiguousEntries);
    const marks = gatherMarks(source, sourceAt, count);
    const dropped = CONTIGUOUS | ((drop & UFFD_WP) !== 0 ? UFFD_BIT : 0);
    const high = markedHigh(source[sourceAt + 1]!, marks) & ~dropped;
    const low = markedLow(source[sourceAt]!, high, marks);
    super.clearEntries(source, sourceAt, count);
    this.#setRun(target, targetAt, count, low, high);
  }

  override setPages(
    words: EntryWords,
    at: number,
    count: number,
    pfn: number,
    prot: PageProtection,
    state: EntryState,
  ): void {
    unfoldEdges(words, at, count, this.contiguousEntries);
    const index = (prot & 15) * STATES + (state & (STATES - 1));
    const low = PAGE_LOW[index]! | this.#common | TYPE_PAGE;
    this.#setFrame(words, at, pfn, low, PAGE_HIGH[index]! | overlay(prot));
    this.#setRun(words, at, count, words[at]!, words[at + 1]!);
  }

  override wrprotectPages(words: EntryWords, at: number, count: number): void {
    unfoldEdges(words, at, count, this.contiguousEntries);
    for (let entry = at; entry < at + 2 * count; entry += 2) wrprotectWord(words, entry);
  }

  protected override samePermissions(words: EntryWords, at: number, other: number): boolean {
    const lowMask = PROTECTION_LOW & ~READ_ONLY;
    const highMask = PROTECTION_HIGH | CONTIGUOUS | SPECIAL_BIT | UFFD_BIT;
    return ((words[at]! ^ words[other]!) & lowMask) === 0 && ((words[at + 1]! ^ words[other + 1]!) & highMask) === 0;
  }

  #marks(words: EntryWords, at: number): number {
    const count = this.#blockSize(words, at);
    return gatherMarks(words, blockStart(at, count), count);
  }

  /** Entries that share their marks with this one: its block's, or only itself. */
  #blockSize(words: EntryWords, at: number): number {
    return isFolded(words, at) ? this.contiguousEntries : 1;
  }

  #changeProtection(words: EntryWords, at: number, prot: PageProtection): void {
    const dirty = (gatherMarks(words, at, 1) & GATHERED_DIRTY) !== 0;
    words[at] = (words[at]! & ~PROTECTION_LOW) | PROT_LOW[prot & 15]!;
    words[at + 1] = (words[at + 1]! & ~PROTECTION_HIGH) | PROT_HIGH[prot & 15]! | overlay(prot);
    if (dirty) markDirty(words, at);
  }

  #setFrame(words: EntryWords, at: number, pfn: number, low: number, high: number): void {
    words[at] = low | (pfn << this.pageShift);
    words[at + 1] = high | ((pfn * this.#frameLowInverse) & this.#frameHigh);
    if (this.#topMask !== 0) words[at] = words[at]! | (((pfn / this.#topSpan) & this.#topMask) << this.#topShift);
  }

  #wideFrame(frame: number, low: number): number {
    return frame + ((low >>> this.#topShift) & this.#topMask) * this.#topSpan;
  }

  /** Writes `count` entries from one word (of the first frame, without the hint), with the hint on whole blocks. */
  #setRun(words: EntryWords, at: number, count: number, low: number, high: number): void {
    words[at] = low;
    words[at + 1] = high;
    const pfn = this.pfn(words, at, 0);
    const size = this.contiguousEntries;
    const end = at + 2 * count;
    const lowBits = low & ~this.#frameLow & ~(this.#topMask << this.#topShift);
    const highBits = high & ~this.#frameHigh;
    const hintAllowed = (low & VALID) !== 0 && (high & SPECIAL_BIT) === 0 && (pfn - at / 2) % size === 0;
    for (let entry = at; entry < end; entry += 2) {
      const first = blockStart(entry, size);
      const hint = hintAllowed && first >= at && first + 2 * size <= end ? CONTIGUOUS : 0;
      this.#setFrame(words, entry, pfn + (entry - at) / 2, lowBits, highBits | hint);
    }
    if (count === 1) this.#tryFold(words, at);
  }

  /** After an entry was set by itself: folds its block if it completes one. */
  #tryFold(words: EntryWords, at: number): void {
    if ((at & this.#lastInBlock) === this.#lastInBlock && this.#pagesToFolioEnd !== null) this.#foldBlockOf(words, at);
  }

  #foldBlockOf(words: EntryWords, at: number): void {
    const size = this.contiguousEntries;
    // Cheapest first: most pages are of small folios, and never come to the comparison of the whole block.
    if ((words[at]! & TYPE_MASK) !== (VALID | TYPE_PAGE)) return;
    const firstFrame = this.pfn(words, at, 0) - (size - 1);
    if (firstFrame % size !== 0 || this.#pagesToFolioEnd!(firstFrame) < size) return;
    const first = blockStart(at, size);
    if (isFoldable(words, first, size, 1 << this.pageShift)) fold(words, first, size);
  }
}
