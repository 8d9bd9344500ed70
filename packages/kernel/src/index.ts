export { composeKernel } from './compose.js';
export { type FoundVma, importVma } from './import-vma.js';
export { type FileOptions, Kernel, createKernel, createKernelFrom, isError } from './kernel.js';
export type { KernelOptions } from './options.js';
export { type AccessOptions, type FileMapping, Process } from './process.js';
export * from './tokens.js';
export { type Container, type Token, bind, get, token } from './token.js';
