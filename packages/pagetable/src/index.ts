export * from './arch.js';
export * from './arch/x86-64.js';
export * from './entry.js';
export * from './geometry.js';
export * from './page-tables.js';
export * from './software-types.js';
export * from './table-pool.js';
export * from './tlb.js';
