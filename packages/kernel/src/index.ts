export { composeKernel } from './compose.js';
export { type FoundVma, importVma } from './import-vma.js';
export { type FileOptions, Kernel, createKernel, createKernelFrom, isError } from './kernel.js';
export type { KernelOptions } from './options.js';
export type { FileMapping, TouchOptions } from '@vmakit/mm';
export { Process } from './process.js';
export {
  ANON_VMAS,
  ARCH,
  BUS,
  ENVIRONMENT,
  INJECTOR,
  LOCKS,
  MEMORY,
  POLICIES,
  PROFILE,
  SWAP,
  TABLE_POOL,
  TLB,
} from './tokens.js';
export { type Container, type Token, bind, get, token } from './token.js';
