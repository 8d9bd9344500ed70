import { VM_SHARED, VM_WRITE } from '@vmakit/base';
import { PG_ANON, PG_DIRTY, PG_EXCLUSIVE } from '@vmakit/folio';
import { DIRTY, EntryKind, SOFT_DIRTY, WRITABLE, YOUNG } from '@vmakit/pagetable';
import { addAnonRmapPmd, addRmapPmd, anonVmaPrepare, removeRmapPmd, setAnonRmap } from '@vmakit/rmap';
import { type Vma, pageOffsetAt } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import {
  FAULT_FILE,
  FAULT_MIGRATING,
  FAULT_NEW,
  FAULT_OK,
  FAULT_OOM,
  FAULT_READ,
  FAULT_REUSED,
  FAULT_SIGBUS,
  type FaultAccess,
} from './fault-result.js';
import { setHugePage } from './huge-entry.js';

/**
 * A fault in hugetlb memory: pages of PMD size, mapped by huge entries without a table in reserve and not counted as
 * resident. Private ones are anonymous from their first touch on, reads included.
 */
export function hugetlbFault(mm: Mm, vma: Vma, page: number, access: FaultAccess): number {
  const { env } = mm;
  const { arch, memory } = env;
  const tables = mm.pages;
  const pmdTable = tables.ensure(1, page);
  if (pmdTable === 0) return FAULT_OOM;
  const words = tables.pool.words(pmdTable);
  const at = tables.entryAt(pmdTable, 1, page);
  const kind = arch.kindOf(words, at, 1);
  if (kind === EntryKind.Migration) return FAULT_MIGRATING;
  if (kind === EntryKind.Page) {
    if (access === FAULT_READ || arch.isWritable(words, at)) return FAULT_OK;
    return hugetlbWriteFault(mm, vma, page, pmdTable, arch.pfn(words, at, 1));
  }
  const first = page - (page % arch.pmdPages);
  if (vma.file === null || pageOffsetAt(vma, first) >= vma.file.sizePages) return FAULT_SIGBUS;
  if ((vma.flags & VM_SHARED) !== 0) {
    const frame = vma.file.read(memory, env.swap, pageOffsetAt(vma, first), arch.pmdOrder);
    if (frame < 0) return FAULT_OOM;
    const head = memory.headOf(frame);
    memory.get(head);
    memory.flags[head]! |= PG_DIRTY;
    addRmapPmd(memory, head, mm.id);
    setHuge(mm, vma, first, pmdTable, head);
    return FAULT_FILE;
  }
  if (!vma.faulted && !anonVmaPrepare(env, vma.table, vma.row)) return FAULT_OOM;
  const head = memory.allocFolio(arch.pmdOrder);
  if (head < 0) return FAULT_OOM;
  mapPrivate(mm, vma, first, pmdTable, head);
  return FAULT_NEW;
}

/** A store to a private huge page that is shared with a forked child, or no longer. */
function hugetlbWriteFault(mm: Mm, vma: Vma, page: number, pmdTable: number, head: number): number {
  const { arch, memory } = mm.env;
  const first = page - (page % arch.pmdPages);
  const flags = memory.flags[head]!;
  if ((vma.flags & VM_SHARED) !== 0 || ((flags & PG_ANON) !== 0 && memory.folioMapcount(head) === 1)) {
    if ((flags & PG_ANON) !== 0) memory.flags[head]! |= PG_EXCLUSIVE;
    setHuge(mm, vma, first, pmdTable, head);
    return FAULT_REUSED;
  }
  const copy = memory.allocFolio(arch.pmdOrder);
  if (copy < 0) return FAULT_OOM;
  memory.content.copyWithin(copy, head, head + arch.pmdPages);
  removeRmapPmd(memory, head, mm.id);
  memory.put(head);
  mapPrivate(mm, vma, first, pmdTable, copy);
  return FAULT_REUSED;
}

function mapPrivate(mm: Mm, vma: Vma, first: number, pmdTable: number, head: number): void {
  const { memory } = mm.env;
  setAnonRmap(memory, head, vma, first, true);
  addAnonRmapPmd(memory, head, mm.id, true);
  setHuge(mm, vma, first, pmdTable, head);
}

function setHuge(mm: Mm, vma: Vma, first: number, pmdTable: number, head: number): void {
  const writable = (vma.flags & VM_WRITE) !== 0 ? WRITABLE | DIRTY | SOFT_DIRTY : 0;
  setHugePage(mm, vma, first, pmdTable, head, YOUNG | writable);
}
