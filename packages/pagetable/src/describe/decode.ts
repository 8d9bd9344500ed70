import type { Arch, EntryWords } from '../arch.js';
import { EntryKind, MARKER_GUARD, MARKER_POISONED, MARKER_UFFD_WP, MigrationKind } from '../entry.js';
import type { LevelName } from '../geometry.js';
import type { PageDetails } from './describer.js';
import { formatWord, readWord, writeWord } from './word.js';

/** An upper entry that leads to a table. At the root only `table` and `pfn` are said; `present`, `huge` at the pmd. */
export interface DecodedTable {
  readonly table: true;
  readonly bad?: boolean;
  readonly present?: true;
  readonly huge?: false;
  /** Frame of the table. */
  readonly pfn: number;
}

/**
 * A present entry: what every architecture says of it, and the details of its own (`EntryDescriber.pageDetails`).
 * The keys are explained in golden/FORMAT.md.
 */
export interface DecodedPage {
  readonly present: true;
  readonly huge?: true;
  readonly transHuge?: true;
  readonly writable: boolean;
  readonly young: boolean;
  readonly dirty: boolean;
  readonly softDirty: boolean;
  readonly userNoAccess: boolean;
  readonly userAccessible: boolean;
  readonly accessible?: boolean;
  readonly special: boolean;
  readonly uffdWp: boolean;
  readonly zero: boolean;
  readonly pfn: number;
  /** An entry with the contiguous hint: its word with the marks of the whole block, where that is another. */
  readonly gathered?: string;
  readonly gatheredYoung?: boolean;
  readonly gatheredDirty?: boolean;
  readonly [detail: string]: boolean | number | string | undefined;
}

/** What a non-present entry stands for. */
export type SoftwareKind =
  'swap' | 'migration' | 'guard' | 'uffdWpMarker' | 'poisonMarker' | 'marker' | 'hardwarePoison' | 'device';

/** A non-present entry that stands for something. */
export interface DecodedSoftware {
  readonly present: false;
  readonly kind: SoftwareKind;
  readonly swapType: number;
  readonly swapOffset: number;
  readonly marker?: number;
  readonly migrationWrite?: boolean;
  readonly migrationReadExclusive?: boolean;
  readonly migrationRead?: boolean;
  readonly migrationYoung?: boolean;
  readonly migrationDirty?: boolean;
  readonly pfn?: number;
  /** Lowest level only. */
  readonly exclusive?: boolean;
  readonly softDirty: boolean;
  readonly uffdWp: boolean;
}

/** An empty entry. */
export interface DecodedNone {
  readonly present: false;
  readonly kind: 'none';
}

/** What one word says, in the keys of the golden recordings (golden/FORMAT.md, "Raw words"). */
export type DecodedWord = DecodedTable | DecodedPage | DecodedSoftware | DecodedNone;

/** What is known about a word beside itself. */
export interface WordContext {
  /** The words of the contiguous block that this one is in, in order: to gather the marks over. */
  readonly block?: readonly bigint[];
}

/**
 * Says what one word of a page table means, in exactly the keys and the order of the golden `words-*` files.
 *
 * @throws {RangeError} when the architecture has no level of that name, or the word has more than 64 bits
 */
export function decodeWord(arch: Arch, levelName: LevelName, word: bigint, context: WordContext = {}): DecodedWord {
  const level = arch.levelIndex(levelName);
  // Room for a whole contiguous block of which only this entry is there: its marks are then its own.
  const words = new Int32Array(2 * arch.contiguousEntries);
  writeWord(words, 0, word);
  const decoded = decodeEntry(arch, words, 0, level);
  if (context.block === undefined || !('contiguous' in decoded) || decoded['contiguous'] !== true) return decoded;
  return { ...decoded, ...gatherOver(arch, word, context.block) };
}

/** Like `decodeWord`, of the entry at `at`; the marks of a contiguous entry are those of its block. */
export function decodeEntry(arch: Arch, words: EntryWords, at: number, level: number): DecodedWord {
  switch (arch.kindOf(words, at, level)) {
    case EntryKind.None:
      return { present: false, kind: 'none' };
    case EntryKind.Table:
      return decodeTable(arch, words, at, level);
    case EntryKind.Page:
      return decodePage(arch, words, at, level);
    default:
      return decodeSoftware(arch, words, at, level);
  }
}

function decodeTable(arch: Arch, words: EntryWords, at: number, level: number): DecodedTable {
  const pfn = arch.pfn(words, at, 0);
  const bad = arch.describer.isBadTable(words, at);
  if (level === arch.pmdLevel) return { table: true, bad, present: true, huge: false, pfn };
  return level === arch.topLevel ? { table: true, pfn } : { table: true, bad, pfn };
}

function decodePage(arch: Arch, words: EntryWords, at: number, level: number): DecodedPage {
  const { describer } = arch;
  const special = arch.isSpecial(words, at);
  const details: PageDetails = describer.pageDetails(words, at, level);
  return {
    present: true,
    ...hugeKeys(arch, level),
    writable: arch.isWritable(words, at),
    young: arch.isYoung(words, at),
    dirty: arch.isDirty(words, at),
    softDirty: arch.isSoftDirty(words, at),
    userNoAccess: arch.isProtNone(words, at),
    userAccessible: describer.isUserAccessible(words, at),
    ...(level === 0 ? { accessible: describer.isAccessible(words, at) } : {}),
    special,
    uffdWp: arch.isUffdWp(words, at),
    ...details,
    // Of anonymous memory only the zero pages are special.
    zero: special,
    pfn: arch.pfn(words, at, level),
  };
}

function hugeKeys(arch: Arch, level: number): { readonly huge?: true; readonly transHuge?: true } {
  if (level === 0) return {};
  return level === arch.pmdLevel ? { huge: true, transHuge: true } : { huge: true };
}

function decodeSoftware(arch: Arch, words: EntryWords, at: number, level: number): DecodedSoftware {
  const swapType = arch.swapType(words, at);
  const swapOffset = arch.swapOffset(words, at);
  const kind = arch.kindOf(words, at, level);
  const marks = {
    ...(level === 0 ? { exclusive: arch.isExclusive(words, at) } : {}),
    softDirty: arch.isSoftDirty(words, at),
    uffdWp: arch.isUffdWp(words, at),
  };
  if (kind === EntryKind.Migration) {
    const form = arch.migrationKind(words, at);
    return {
      present: false,
      kind: 'migration',
      swapType,
      swapOffset,
      migrationWrite: form === MigrationKind.Write,
      migrationReadExclusive: form === MigrationKind.ReadExclusive,
      migrationRead: form === MigrationKind.Read,
      migrationYoung: arch.migrationYoung(words, at),
      migrationDirty: arch.migrationDirty(words, at),
      pfn: arch.migrationPfn(words, at),
      ...marks,
    };
  }
  if (kind === EntryKind.Marker) {
    return { present: false, kind: markerKind(swapOffset), swapType, swapOffset, marker: swapOffset, ...marks };
  }
  return { present: false, kind: softwareKind(kind), swapType, swapOffset, ...marks };
}

function softwareKind(kind: EntryKind): SoftwareKind {
  if (kind === EntryKind.HardwarePoison) return 'hardwarePoison';
  return kind === EntryKind.Device ? 'device' : 'swap';
}

function markerKind(bits: number): SoftwareKind {
  if ((bits & MARKER_GUARD) !== 0) return 'guard';
  if ((bits & MARKER_POISONED) !== 0) return 'poisonMarker';
  return (bits & MARKER_UFFD_WP) !== 0 ? 'uffdWpMarker' : 'marker';
}

/** The keys for the word with the marks of its block, if that is another word. */
function gatherOver(arch: Arch, word: bigint, block: readonly bigint[]): Partial<DecodedPage> {
  if (block.length !== arch.contiguousEntries) {
    throw new RangeError(`block: ${block.length} words, not the ${arch.contiguousEntries} of a contiguous block`);
  }
  const words = new Int32Array(2 * block.length);
  block.forEach((entry, index) => writeWord(words, 2 * index, entry));
  const young = arch.isYoung(words, 0);
  const dirty = arch.isDirty(words, 0);
  const own = new Int32Array(2 * block.length);
  writeWord(own, 0, word);
  arch.describer.setPageDetails(own, 0, 0, { gatheredYoung: young, gatheredDirty: dirty });
  const gathered = readWord(own, 0);
  if (gathered === word) return {};
  return { gathered: formatWord(gathered), gatheredYoung: young, gatheredDirty: dirty };
}
