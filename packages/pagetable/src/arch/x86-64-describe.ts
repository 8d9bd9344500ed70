import type { EntryWords } from '../arch.js';
import type { BitField, EntryDescriber, PageDetails } from '../describe/describer.js';
import { ACCESSED, HARDWARE_DIRTY, NX, PRESENT, PRESENT_FORMS, PSE, SAVED_DIRTY, TABLE, USER } from './x86-64-bits.js';

const HIGH_FIELDS: readonly BitField[] = [
  { name: 'NX', high: 63, low: 63, note: 'may not be executed' },
  { name: 'key', high: 62, low: 59, note: 'protection key' },
  { name: 'SavedDirty', high: 58, low: 58, note: 'modified, kept here while not writable' },
  { name: 'SW4', high: 57, low: 57 },
];

const LOW_FIELDS: readonly BitField[] = [
  { name: 'SoftDirty', high: 11, low: 11 },
  { name: 'Uffd', high: 10, low: 10, note: 'write-protected by userfaultfd' },
  { name: 'Special', high: 9, low: 9, note: 'the page is not counted' },
  { name: 'G', high: 8, low: 8, note: 'global; alone without P: no access' },
];

const STATE_FIELDS: readonly BitField[] = [
  { name: 'D', high: 6, low: 6, note: 'modified' },
  { name: 'A', high: 5, low: 5, note: 'accessed' },
  { name: 'PCD', high: 4, low: 4 },
  { name: 'PWT', high: 3, low: 3 },
  { name: 'US', high: 2, low: 2, note: 'for programs' },
  { name: 'RW', high: 1, low: 1, note: 'may be written' },
  { name: 'P', high: 0, low: 0, note: 'present' },
];

const SOFTWARE_FIELDS: readonly BitField[] = [
  { name: 'type', high: 63, low: 59 },
  { name: 'offset', high: 58, low: 9, note: 'stored complemented' },
  { name: 'Exclusive', high: 3, low: 3 },
  { name: 'Uffd', high: 2, low: 2 },
  { name: 'SoftDirty', high: 1, low: 1 },
];

function pageFields(low: number, level: number): readonly BitField[] {
  const frameLow = 12 + 9 * level;
  const complement = (low & PRESENT) === 0 ? { note: 'stored complemented' } : {};
  return [
    ...HIGH_FIELDS,
    { name: 'PFN', high: 51, low: frameLow, ...complement },
    ...(level === 0 ? [] : [{ name: 'PAT', high: 12, low: 12 }]),
    ...LOW_FIELDS,
    level === 0 ? { name: 'PAT', high: 7, low: 7 } : { name: 'PSE', high: 7, low: 7, note: 'huge page' },
    ...STATE_FIELDS,
  ];
}

const TABLE_FIELDS: readonly BitField[] = [
  { name: 'NX', high: 63, low: 63 },
  { name: 'PFN', high: 51, low: 12, note: 'frame of the table' },
  ...STATE_FIELDS,
];

/** What is said about x86-64 entries. */
export const X8664_DESCRIBER: EntryDescriber = {
  isBadTable(words: EntryWords, at: number): boolean {
    const flags = TABLE & ~(USER | ACCESSED);
    return (words[at]! & 0xfff & ~(USER | ACCESSED)) !== flags || words[at + 1]! >>> 20 !== 0;
  },
  isUserAccessible(words: EntryWords, at: number): boolean {
    return (words[at]! & (PRESENT | USER)) === (PRESENT | USER);
  },
  isAccessible(words: EntryWords, at: number): boolean {
    return (words[at]! & PRESENT) !== 0;
  },
  isExecutable(words: EntryWords, at: number): boolean {
    return (words[at + 1]! & NX) === 0;
  },
  pageDetails(words: EntryWords, at: number, level: number): PageDetails {
    const savedDirty = (words[at + 1]! & SAVED_DIRTY) !== 0;
    return level === 0 ? { exec: X8664_DESCRIBER.isExecutable(words, at), savedDirty } : { savedDirty };
  },
  setPageDetails(words: EntryWords, at: number, _level: number, details: Readonly<Record<string, unknown>>): void {
    if (details['dirty'] !== true) return;
    if (details['savedDirty'] === true) {
      words[at] = words[at]! & ~HARDWARE_DIRTY;
      words[at + 1] = words[at + 1]! | SAVED_DIRTY;
    } else if (details['savedDirty'] === false) {
      words[at] = words[at]! | HARDWARE_DIRTY;
      words[at + 1] = words[at + 1]! & ~SAVED_DIRTY;
    }
  },
  fields(words: EntryWords, at: number, level: number): readonly BitField[] {
    const low = words[at]!;
    if ((low & PRESENT_FORMS) === 0) return SOFTWARE_FIELDS;
    if (level !== 0 && (low & (PRESENT | PSE)) === PRESENT) return TABLE_FIELDS;
    return pageFields(low, level);
  },
};
