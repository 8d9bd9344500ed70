export * from './anon-vma.js';
export * from './anon-vma-operations.js';
