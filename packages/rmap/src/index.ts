export * from './anon-vma.js';
export * from './anon-vma-operations.js';
export * from './folio-rmap.js';
export * from './rmap-walk.js';
