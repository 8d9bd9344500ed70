import { VM_UFFD_MISSING, VM_WRITE, type VmFlags, pagesInto } from '@vmakit/base';
import {
  DIRTY,
  type EntryState,
  type EntryWords,
  SOFT_DIRTY,
  SPECIAL,
  UFFD_WP,
  WRITABLE,
  YOUNG,
} from '@vmakit/pagetable';
import { addNewAnonRmapPage, addNewAnonRmapPmd, addNewAnonRmapPtes, anonVmaPrepare } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import {
  FAULT_NEW,
  FAULT_OK,
  FAULT_OOM,
  FAULT_READ,
  FAULT_USERFAULT,
  FAULT_WRITE,
  FAULT_ZERO_PAGE,
  type FaultAccess,
} from './fault-result.js';
import { setHugePage } from './huge-entry.js';
import { pageProtection, protectionFor } from './page-protection.js';
import { allowableOrders, blockFits, greatestOrder } from './thp-policy.js';

/** A page written for the first time: modified, for software too. */
const FRESH = YOUNG | DIRTY | SOFT_DIRTY;

/** The marks of a page that this fault makes in a VMA with these flags. */
export function freshState(flags: VmFlags): EntryState {
  return (flags & VM_WRITE) !== 0 ? FRESH | WRITABLE : YOUNG;
}

/**
 * First touch of a page of private anonymous memory whose entry is empty, or a userfaultfd marker: then `kept` is
 * `UFFD_WP`. Reads map the zero page and leave the VMA unfaulted; writes map a new folio of the largest order allowed
 * (spec 03 section 8).
 */
export function anonymousFault(
  mm: Mm,
  row: number,
  page: number,
  access: FaultAccess,
  words: EntryWords,
  at: number,
  kept: EntryState,
): number {
  const { env } = mm;
  const { arch, memory, anonVmas } = env;
  const { table } = mm.tree;
  const flags = table.flags(row);
  const prot = protectionFor(env, flags, table.file(row));
  if (access !== FAULT_WRITE) {
    if ((flags & VM_UFFD_MISSING) !== 0) return FAULT_USERFAULT;
    arch.setPage(words, at, 0, memory.zeroFrame, prot, SPECIAL | YOUNG | kept);
    return FAULT_ZERO_PAGE;
  }
  if (!table.isFaulted(row) && !anonVmaPrepare(env, table, row)) return FAULT_OOM;
  const orders = table.uffd(row) !== null ? 0 : allowableOrders(env.settings.thp, flags) & (arch.pmdPages - 1) & ~1;
  if (orders !== 0 && largeFault(mm, table.view(row), page, words, at, orders)) return FAULT_NEW;
  const head = memory.allocFolio(0);
  if (head < 0) return FAULT_OOM;
  if ((flags & VM_UFFD_MISSING) !== 0) {
    memory.put(head);
    return FAULT_USERFAULT;
  }
  addNewAnonRmapPage(memory, head, anonVmas.idOf(table.anonVmaSlot(row)), table.anonIndex(row, page));
  env.lru.add(head);
  mm.rssAnon++;
  const state = freshState(flags);
  arch.setPage(words, at, 0, head, prot, kept === 0 ? state : (state | UFFD_WP) & ~WRITABLE);
  return FAULT_NEW;
}

/** Maps a new large folio at `page`: the greatest order whose aligned block fits and is empty. Memory permitting. */
function largeFault(mm: Mm, vma: Vma, page: number, words: EntryWords, at: number, allowed: number): boolean {
  const { arch, memory } = mm.env;
  for (let orders = allowed; orders !== 0;) {
    const order = greatestOrder(orders);
    orders &= ~(1 << order);
    if (!blockFits(vma, page, order)) continue;
    const size = 1 << order;
    const into = pagesInto(page, size);
    const first = at - 2 * into;
    if (arch.emptyEntries(words, first, size) < size) continue;
    const head = memory.allocFolio(order);
    if (head < 0) continue;
    memory.refcount[head]! += size - 1;
    addNewAnonRmapPtes(memory, head, vma, page - into, true);
    mm.env.lru.add(head);
    mm.rssAnon += size;
    mm.pages.lookupToFill(page - into, size);
    arch.setPages(words, first, size, head, pageProtection(mm.env, vma), freshState(vma.flags));
    return true;
  }
  return false;
}

/**
 * First touch where no table is yet: maps a huge page when the policy allows it and the aligned range lies inside the
 * VMA. Unlike the small zero page, the huge one makes the VMA a faulted one (spec 03 section 8).
 *
 * @returns `FAULT_OK` when there must be small pages.
 */
export function hugeAnonymousFault(mm: Mm, vma: Vma, page: number, access: FaultAccess): number {
  const { env } = mm;
  const { arch, memory } = env;
  if ((allowableOrders(env.settings.thp, vma.flags) & arch.pmdPages) === 0) return FAULT_OK;
  if (!blockFits(vma, page, arch.pmdOrder)) return FAULT_OK;
  const tables = mm.pages;
  const pmdTable = tables.ensure(1, page);
  if (pmdTable === 0) return FAULT_OOM;
  if (!vma.faulted && !anonVmaPrepare(env, vma.table, vma.row)) return FAULT_OOM;
  if (access === FAULT_READ && env.settings.thp.useZeroPage) return hugeZeroFault(mm, vma, page, pmdTable);
  const head = memory.allocFolio(arch.pmdOrder);
  if (head < 0) return FAULT_OK;
  const reserve = tables.allocateDetached();
  if (reserve === 0) {
    memory.put(head);
    return FAULT_OOM;
  }
  if ((vma.flags & VM_UFFD_MISSING) !== 0) {
    memory.put(head);
    tables.freeDetached(reserve);
    return FAULT_USERFAULT;
  }
  mapNewHuge(mm, vma, page, pmdTable, head);
  tables.deposit(pmdTable, reserve);
  return FAULT_NEW;
}

/** Maps a new folio of PMD size, in an entry that is empty or held the huge zero page. */
export function mapNewHuge(mm: Mm, vma: Vma, page: number, pmdTable: number, head: number): void {
  const { arch, memory } = mm.env;
  addNewAnonRmapPmd(memory, head, vma, page - pagesInto(page, arch.pmdPages), true);
  mm.env.lru.add(head);
  mm.rssAnon += arch.pmdPages;
  setHugePage(mm, vma, page, pmdTable, head, freshState(vma.flags));
}

function hugeZeroFault(mm: Mm, vma: Vma, page: number, pmdTable: number): number {
  const { memory } = mm.env;
  const tables = mm.pages;
  const reserve = tables.allocateDetached();
  if (reserve === 0) return FAULT_OOM;
  const frame = memory.ensureHugeZeroFrame();
  if (frame < 0 || (vma.flags & VM_UFFD_MISSING) !== 0) {
    tables.freeDetached(reserve);
    return frame < 0 ? FAULT_OK : FAULT_USERFAULT;
  }
  setHugePage(mm, vma, page, pmdTable, frame, SPECIAL | YOUNG);
  tables.deposit(pmdTable, reserve);
  return FAULT_ZERO_PAGE;
}
