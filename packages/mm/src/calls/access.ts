import type { Mm } from '../mm.js';
import type { Vma } from '@vmakit/vma-merge';
import { type AccessResult, permits, touch as touchPages } from '../pages/access.js';
import { FAULT_READ, FAULT_SIGSEGV, FAULT_WRITE } from '../pages/fault-result.js';
import { handleFault } from '../pages/fault.js';
import { expandStack } from './stack.js';

/** How pages are accessed. */
export interface TouchOptions {
  /** Access every `stride`-th page (1). */
  readonly stride?: number;
  /** Store, or only load (store). */
  readonly write?: boolean;
  /** The byte that is stored (1). */
  readonly value?: number;
}

/**
 * A program accesses the first byte of every `stride`-th of `pages` pages from page `start` on, in turn, up to the
 * first access that fails. An access right below a stack-like mapping makes it grow.
 */
export function touch(mm: Mm, start: number, pages: number, options: TouchOptions = {}): AccessResult {
  const { stride = 1, write = true, value = 1 } = options;
  if (!Number.isInteger(stride) || stride < 1) throw new RangeError(`stride: ${stride} is not a positive integer`);
  return touchPages(mm, start, pages, stride, write, value, growStack);
}

/**
 * A page fault at `page` as the processor reports it: finds the VMA, lets a stack grow, checks the access, and handles
 * it. Gives one of the `FAULT_…` results.
 */
export function pageFault(mm: Mm, page: number, write: boolean): number {
  const vma = mm.tree.find(page);
  if (vma === null || (vma.start > page && !growStack(mm, vma, page))) return FAULT_SIGSEGV;
  if (!permits(vma.flags, write)) return FAULT_SIGSEGV;
  return handleFault(mm, vma, page, write ? FAULT_WRITE : FAULT_READ);
}

function growStack(mm: Mm, vma: Vma, page: number): boolean {
  return expandStack(mm, vma, page) === null;
}
