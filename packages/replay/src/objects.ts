import { chainOf } from '@vmakit/rmap';
import type { Mm } from '@vmakit/mm';

/** Kernel objects that keep address spaces, and the bytes that they take in the kernel. */
export interface KernelObjects {
  vmas: number;
  anonVmas: number;
  chains: number;
  pageTables: number;
  bytes: number;
}

/** Bytes of one object with slab rounding (bench/BASELINES.md section 2); page tables are pages. */
const VMA_BYTES = 195;
const ANON_VMA_BYTES = 105;
const CHAIN_BYTES = 64;

/** No objects. */
export function noObjects(): KernelObjects {
  return { vmas: 0, anonVmas: 0, chains: 0, pageTables: 0, bytes: 0 };
}

/** Adds the objects of an address space. An anon_vma that processes share counts for each. */
export function countObjects(mm: Mm, into: KernelObjects): void {
  const anonVmas = new Set<number>();
  let chains = 0;
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
    for (const link of chainOf(vma)) {
      chains++;
      anonVmas.add(link.anonVma.id);
    }
  }
  const pageTables = mm.pages.tables.reduce((sum, count) => sum + count, 0);
  into.vmas += mm.tree.count;
  into.anonVmas += anonVmas.size;
  into.chains += chains;
  into.pageTables += pageTables;
  into.bytes +=
    mm.tree.count * VMA_BYTES +
    anonVmas.size * ANON_VMA_BYTES +
    chains * CHAIN_BYTES +
    pageTables * mm.env.arch.pageSize;
}
