export { BuddyAllocator } from './buddy-allocator.js';
export { FrameTable } from './frame-table.js';
export {
  SMALLEST_LARGE_ORDER,
  addEntireMapcount,
  addLargeMappings,
  addLargePins,
  addPagesMapped,
  entireMapcount,
  largeMapcount,
  largePins,
  mmSlots,
  pagesMapped,
  removeLargeMappings,
  resetLargeFolio,
} from './large-folio.js';
export { type FileKind, MappedFile, type MappedFileOptions } from './mapped-file.js';
export {
  PG_ANON,
  PG_DIRTY,
  PG_EXCLUSIVE,
  PG_FREE,
  PG_HEAD,
  PG_KEPT_FROM_HEAD,
  PG_KEPT_PER_PAGE,
  PG_KSM,
  PG_LOCKED,
  PG_MAYBE_SHARED,
  PG_PARTIALLY_MAPPED,
  PG_RESERVED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TAIL,
} from './page-flags.js';
export { type MemoryOptions, PIN_BIAS, PhysicalMemory } from './physical-memory.js';
export { SwapSpace } from './swap-space.js';
