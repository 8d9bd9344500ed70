import type { Arch, EntryWords } from '../arch.js';
import {
  DIRTY,
  EXCLUSIVE,
  type EntryState,
  MigrationKind,
  PROT_EXEC,
  PROT_KEY_SHIFT,
  PROT_READ,
  type PageProtection,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '../entry.js';
import type { LevelName } from '../geometry.js';
import { SOFTWARE_TYPES } from '../software-types.js';
import type { DecodedPage, DecodedSoftware, DecodedTable, DecodedWord } from './decode.js';
import { readWord } from './word.js';

/** Bits of the offset of a non-present entry, on every architecture here. */
export const SWAP_OFFSET_BITS = 50;
/** Greatest set of marker bits: write-protected, poisoned, guard. */
const MARKER_MASK = 7;

/**
 * Makes the word that `what` describes: the inverse of `decodeWord`.
 *
 * A description does not say everything: the protection key, and at x86-64 upper levels whether the page may be
 * executed, come from `prot`, the page protection of the mapping. Nothing else of it counts.
 *
 * @throws {RangeError} when a field does not fit; the message names field and limit
 */
export function encodeWord(
  arch: Arch,
  levelName: LevelName,
  what: DecodedWord,
  prot: PageProtection = PROT_READ,
): bigint {
  const level = arch.levelIndex(levelName);
  const words = new Int32Array(2 * arch.contiguousEntries);
  if ('table' in what) encodeTable(arch, words, level, what as DecodedTable);
  else if (what.present) encodePage(arch, words, level, what as DecodedPage, prot);
  else if (what.kind !== 'none') encodeSoftware(arch, words, level, what as DecodedSoftware);
  return readWord(words, 0);
}

function encodeTable(arch: Arch, words: EntryWords, level: number, what: DecodedTable): void {
  if (level === 0) throw new RangeError('table: an entry of the lowest level (pte) leads to no table');
  checkFrame(arch, 0, what.pfn);
  arch.setTable(words, 0, what.pfn - arch.tableFrameBase);
}

function encodePage(arch: Arch, words: EntryWords, level: number, what: DecodedPage, prot: PageProtection): void {
  checkFrame(arch, level, what.pfn);
  checkRange('protectionKey', prot >> PROT_KEY_SHIFT, arch.protectionKeys);
  const exec = what['exec'] ?? what['userExec'] ?? (prot & PROT_EXEC) !== 0;
  const access = what.userNoAccess ? 0 : PROT_READ | (exec === true ? PROT_EXEC : 0);
  const state =
    (what.writable ? WRITABLE : 0) |
    (what.young ? YOUNG : 0) |
    (what.dirty ? DIRTY : 0) |
    (what.softDirty ? SOFT_DIRTY : 0) |
    (what.uffdWp ? UFFD_WP : 0) |
    (what.special ? SPECIAL : 0);
  arch.setPage(words, 0, level, what.pfn, access | ((prot >> PROT_KEY_SHIFT) << PROT_KEY_SHIFT), state);
  const { gatheredYoung: _young, gatheredDirty: _dirty, ...details } = what;
  arch.describer.setPageDetails(words, 0, level, details);
}

function encodeSoftware(arch: Arch, words: EntryWords, level: number, what: DecodedSoftware): void {
  const state: EntryState =
    (what.softDirty ? SOFT_DIRTY : 0) | (what.uffdWp ? UFFD_WP : 0) | (what.exclusive === true ? EXCLUSIVE : 0);
  if (what.kind === 'migration' && what.pfn !== undefined) {
    checkFrame(arch, level, what.pfn);
    const marks = (what.migrationYoung === true ? YOUNG : 0) | (what.migrationDirty === true ? DIRTY : 0);
    arch.setMigration(words, 0, migrationForm(what), what.pfn, state | marks);
    return;
  }
  if (what.marker !== undefined) checkRange('marker', what.marker, MARKER_MASK + 1);
  checkRange('swapType', what.swapType, what.kind === 'swap' ? arch.softwareTypes.swapTypes : SOFTWARE_TYPES);
  checkRange('swapOffset', what.swapOffset, 2 ** SWAP_OFFSET_BITS);
  arch.setSwap(words, 0, what.swapType, what.swapOffset, state);
  // Page 0 of a swap device is its header: where offsets are stored as they are, its word would be that of no entry.
  if (arch.isNone(words, 0))
    throw new RangeError('swapOffset: 0 of type 0 without marks is no entry; offsets begin at 1');
}

function migrationForm(what: DecodedSoftware): MigrationKind {
  if (what.migrationWrite === true) return MigrationKind.Write;
  return what.migrationReadExclusive === true ? MigrationKind.ReadExclusive : MigrationKind.Read;
}

function checkRange(field: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= limit) {
    throw new RangeError(`${field}: ${value} is not an integer in 0..${limit - 1}`);
  }
}

function checkFrame(arch: Arch, level: number, pfn: number): void {
  checkRange('pfn', pfn, 2 ** arch.frameBits);
  const { span } = arch.level(level);
  if (pfn % span !== 0) throw new RangeError(`pfn: ${pfn} is not a multiple of the ${span} pages of the entry`);
}
