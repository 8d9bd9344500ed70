import { Arch, type EntryWords } from '../arch.js';
import type { BitField, EntryDescriber, PageDetails } from '../describe/describer.js';
import {
  DIRTY,
  EXCLUSIVE,
  EntryKind,
  type EntryState,
  type PageProtection,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import { makeLevels } from '../geometry.js';
import { softwareTypes } from '../software-types.js';

/**
 * An architecture for tests: two levels of 8 entries, 64 pages in all, no trick anywhere. It has what no real one has
 * at once: soft-dirty marks, a root that is the pmd level, and tables so small that all of it can be looked at.
 *
 * The low half has kind, state and protection as they are; the high half has the frame or the offset (type on top).
 */
const KIND_MASK = 7;
const STATE_SHIFT = 3;
const PROT_SHIFT = 10;
const PROT_MASK = 255 << PROT_SHIFT;
const ACCESS_MASK = 7 << PROT_SHIFT;
const LEVEL_SHIFT = 18;
const TYPE_SHIFT = 20;
const PAGE_SHIFT = 6;

const FIELDS: readonly BitField[] = [
  { name: 'value', high: 63, low: 32 },
  { name: 'type', high: 24, low: TYPE_SHIFT },
  { name: 'prot', high: 17, low: PROT_SHIFT },
  { name: 'state', high: 9, low: STATE_SHIFT },
  { name: 'kind', high: 2, low: 0 },
];

const DESCRIBER: EntryDescriber = {
  isBadTable: () => false,
  isUserAccessible: (words, at) => (words[at]! & ACCESS_MASK) !== 0,
  isAccessible: (words, at) => (words[at]! & ACCESS_MASK) !== 0,
  isExecutable: () => false,
  pageDetails: (): PageDetails => ({}),
  setPageDetails: () => {},
  fields: () => FIELDS,
};

export class TwoLevelArch extends Arch {
  override readonly describer: EntryDescriber = DESCRIBER;
  override readonly tableMask: number = KIND_MASK;
  override readonly tableBits: number = EntryKind.Table;

  constructor() {
    super({
      name: 'two-level',
      pageShift: PAGE_SHIFT,
      levels: makeLevels(6, 3),
      virtualAddressBits: 6 + PAGE_SHIFT,
      physicalAddressBits: 20 + PAGE_SHIFT,
      taskSizePages: 64,
      mapWindowPages: 64,
      hasSoftDirty: true,
      protectionKeys: 16,
      executeOnlyKey: 0,
      contiguousEntries: 1,
      softwareTypes: softwareTypes(),
    });
  }

  override kindOf(words: EntryWords, at: number, _level: number): EntryKind {
    return (words[at]! & KIND_MASK) as EntryKind;
  }

  override isNone(words: EntryWords, at: number): boolean {
    return words[at] === 0;
  }

  override isPresent(words: EntryWords, at: number): boolean {
    const kind = words[at]! & KIND_MASK;
    return kind === EntryKind.Page || kind === EntryKind.Table;
  }

  override isLeaf(words: EntryWords, at: number): boolean {
    return (words[at]! & KIND_MASK) === EntryKind.Page;
  }

  override setTable(words: EntryWords, at: number, id: number): void {
    words[at] = EntryKind.Table | (id << PAGE_SHIFT);
    words[at + 1] = id >>> (32 - PAGE_SHIFT);
  }

  override pfn(words: EntryWords, at: number, _level: number): number {
    return words[at + 1]!;
  }

  override isWritable(words: EntryWords, at: number): boolean {
    return this.#has(words, at, WRITABLE);
  }

  override isYoung(words: EntryWords, at: number): boolean {
    return this.#has(words, at, YOUNG);
  }

  override isDirty(words: EntryWords, at: number): boolean {
    return this.#has(words, at, DIRTY);
  }

  override isSoftDirty(words: EntryWords, at: number): boolean {
    return this.#has(words, at, SOFT_DIRTY);
  }

  override isUffdWp(words: EntryWords, at: number): boolean {
    return this.#has(words, at, UFFD_WP);
  }

  override isSpecial(words: EntryWords, at: number): boolean {
    return this.#has(words, at, SPECIAL);
  }

  override isProtNone(words: EntryWords, at: number): boolean {
    return (words[at]! & ACCESS_MASK) === 0;
  }

  override setPage(
    words: EntryWords,
    at: number,
    level: number,
    pfn: number,
    prot: PageProtection,
    state: EntryState,
  ): void {
    words[at] = EntryKind.Page | (state << STATE_SHIFT) | (prot << PROT_SHIFT) | (level << LEVEL_SHIFT);
    words[at + 1] = pfn;
  }

  override mkWrite(words: EntryWords, at: number): void {
    this.#add(words, at, WRITABLE);
  }

  override wrprotect(words: EntryWords, at: number): void {
    this.#drop(words, at, WRITABLE);
  }

  override mkDirty(words: EntryWords, at: number): void {
    this.#add(words, at, DIRTY | SOFT_DIRTY);
  }

  override mkClean(words: EntryWords, at: number): void {
    this.#drop(words, at, DIRTY);
  }

  override mkYoung(words: EntryWords, at: number): void {
    this.#add(words, at, YOUNG);
  }

  override mkOld(words: EntryWords, at: number): void {
    this.#drop(words, at, YOUNG);
  }

  override setSoftDirty(words: EntryWords, at: number): void {
    this.#add(words, at, SOFT_DIRTY);
  }

  override clearSoftDirty(words: EntryWords, at: number): void {
    this.#drop(words, at, SOFT_DIRTY);
  }

  override setUffdWp(words: EntryWords, at: number): void {
    this.#add(words, at, UFFD_WP);
    if (this.isPresent(words, at)) this.wrprotect(words, at);
  }

  override clearUffdWp(words: EntryWords, at: number): void {
    this.#drop(words, at, UFFD_WP);
  }

  override modifyProt(words: EntryWords, at: number, _level: number, prot: PageProtection): void {
    words[at] = (words[at]! & ~PROT_MASK) | (prot << PROT_SHIFT);
    this.wrprotect(words, at);
  }

  override hardwareAccess(words: EntryWords, at: number, store: boolean): void {
    this.#add(words, at, store ? YOUNG | DIRTY : YOUNG);
  }

  override setAccessFlags(words: EntryWords, at: number, state: EntryState): void {
    this.#add(words, at, state & (WRITABLE | YOUNG | DIRTY));
  }

  override setSwap(words: EntryWords, at: number, type: number, offset: number, state: EntryState): void {
    words[at] = this.kindOfType(type) | (state << STATE_SHIFT) | (type << TYPE_SHIFT);
    words[at + 1] = offset;
  }

  override swapType(words: EntryWords, at: number): number {
    return words[at]! >>> TYPE_SHIFT;
  }

  override swapOffset(words: EntryWords, at: number): number {
    return words[at + 1]!;
  }

  override isExclusive(words: EntryWords, at: number): boolean {
    return this.#has(words, at, EXCLUSIVE);
  }

  override setExclusive(words: EntryWords, at: number): void {
    this.#add(words, at, EXCLUSIVE);
  }

  override clearExclusive(words: EntryWords, at: number): void {
    this.#drop(words, at, EXCLUSIVE);
  }

  protected override samePermissions(words: EntryWords, at: number, other: number): boolean {
    const mask = PROT_MASK | ((WRITABLE | UFFD_WP | SPECIAL) << STATE_SHIFT);
    return ((words[at]! ^ words[other]!) & mask) === 0;
  }

  #has(words: EntryWords, at: number, state: EntryState): boolean {
    return (words[at]! & (state << STATE_SHIFT)) !== 0;
  }

  #add(words: EntryWords, at: number, state: EntryState): void {
    words[at] = words[at]! | (state << STATE_SHIFT);
  }

  #drop(words: EntryWords, at: number, state: EntryState): void {
    words[at] = words[at]! & ~(state << STATE_SHIFT);
  }
}
