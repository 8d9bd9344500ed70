import { VM_SHARED, VM_WRITE } from '@vmakit/base';
import { PG_ANON, PG_DIRTY, PG_EXCLUSIVE, PG_HEAD, PG_KSM, PG_SWAPCACHE, PG_TAIL } from '@vmakit/folio';
import { DIRTY, type EntryState, type EntryWords, SOFT_DIRTY, UFFD_WP, WRITABLE, YOUNG } from '@vmakit/pagetable';
import { addNewAnonRmapPtes, anonVmaPrepare, maybeMappedShared, moveAnonRmap, removeRmapPtes } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { freshState } from './anonymous-fault.js';
import { FAULT_COPIED, FAULT_OOM, FAULT_REUSED, FAULT_UNSHARE, type FaultAccess } from './fault-result.js';
import { pageProtection } from './page-protection.js';
import { putMapped, tryFreeSwap } from './swap-cache.js';

/**
 * A store (or an unsharing pin) meets a present entry that is not writable: the page is used in place when nobody else
 * can have it, else copied (spec 03 section 4, wp fault).
 */
export function writeProtectFault(
  mm: Mm,
  vma: Vma,
  page: number,
  access: FaultAccess,
  words: EntryWords,
  at: number,
): number {
  const { arch, memory } = mm.env;
  if (arch.isSpecial(words, at)) return copyPage(mm, vma, page, access, words, at, -1, -1);
  const pfn = arch.pfn(words, at, 0);
  const pageFlags = memory.flags[pfn]!;
  const head = (pageFlags & (PG_HEAD | PG_TAIL)) === 0 ? pfn : memory.headOf(pfn);
  const flags = head === pfn ? pageFlags : memory.flags[head]!;
  if ((vma.flags & VM_SHARED) !== 0) return access === FAULT_UNSHARE ? FAULT_REUSED : reuseShared(mm, words, at, head);
  if ((flags & PG_ANON) !== 0) {
    const exclusive = (pageFlags & PG_EXCLUSIVE) !== 0;
    if (exclusive || canReuse(mm, vma, head)) {
      memory.flags[pfn]! |= PG_EXCLUSIVE;
      if (access !== FAULT_UNSHARE) reuse(mm, vma, words, at);
      return FAULT_REUSED;
    }
  }
  return copyPage(mm, vma, page, access, words, at, pfn, head);
}

/**
 * Whether an anonymous folio that is not marked exclusive can be made so. A small one changes over to the VMA's
 * anon_vma then; a large one keeps what it points to.
 */
function canReuse(mm: Mm, vma: Vma, head: number): boolean {
  const { memory } = mm.env;
  const flags = memory.flags[head]!;
  if ((flags & PG_HEAD) !== 0) {
    const mapcount = memory.folioMapcount(head);
    return mapcount > 1 && !maybeMappedShared(memory, head) && mapcount === memory.refcount[head];
  }
  if ((flags & PG_KSM) !== 0) return false;
  if (memory.refcount[head]! > 1 + ((flags & PG_SWAPCACHE) !== 0 ? 1 : 0) || mm.env.lru.holds(head)) return false;
  if (!memory.trylock(head)) return false;
  if ((flags & PG_SWAPCACHE) !== 0) tryFreeSwap(mm.env, head);
  const alone = memory.refcount[head] === 1;
  if (alone) moveAnonRmap(memory, head, vma);
  memory.unlock(head);
  return alone;
}

function reuse(mm: Mm, vma: Vma, words: EntryWords, at: number): void {
  const writable = (vma.flags & VM_WRITE) !== 0 ? WRITABLE : 0;
  mm.env.arch.setAccessFlags(words, at, YOUNG | DIRTY | writable);
}

function reuseShared(mm: Mm, words: EntryWords, at: number, head: number): number {
  mm.env.memory.flags[head]! |= PG_DIRTY;
  mm.env.arch.setAccessFlags(words, at, YOUNG | DIRTY | WRITABLE);
  return FAULT_REUSED;
}

/** Replaces the page of an entry (the zero page: `pfn` -1) by a copy of its own, always a small folio. */
function copyPage(
  mm: Mm,
  vma: Vma,
  page: number,
  access: FaultAccess,
  words: EntryWords,
  at: number,
  pfn: number,
  head: number,
): number {
  const { env } = mm;
  const { arch, memory } = env;
  if (!vma.faulted && !anonVmaPrepare(env, vma.table, vma.row)) return FAULT_OOM;
  const copy = memory.allocFolio(0);
  if (copy < 0) return FAULT_OOM;
  const state = access === FAULT_UNSHARE ? keptMarks(mm, words, at) : freshState(vma.flags);
  arch.clear(words, at);
  if (pfn >= 0) {
    memory.content[copy] = memory.content[pfn]!;
    dropOld(mm, vma, pfn, head);
  }
  addNewAnonRmapPtes(memory, copy, vma, page, true);
  env.lru.add(copy);
  mm.rssAnon++;
  arch.setPage(words, at, 0, copy, pageProtection(env, vma), state);
  mm.pages.tlb.flushPage();
  return FAULT_COPIED;
}

/** An unshared page stays read-only and keeps what userfaultfd and soft-dirty knew of it. */
function keptMarks(mm: Mm, words: EntryWords, at: number): EntryState {
  const { arch } = mm.env;
  return YOUNG | (arch.isSoftDirty(words, at) ? SOFT_DIRTY : 0) | (arch.isUffdWp(words, at) ? UFFD_WP : 0);
}

function dropOld(mm: Mm, vma: Vma, pfn: number, head: number): void {
  const { memory } = mm.env;
  const flags = memory.flags[head]!;
  if ((flags & PG_ANON) !== 0) mm.rssAnon--;
  else if (vma.file?.isSwapBacked === true) mm.rssShmem--;
  else mm.rssFile--;
  if ((flags & PG_HEAD) === 0) memory.mapcount[head]!--;
  else removeRmapPtes(memory, head, pfn, 1, mm.id);
  putMapped(mm.env, head, 1);
}
