import type { Kernel } from '@vmakit/kernel';
import type { Mm, MmEnvironment } from '@vmakit/mm';
import type { ViolationList } from '../violation.js';
import type { Census } from './census.js';

/** What every check is given. */
export interface Subject {
  readonly kernel: Kernel;
  readonly env: MmEnvironment;
  /** The living address spaces, each once. */
  readonly mms: readonly Mm[];
  readonly census: Census;
  readonly violations: ViolationList;
}

/** The living address spaces of a kernel, each once whatever the number of processes in it. */
export function addressSpaces(kernel: Kernel): Mm[] {
  const mms = new Set<Mm>();
  for (const process of kernel.processes.values()) mms.add(process.mm);
  return [...mms];
}
