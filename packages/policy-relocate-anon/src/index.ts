export { MREMAP_MUST_RELOCATE_ANON, MREMAP_RELOCATE_ANON } from './flags.js';
export { LARGE_FOLIO, type LargeFolioHandler, type LargeFolioRules } from './large-folio-point.js';
export { type RelocateAnonOptions, relocateAnon } from './relocate-anon.js';
export { RELOCATION_COUNTERS, Relocation, type RelocationCounter } from './relocation.js';
export { REPAIRS, REPAIR_NAMES, type Repair, type RepairSet, VARIANTS, type Variant, repairSet } from './repairs.js';
