export * from './flags.js';
export * from './large-folio-point.js';
export { type RelocateAnonOptions, relocateAnon } from './relocate-anon.js';
export { RELOCATION_COUNTERS, Relocation, type RelocationCounter } from './relocation.js';
export * from './repairs.js';
