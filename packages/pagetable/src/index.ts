export { Arch, type EntryWords, type Geometry, type PagesToFolioEnd } from './arch.js';
export { type Arm64Options, type Granule } from './arch/arm64-geometry.js';
export { Arm64 } from './arch/arm64.js';
export { X8664, type X8664Options } from './arch/x86-64.js';
export {
  type DecodedNone,
  type DecodedPage,
  type DecodedSoftware,
  type DecodedTable,
  type DecodedWord,
  decodeEntry,
  decodeWord,
  type SoftwareKind,
  type WordContext,
} from './describe/decode.js';
export { type BitField, type EntryDescriber, type PageDetails } from './describe/describer.js';
export {
  type DumpedLevel,
  type DumpedRun,
  dumpTables,
  type PageRange,
  renderDump,
  renderWhat,
  type TableDump,
} from './describe/dump.js';
export { encodeWord, SWAP_OFFSET_BITS } from './describe/encode.js';
export { renderFields, type WordField, wordFields } from './describe/fields.js';
export { parseProtection } from './describe/protection.js';
export { formatWord, parseWord, readWord, writeWord } from './describe/word.js';
export {
  DIRTY,
  EntryKind,
  type EntryState,
  EXCLUSIVE,
  MARKER_GUARD,
  MARKER_POISONED,
  MARKER_UFFD_WP,
  MigrationKind,
  type PageProtection,
  PROT_EXEC,
  PROT_KEY_SHIFT,
  PROT_READ,
  PROT_SHARED,
  PROT_WRITE,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from './entry.js';
export { type Level, type LevelName, makeLevels } from './geometry.js';
export { moveEntries, MoveTally } from './move.js';
export { PageTables } from './page-tables.js';
export {
  archByName,
  type ArchFamily,
  archNameOf,
  archNames,
  type ArchOptions,
  createArch,
  type RecordedMachine,
  registerArchFamily,
} from './registry.js';
export { SOFTWARE_TYPES, type SoftwareTypeOptions, type SoftwareTypes, softwareTypes } from './software-types.js';
export { TablePool } from './table-pool.js';
export { TlbCounters } from './tlb.js';
