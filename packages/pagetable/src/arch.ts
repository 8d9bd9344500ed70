import type { EntryDescriber } from './describe/describer.js';
import {
  DIRTY,
  EXCLUSIVE,
  EntryKind,
  type EntryState,
  type MigrationKind,
  type PageProtection,
  SOFT_DIRTY,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from './entry.js';
import type { Level, LevelName } from './geometry.js';
import type { SoftwareTypes } from './software-types.js';
import { countStraight } from './straight-entries.js';
import { countZero } from './zero-entries.js';

/**
 * The words of some tables: 64-bit entries as two 32-bit halves, the low half at the even index. An entry is named by
 * the array and the index `at` of its low half.
 */
export type EntryWords = Int32Array;

/**
 * Pages from frame `pfn` to the end of its folio, at least 1. Asked on arm64 only: entries that were set one by one are
 * folded into a contiguous block when all are of one folio, and a batch ends where the folio does. Entries set in one
 * call of `setPages` are of one folio by contract.
 */
export type PagesToFolioEnd = (pfn: number) => number;

/** What every architecture has to say about its tables: sizes, limits and features. Spec 04 section 1. */
export interface Geometry {
  readonly name: string;
  /** log2 of the page size in bytes. */
  readonly pageShift: number;
  /** Lowest level first; only levels that exist. */
  readonly levels: readonly Level[];
  /** Bits of a byte address of one address space (both halves together on x86-64). */
  readonly virtualAddressBits: number;
  /** Bits of a physical byte address. */
  readonly physicalAddressBits: number;
  /** First page number that a program can not map. */
  readonly taskSizePages: number;
  /** First page number that is given out only when asked for by address. */
  readonly mapWindowPages: number;
  /** Whether entries carry soft-dirty marks. */
  readonly hasSoftDirty: boolean;
  /** How many protection keys a page protection can carry. */
  readonly protectionKeys: number;
  /** The key that makes memory executable only (`--x`); 0: the architecture does it otherwise or not at all. */
  readonly executeOnlyKey: number;
  /** Entries of one contiguous block of the lowest level; 1: the architecture has none. */
  readonly contiguousEntries: number;
  /** How the types of non-present entries are shared out. */
  readonly softwareTypes: SoftwareTypes;
}

/**
 * One architecture: the meaning of the words in its tables. Stateless; one instance serves any number of tables.
 *
 * All methods that take `words` and `at` read or write one entry and allocate nothing. They do not check ranges: that
 * is the work of `encodeEntry` (edge API). "Page" methods apply to present entries: pages, and huge leaves above the
 * lowest level. Where the meaning depends on the level, `level` is the index in `levels`.
 *
 * An architecture with contiguous blocks keeps them true by itself: setters of one entry unfold its block first,
 * readers of the accessed and dirty marks gather them over the block, and setting a whole aligned block folds it.
 */
export abstract class Arch implements Geometry {
  readonly name: string;
  /** What the name begins with: decides what is not a matter of page tables. */
  readonly family: 'x86-64' | 'arm64' | 'other';
  readonly pageShift: number;
  /** Bytes of one page, and of one full table. */
  readonly pageSize: number;
  readonly levels: readonly Level[];
  /** Index of the level whose one table is the root. */
  readonly topLevel: number;
  /** Index of the level whose leaves are the huge pages of anonymous memory: always 1, though it may be called pgd. */
  readonly pmdLevel: number = 1;
  /** Index of the level called pud, or 0 when it is folded away. */
  readonly pudLevel: number;
  /** log2 of the pages of a huge leaf. */
  readonly pmdOrder: number;
  /** Pages of a huge leaf. */
  readonly pmdPages: number;
  readonly virtualAddressBits: number;
  readonly physicalAddressBits: number;
  readonly taskSizePages: number;
  readonly mapWindowPages: number;
  readonly hasSoftDirty: boolean;
  readonly protectionKeys: number;
  readonly executeOnlyKey: number;
  readonly contiguousEntries: number;
  readonly softwareTypes: SoftwareTypes;
  /** Whether mremap may move a whole table of the lowest level by its upper entry. */
  readonly canMovePmd: boolean = true;
  /** Whether mremap may move an entry of level pud: only where that level is real. Spec 04 section 1. */
  readonly canMovePud: boolean;
  /** Bits of a frame number. */
  readonly frameBits: number;
  /** Frame number of table id 0: tables live in the upper half of the physical addresses, ids count from there. */
  readonly tableFrameBase: number;

  /** What it says of entries to people. */
  abstract readonly describer: EntryDescriber;

  constructor(geometry: Geometry) {
    const { levels } = geometry;
    this.name = geometry.name;
    this.family = this.name.startsWith('x86-64') ? 'x86-64' : this.name.startsWith('arm64') ? 'arm64' : 'other';
    this.pageShift = geometry.pageShift;
    this.pageSize = 2 ** geometry.pageShift;
    this.levels = levels;
    this.topLevel = levels.length - 1;
    this.pudLevel = Math.max(
      0,
      levels.findIndex((level) => level.name === 'pud'),
    );
    this.pmdOrder = this.level(1).shift;
    this.pmdPages = this.level(1).span;
    this.virtualAddressBits = geometry.virtualAddressBits;
    this.physicalAddressBits = geometry.physicalAddressBits;
    this.taskSizePages = geometry.taskSizePages;
    this.mapWindowPages = geometry.mapWindowPages;
    this.hasSoftDirty = geometry.hasSoftDirty;
    this.protectionKeys = geometry.protectionKeys;
    this.executeOnlyKey = geometry.executeOnlyKey;
    this.contiguousEntries = geometry.contiguousEntries;
    this.softwareTypes = geometry.softwareTypes;
    this.canMovePud = this.pudLevel !== 0;
    this.frameBits = geometry.physicalAddressBits - geometry.pageShift;
    this.tableFrameBase = 2 ** (this.frameBits - 1);
  }

  /** @throws {RangeError} when there is no level `index` */
  level(index: number): Level {
    const level = this.levels[index];
    if (level === undefined) throw new RangeError(`level: ${index} is not one of 0..${this.topLevel} (${this.name})`);
    return level;
  }

  /**
   * The index of a level by its name. With two levels the one above the pte level is called pgd and serves as pmd too.
   *
   * @throws {RangeError} when this architecture has no such level
   */
  levelIndex(name: LevelName): number {
    const index = this.levels.findIndex((level) => level.name === name);
    if (index >= 0) return index;
    if (name === 'pmd') return this.pmdLevel;
    const names = this.levels.map((level) => level.name).join(', ');
    throw new RangeError(`levelName: ${this.name} has no level ${name}; its levels are ${names}`);
  }

  // Kinds.

  /** What the entry is. */
  abstract kindOf(words: EntryWords, at: number, level: number): EntryKind;
  /** Whether the entry is empty. */
  abstract isNone(words: EntryWords, at: number): boolean;
  /** Whether the entry maps a page or huge page, be it without access. (At an upper level: or leads to a table.) */
  abstract isPresent(words: EntryWords, at: number): boolean;
  /** Upper levels: whether the entry leads to a table. */
  isTable(words: EntryWords, at: number): boolean {
    return (words[at]! & this.tableMask) === this.tableBits;
  }

  /** Upper levels: whether the entry maps a huge page. */
  abstract isLeaf(words: EntryWords, at: number): boolean;

  // Table entries.

  /** Bits of the low half that tell a table from all else at an upper level, and their value in one. */
  abstract readonly tableMask: number;
  abstract readonly tableBits: number;

  /**
   * The id of the table that an upper entry leads to: the frame number less `tableFrameBase`. Wherever the frame is in
   * the rest of the word, ids are small, and their bits lie from the page shift up. `PageTables` counts on this rule.
   */
  tableAt(words: EntryWords, at: number): number {
    return (words[at]! >>> this.pageShift) | ((words[at + 1]! & 0xff) << (32 - this.pageShift));
  }

  /** Makes an upper entry lead to table `id`. */
  abstract setTable(words: EntryWords, at: number, id: number): void;

  // Present entries.

  /** The frame number. */
  abstract pfn(words: EntryWords, at: number, level: number): number;
  abstract isWritable(words: EntryWords, at: number): boolean;
  /** Accessed; of a contiguous block: some entry of it. */
  abstract isYoung(words: EntryWords, at: number): boolean;
  /** Modified, by the processor's mark or a software one; of a contiguous block: some entry of it. */
  abstract isDirty(words: EntryWords, at: number): boolean;
  /** Present or not: carries the soft-dirty mark. */
  abstract isSoftDirty(words: EntryWords, at: number): boolean;
  /** Present or not: write-protected by userfaultfd. */
  abstract isUffdWp(words: EntryWords, at: number): boolean;
  abstract isSpecial(words: EntryWords, at: number): boolean;
  /** Whether the entry has the form for no access. */
  abstract isProtNone(words: EntryWords, at: number): boolean;

  /** Maps frame `pfn`; at an upper level, as a huge page. `state` says every mark; none comes from `prot`. */
  abstract setPage(
    words: EntryWords,
    at: number,
    level: number,
    pfn: number,
    prot: PageProtection,
    state: EntryState,
  ): void;
  /** Permits stores. */
  abstract mkWrite(words: EntryWords, at: number): void;
  /** Forbids stores; a dirty mark is kept. */
  abstract wrprotect(words: EntryWords, at: number): void;
  /** Marks modified, as software does: where there is soft-dirty, that too. */
  abstract mkDirty(words: EntryWords, at: number): void;
  /** Takes the modified mark away (not soft-dirty); of a contiguous block from all entries. */
  abstract mkClean(words: EntryWords, at: number): void;
  abstract mkYoung(words: EntryWords, at: number): void;
  /** Takes the accessed mark away; of a contiguous block from all entries. */
  abstract mkOld(words: EntryWords, at: number): void;
  /** Present or not: sets the soft-dirty mark. Nothing where there is none. */
  abstract setSoftDirty(words: EntryWords, at: number): void;
  /** Present or not: takes the soft-dirty mark away. */
  abstract clearSoftDirty(words: EntryWords, at: number): void;
  /** Present or not: marks as protected by userfaultfd. A present entry loses write permission by it. */
  abstract setUffdWp(words: EntryWords, at: number): void;
  /** Present or not: takes the userfaultfd mark away; write permission does not come back by it. */
  abstract clearUffdWp(words: EntryWords, at: number): void;
  /**
   * Changes the protection: keeps frame and marks, drops write permission unless `prot` gives it (`PROT_SHARED` and
   * `PROT_WRITE`), goes to and from the form for no access. Spec 04 section 2.
   */
  abstract modifyProt(words: EntryWords, at: number, level: number, prot: PageProtection): void;
  /**
   * What the processor itself does at an access: the accessed mark, and at a store the modified one. It touches this
   * word only, even in a contiguous block, and no software mark.
   */
  abstract hardwareAccess(words: EntryWords, at: number, store: boolean): void;
  /**
   * What a fault on a present entry does: adds `YOUNG`, `DIRTY`, `WRITABLE` of `state`. A contiguous block stays folded
   * unless the write permission changes.
   */
  abstract setAccessFlags(words: EntryWords, at: number, state: EntryState): void;

  // Entries without a page.

  /**
   * Makes a swap entry; of `state` counts `EXCLUSIVE`, `SOFT_DIRTY` and `UFFD_WP`. Offsets begin at 1: page 0 of a swap
   * device is its header, and offset 0 of type 0 may be the word of no entry at all.
   */
  abstract setSwap(words: EntryWords, at: number, type: number, offset: number, state: EntryState): void;
  /** Software type of a non-present entry, 0..31. */
  abstract swapType(words: EntryWords, at: number): number;
  /** Offset of a non-present entry: 50 bits. */
  abstract swapOffset(words: EntryWords, at: number): number;
  /** Swap entries: whether the page belongs to this process alone. */
  abstract isExclusive(words: EntryWords, at: number): boolean;
  abstract setExclusive(words: EntryWords, at: number): void;
  abstract clearExclusive(words: EntryWords, at: number): void;

  /** The kind of a non-present, non-empty entry with software type `type`. */
  protected kindOfType(type: number): EntryKind {
    const { swapTypes, hardwarePoison, migration, marker } = this.softwareTypes;
    if (type < swapTypes) return EntryKind.Swap;
    if (type === marker) return EntryKind.Marker;
    if (type === hardwarePoison) return EntryKind.HardwarePoison;
    return type < migration + 3 ? EntryKind.Migration : EntryKind.Device;
  }

  /** Makes a migration entry; of `state` counts `YOUNG`, `DIRTY`, `SOFT_DIRTY` and `UFFD_WP`. */
  setMigration(words: EntryWords, at: number, kind: MigrationKind, pfn: number, state: EntryState): void {
    // Accessed and modified marks sit above the frame number in the offset. Spec 04 section 4.
    let offset = pfn;
    if ((state & YOUNG) !== 0) offset += 2 ** this.frameBits;
    if ((state & DIRTY) !== 0) offset += 2 ** (this.frameBits + 1);
    this.setSwap(words, at, this.softwareTypes.migration + kind, offset, state & ~EXCLUSIVE);
  }

  /** Which of the three forms a migration entry has. */
  migrationKind(words: EntryWords, at: number): MigrationKind {
    return (this.swapType(words, at) - this.softwareTypes.migration) as MigrationKind;
  }

  /** The frame that a migration entry stands for. */
  migrationPfn(words: EntryWords, at: number): number {
    return this.swapOffset(words, at) % 2 ** this.frameBits;
  }

  /** Whether the page was accessed when its migration entry was made. */
  migrationYoung(words: EntryWords, at: number): boolean {
    return Math.floor(this.swapOffset(words, at) / 2 ** this.frameBits) % 2 === 1;
  }

  /** Whether the page was modified when its migration entry was made. */
  migrationDirty(words: EntryWords, at: number): boolean {
    return Math.floor(this.swapOffset(words, at) / 2 ** (this.frameBits + 1)) % 2 === 1;
  }

  /** Makes a marker of `MARKER_UFFD_WP`, `MARKER_POISONED`, `MARKER_GUARD`. */
  setMarker(words: EntryWords, at: number, bits: number): void {
    this.setSwap(words, at, this.softwareTypes.marker, bits, 0);
  }

  /** The bits of a marker. */
  markerBits(words: EntryWords, at: number): number {
    return this.swapOffset(words, at);
  }

  // Moving and clearing; several entries at once.

  /** Empties the entry. */
  clear(words: EntryWords, at: number): void {
    words[at] = 0;
    words[at + 1] = 0;
  }

  /** Empties `count` entries; a contiguous block that is cleared in part is unfolded. */
  clearEntries(words: EntryWords, at: number, count: number): void {
    words.fill(0, at, at + 2 * count);
  }

  /** The frame of a small entry that maps a counted page; -1 for anything else: empty, special, not present. */
  countedFrame(words: EntryWords, at: number): number {
    return this.isPresent(words, at) && !this.isSpecial(words, at) ? this.pfn(words, at, 0) : -1;
  }

  /** How many of the `limit` small entries from the one at `at` on are empty, until one is not. */
  emptyEntries(words: EntryWords, at: number, limit: number): number {
    let empty = countZero(words, at, limit);
    // Few are empty and not 0.
    while (empty < limit && this.isNone(words, at + 2 * empty)) {
      empty++;
      empty += countZero(words, at + 2 * empty, limit - empty);
    }
    return empty;
  }

  /**
   * How many of the `limit` small entries from the present one at `at` on are like it but for their frames, which
   * follow one another: memory that was touched in order mostly is.
   */
  straightEntries(words: EntryWords, at: number, limit: number): number {
    return countStraight(words, at, limit, 1 << this.pageShift);
  }

  /**
   * Gives a forked child an entry like the present small one at `at`, not accessed. `protect`: stores are forbidden on
   * both sides, so that the next one copies the page.
   */
  forkEntry(source: EntryWords, at: number, target: EntryWords, targetAt: number, protect: boolean): void {
    if (protect && this.isWritable(source, at)) this.wrprotect(source, at);
    target[targetAt] = source[at]!;
    target[targetAt + 1] = source[at + 1]!;
    this.mkOld(target, targetAt);
  }

  /**
   * Moves one entry of any kind as it is: the source is empty after it. The destination must be empty. Of an upper
   * level only leaves and what stands for them: a table goes by `PageTables.moveTableEntry`.
   */
  moveEntry(source: EntryWords, sourceAt: number, target: EntryWords, targetAt: number): void {
    target[targetAt] = source[sourceAt]!;
    target[targetAt + 1] = source[sourceAt + 1]!;
    source[sourceAt] = 0;
    source[sourceAt + 1] = 0;
  }

  /**
   * Moves `count` entries, each as it is and by itself, with the soft-dirty mark set: those that are not empty. The
   * target must be empty.
   *
   * @returns the present ones times 2^16, plus the others
   */
  moveRun(source: EntryWords, sourceAt: number, target: EntryWords, targetAt: number, count: number): number {
    let present = 0;
    let absent = 0;
    const end = sourceAt + 2 * count;
    for (let at = sourceAt, to = targetAt; at < end; at += 2, to += 2) {
      if (this.isNone(source, at)) continue;
      if (this.isPresent(source, at)) present++;
      else absent++;
      this.moveEntry(source, at, target, to);
      this.setSoftDirty(target, to);
    }
    return (present << 16) | absent;
  }

  /**
   * How many entries from the present one at `at` on (at least 1, at most `limit`) a mover takes in one step: those
   * that map consecutive frames of its folio with the same permissions, if it carries the contiguous hint; else 1.
   * Spec 04 section 7.
   */
  batchLength(_words: EntryWords, _at: number, _limit: number): number {
    return 1;
  }

  /**
   * How many entries from the present one at `at` on (at least 1, at most `limit`) map consecutive frames with the same
   * permissions, whatever their accessed, modified and soft-dirty marks.
   */
  runLength(words: EntryWords, at: number, limit: number): number {
    const pfn = this.pfn(words, at, 0);
    let length = 1;
    while (length < limit) {
      const other = at + 2 * length;
      if (!this.isPresent(words, other) || this.pfn(words, other, 0) !== pfn + length) break;
      if (!this.samePermissions(words, at, other)) break;
      length++;
    }
    return length;
  }

  /** Whether two present entries are equal but for frame and marks. */
  protected abstract samePermissions(words: EntryWords, at: number, other: number): boolean;

  /**
   * Moves `count` pages (as `batchLength` gave them) as one: the accessed and modified marks of all are or-ed together
   * and whole aligned blocks are folded at the destination. Of `drop` counts `UFFD_WP`.
   */
  movePages(
    source: EntryWords,
    sourceAt: number,
    target: EntryWords,
    targetAt: number,
    count: number,
    drop: EntryState,
  ): void {
    for (let i = 0; i < 2 * count; i += 2) {
      this.moveEntry(source, sourceAt + i, target, targetAt + i);
      if ((drop & UFFD_WP) !== 0) this.clearUffdWp(target, targetAt + i);
    }
  }

  /** Maps `count` consecutive frames of one folio from `pfn` on; whole aligned blocks are folded. */
  setPages(words: EntryWords, at: number, count: number, pfn: number, prot: PageProtection, state: EntryState): void {
    for (let i = 0; i < count; i++) this.setPage(words, at + 2 * i, 0, pfn + i, prot, state);
  }

  /**
   * Changes the protection of `count` pages of one run (see `runLength`) as one: their accessed and modified marks are
   * gathered and go to each of them. `add` may have `WRITABLE`, `YOUNG`, `DIRTY` and `UFFD_WP`, `drop` may have
   * `UFFD_WP`; an entry with `UFFD_WP` added is not writable. Whole aligned blocks are folded.
   */
  modifyProtPages(
    words: EntryWords,
    at: number,
    count: number,
    prot: PageProtection,
    add: EntryState,
    drop: EntryState,
  ): void {
    let marks = add;
    for (let entry = at; entry < at + 2 * count; entry += 2) {
      if (this.isYoung(words, entry)) marks |= YOUNG;
      if (this.isDirty(words, entry)) marks |= DIRTY;
      if (this.isSoftDirty(words, entry)) marks |= SOFT_DIRTY;
    }
    for (let entry = at; entry < at + 2 * count; entry += 2) {
      this.modifyProt(words, entry, 0, prot);
      if ((drop & UFFD_WP) !== 0) this.clearUffdWp(words, entry);
      this.#addMarks(words, entry, marks);
    }
  }

  #addMarks(words: EntryWords, at: number, marks: EntryState): void {
    const softDirty = this.isSoftDirty(words, at) || (marks & SOFT_DIRTY) !== 0;
    if ((marks & WRITABLE) !== 0) this.mkWrite(words, at);
    if ((marks & YOUNG) !== 0) this.mkYoung(words, at);
    if ((marks & DIRTY) !== 0 && !this.isDirty(words, at)) {
      this.mkDirty(words, at);
      // Gathering a mark is not a store.
      if (!softDirty) this.clearSoftDirty(words, at);
    }
    if (softDirty) this.setSoftDirty(words, at);
    if ((marks & UFFD_WP) !== 0) this.setUffdWp(words, at);
  }

  /** Forbids stores to `count` pages; a contiguous block stays folded unless only part of it is meant. */
  wrprotectPages(words: EntryWords, at: number, count: number): void {
    for (let i = 0; i < count; i++) this.wrprotect(words, at + 2 * i);
  }

  /** Whether the entry is one of a folded contiguous block. */
  isContiguous(_words: EntryWords, _at: number): boolean {
    return false;
  }

  /** Index of the first entry of the contiguous block that `at` would be in. */
  blockAt(at: number): number {
    return at & ~(2 * this.contiguousEntries - 1);
  }
}
