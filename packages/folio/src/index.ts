export * from './buddy-allocator.js';
export * from './frame-table.js';
export * from './large-folio.js';
export * from './mapped-file.js';
export * from './page-flags.js';
export * from './physical-memory.js';
export * from './swap-space.js';
