import type { EntryWords } from '../arch.js';
import type { BitField, EntryDescriber, PageDetails } from '../describe/describer.js';
import {
  CONTIGUOUS,
  PRESENT_INVALID,
  READ_ONLY,
  SOFTWARE_DIRTY,
  TYPE_MASK,
  USER,
  UXN,
  VALID,
  WRITE,
} from './arm64-bits.js';
import { GATHERED_DIRTY, GATHERED_YOUNG, markedHigh, markedLow } from './arm64-contiguous.js';

const SOFTWARE_FIELDS: readonly BitField[] = [
  { name: 'offset', high: 61, low: 12 },
  { name: 'invalid', high: 11, low: 11, note: 'clear: maps no page' },
  { name: 'type', high: 10, low: 6 },
  { name: 'Uffd', high: 3, low: 3 },
  { name: 'Exclusive', high: 2, low: 2 },
  { name: 'valid', high: 0, low: 0 },
];

const HIGH_FIELDS: readonly BitField[] = [
  { name: 'POIndex', high: 62, low: 60, note: 'permission overlay (protection key)' },
  { name: 'Uffd', high: 58, low: 58, note: 'write-protected by userfaultfd' },
  { name: 'Special', high: 56, low: 56, note: 'the page is not counted' },
  { name: 'Dirty', high: 55, low: 55, note: 'modified, as software keeps it' },
  { name: 'UXN', high: 54, low: 54, note: 'programs may not execute it' },
  { name: 'PXN', high: 53, low: 53, note: 'the kernel may not execute it' },
  { name: 'Contiguous', high: 52, low: 52, note: 'one of an aligned block' },
  { name: 'DBM', high: 51, low: 51, note: 'may be written' },
  { name: 'GP', high: 50, low: 50 },
];

const LOW_FIELDS: readonly BitField[] = [
  { name: 'nG', high: 11, low: 11, note: 'not global; without valid: maps a page, no access' },
  { name: 'AF', high: 10, low: 10, note: 'accessed' },
];

const ACCESS_FIELDS: readonly BitField[] = [
  { name: 'AP[2]', high: 7, low: 7, note: 'read-only for now; with DBM the first store clears it' },
  { name: 'AP[1]', high: 6, low: 6, note: 'for programs' },
  { name: 'AttrIndx', high: 4, low: 2, note: '0 is normal memory' },
  { name: 'type', high: 1, low: 1, note: 'page or table; clear in a block' },
  { name: 'valid', high: 0, low: 0 },
];

/** Where the address is: as one, or with its top bits in a spare place of the low half. */
function frameFields(pageShift: number, physicalAddressBits: number): readonly BitField[] {
  if (physicalAddressBits === 48) return [{ name: 'PFN', high: 47, low: pageShift }];
  if (pageShift !== 16) return [{ name: 'PFN', high: 49, low: pageShift }];
  return [
    { name: 'PFN', high: 47, low: 16 },
    { name: 'PA[51:48]', high: 15, low: 12 },
  ];
}

/** What is said about arm64 entries of one page size and address layout. */
export function arm64Describer(pageShift: number, physicalAddressBits: number): EntryDescriber {
  const lpa2 = physicalAddressBits === 52 && pageShift !== 16;
  const shareability: BitField = lpa2
    ? { name: 'PA[51:50]', high: 9, low: 8 }
    : { name: 'SH', high: 9, low: 8, note: '3 is inner shareable' };
  const frame = frameFields(pageShift, physicalAddressBits);
  // Only the top field of the address can be above the nG bit and so out of order.
  const pageFields = [...HIGH_FIELDS, ...frame, ...LOW_FIELDS, shareability, ...ACCESS_FIELDS];
  const tableFields: readonly BitField[] = [
    { name: 'PXNTable', high: 59, low: 59, note: 'the kernel may execute nothing below' },
    ...frame,
    { name: 'AF', high: 10, low: 10 },
    ...(lpa2 ? [shareability] : []),
    { name: 'type', high: 1, low: 1, note: 'table' },
    { name: 'valid', high: 0, low: 0 },
  ];
  return {
    isBadTable: (words, at) => (words[at]! & TYPE_MASK) !== TYPE_MASK,
    isUserAccessible: (words, at) => (words[at]! & (VALID | USER)) === (VALID | USER),
    isAccessible: (words, at) => (words[at]! & VALID) !== 0,
    isExecutable: (words, at) => (words[at + 1]! & UXN) === 0,
    pageDetails,
    setPageDetails,
    fields: (words, at, level) => {
      const low = words[at]!;
      if ((low & (VALID | PRESENT_INVALID)) === 0) return SOFTWARE_FIELDS;
      return level !== 0 && (low & TYPE_MASK) === TYPE_MASK ? tableFields : pageFields;
    },
  };
}

function pageDetails(words: EntryWords, at: number): PageDetails {
  const low = words[at]!;
  const high = words[at + 1]!;
  const readOnly = (low & READ_ONLY) !== 0;
  return {
    contiguous: (high & CONTIGUOUS) !== 0,
    valid: (low & VALID) !== 0,
    readOnly,
    user: (low & USER) !== 0,
    userExec: (high & UXN) === 0,
    hwDirty: (high & WRITE) !== 0 && !readOnly,
    swDirty: (high & SOFTWARE_DIRTY) !== 0,
  };
}

function setPageDetails(
  words: EntryWords,
  at: number,
  _level: number,
  details: Readonly<Record<string, unknown>>,
): void {
  setBit(words, at + 1, CONTIGUOUS, details['contiguous']);
  setBit(words, at, READ_ONLY, details['readOnly']);
  setBit(words, at + 1, SOFTWARE_DIRTY, details['swDirty']);
  const young = details['gatheredYoung'] === true ? GATHERED_YOUNG : 0;
  const marks = young | (details['gatheredDirty'] === true ? GATHERED_DIRTY : 0);
  words[at + 1] = markedHigh(words[at + 1]!, marks);
  words[at] = markedLow(words[at]!, words[at + 1]!, marks);
}

function setBit(words: EntryWords, index: number, bit: number, value: unknown): void {
  if (typeof value === 'boolean') words[index] = value ? words[index]! | bit : words[index]! & ~bit;
}
