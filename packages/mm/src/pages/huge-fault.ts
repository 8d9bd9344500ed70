import { VM_WRITE } from '@vmakit/base';
import { PG_EXCLUSIVE, PG_SWAPCACHE } from '@vmakit/folio';
import { DIRTY, EntryKind, WRITABLE, YOUNG } from '@vmakit/pagetable';
import { anonVmaPrepare, moveAnonRmap } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { mapNewHuge } from './anonymous-fault.js';
import {
  FAULT_MIGRATING,
  FAULT_NEW,
  FAULT_OK,
  FAULT_OOM,
  FAULT_READ,
  FAULT_REUSED,
  FAULT_UNSHARE,
  type FaultAccess,
} from './fault-result.js';
import { tryFreeSwap } from './swap-cache.js';
import { splitHugePmd } from './thp.js';

/** What a fault on a huge entry makes of it when small pages must do: the entry was split, look at it again. */
export const FALL_BACK: number = -100;

/**
 * An access meets a huge entry that does not allow it: the folio is used in place when nobody else can have it, else
 * the entry is split and the one page is copied. The huge zero page is replaced by a new huge folio.
 *
 * @returns a fault result, or {@link FALL_BACK}.
 */
export function hugeFault(mm: Mm, vma: Vma, page: number, access: FaultAccess): number {
  const tables = mm.pages;
  const { arch } = tables;
  const pmdTable = tables.lookup(1, page);
  const words = tables.pool.words(pmdTable);
  const at = tables.entryAt(pmdTable, 1, page);
  if (arch.kindOf(words, at, 1) === EntryKind.Migration) return FAULT_MIGRATING;
  if (access === FAULT_READ || arch.isWritable(words, at)) {
    arch.setAccessFlags(words, at, YOUNG);
    return FAULT_OK;
  }
  if (arch.isSpecial(words, at)) return replaceHugeZero(mm, vma, page, pmdTable);
  const head = arch.pfn(words, at, 1);
  if (!canReuseHuge(mm, vma, head)) {
    splitHugePmd(mm, vma, page);
    return FALL_BACK;
  }
  if (access !== FAULT_UNSHARE) {
    arch.setAccessFlags(words, at, YOUNG | DIRTY | ((vma.flags & VM_WRITE) !== 0 ? WRITABLE : 0));
  }
  return FAULT_REUSED;
}

function canReuseHuge(mm: Mm, vma: Vma, head: number): boolean {
  const { memory } = mm.env;
  const flags = memory.flags[head]!;
  if ((flags & PG_EXCLUSIVE) !== 0) return true;
  if (!memory.trylock(head)) return false;
  const cached = (flags & PG_SWAPCACHE) !== 0;
  let alone = false;
  if (memory.refcount[head]! <= 1 + (cached ? 1 << memory.order[head]! : 0)) {
    if (cached) tryFreeSwap(mm.env, head);
    alone = memory.refcount[head] === 1;
  }
  if (alone) {
    moveAnonRmap(memory, head, vma);
    memory.flags[head]! |= PG_EXCLUSIVE;
  }
  memory.unlock(head);
  return alone;
}

function replaceHugeZero(mm: Mm, vma: Vma, page: number, pmdTable: number): number {
  const { env } = mm;
  if (!vma.faulted && !anonVmaPrepare(env, vma.table, vma.row)) return FAULT_OOM;
  const head = env.memory.allocFolio(env.arch.pmdOrder);
  if (head < 0) {
    splitHugePmd(mm, vma, page);
    return FALL_BACK;
  }
  env.arch.clear(mm.pages.pool.words(pmdTable), mm.pages.entryAt(pmdTable, 1, page));
  mapNewHuge(mm, vma, page, pmdTable, head);
  mm.pages.tlb.flushPage();
  return FAULT_NEW;
}
