import { VM_DROPPABLE } from '@vmakit/base';
import {
  PG_ANON,
  PG_DIRTY,
  PG_EXCLUSIVE,
  PG_KSM,
  PG_PARTIALLY_MAPPED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
} from '@vmakit/folio';
import { EXCLUSIVE, SOFT_DIRTY, UFFD_WP } from '@vmakit/pagetable';
import { maybeDmaPinned, removeRmapPtes, tryShareAnonRmap } from '@vmakit/rmap';
import { type Vma, pageOffsetAt } from '@vmakit/vma-merge';
import type { MmEnvironment } from '../environment.js';
import type { Mm } from '../mm.js';
import { smallMappingsOf, splitFolio } from './folio-split.js';
import type { Mapping } from './mapped-walk.js';

/** Reclaims one folio on which the caller holds a reference, as far as it can be: to swap, to its file, or dropped. */
export function reclaimFolio(env: MmEnvironment, head: number, vma: Vma): void {
  const { memory } = env;
  if (!memory.trylock(head)) return;
  if ((memory.flags[head]! & PG_ANON) === 0) reclaimFilePage(env, head, vma);
  else if ((memory.flags[head]! & PG_SWAPBACKED) === 0) dropLazyFree(env, head, vma);
  else if ((memory.flags[head]! & PG_KSM) === 0) swapOut(env, head);
  memory.unlock(head);
}

function swapOut(env: MmEnvironment, head: number): void {
  const { memory, swap } = env;
  const pages = 1 << memory.order[head]!;
  if ((memory.flags[head]! & PG_SWAPCACHE) === 0) {
    if (maybeDmaPinned(memory, head)) return;
    const partial = (memory.flags[head]! & PG_PARTIALLY_MAPPED) !== 0;
    if (pages > 1 && (partial || !env.settings.swapLargeFolios)) {
      swapOutPieces(env, head, pages);
      return;
    }
    if (swap.addFolio(head) < 0) {
      if (pages > 1) swapOutPieces(env, head, pages);
      return;
    }
    memory.flags[head]! |= PG_DIRTY;
  }
  unmapToSwap(env, head);
  if (memory.folioMapcount(head) !== 0) return;
  swap.writeBack(head);
  if (memory.refcount[head] === 1 + pages) swap.removeFolio(head);
}

/** Splits a large folio and pages out its pages one by one. */
function swapOutPieces(env: MmEnvironment, head: number, pages: number): void {
  const { memory } = env;
  if (splitFolio(env, head) !== null) return;
  for (let page = head; page < head + pages; page++) {
    // Pages that nobody mapped, or that hold nothing but zeroes, went with the split.
    if (memory.mapcount[page] === 0) continue;
    if (page !== head) memory.get(page);
    swapOut(env, page);
    if (page !== head) memory.put(page);
  }
}

/** Replaces every entry of a cached folio by a swap entry (try_to_unmap); pages that cannot be shared stay. */
function unmapToSwap(env: MmEnvironment, head: number): void {
  for (const mapping of smallMappingsOf(env, head)) swapOutEntry(env, head, mapping);
}

function swapOutEntry(env: MmEnvironment, head: number, mapping: Mapping): void {
  const { arch, memory, swap } = env;
  const { mm, words, at, index } = mapping;
  const page = head + index;
  const exclusive = (memory.flags[page]! & PG_EXCLUSIVE) !== 0;
  if (exclusive && !tryShareAnonRmap(memory, head, page)) return;
  const slot = swap.slotOf(head) + index;
  let state = exclusive ? EXCLUSIVE : 0;
  if (arch.isSoftDirty(words, at)) state |= SOFT_DIRTY;
  if (arch.isUffdWp(words, at)) state |= UFFD_WP;
  arch.clear(words, at);
  arch.setSwap(words, at, 0, slot, state);
  swap.duplicate(slot);
  mm.rssAnon--;
  mm.swapEntries++;
  removeRmapPtes(memory, head, page, 1, mm.id);
  memory.put(head);
}

/** A folio given up by MADV_FREE is dropped, unless it was written to since: then it needs swap again. */
function dropLazyFree(env: MmEnvironment, head: number, vma: Vma): void {
  const { arch, memory } = env;
  const mappings = smallMappingsOf(env, head);
  if (mappings.some(({ words, at }) => arch.isDirty(words, at))) memory.flags[head]! |= PG_DIRTY;
  if ((memory.flags[head]! & PG_DIRTY) !== 0 && !vma.hasAny(VM_DROPPABLE)) {
    memory.flags[head]! |= PG_SWAPBACKED;
    return;
  }
  if (memory.refcount[head] !== 1 + memory.folioMapcount(head)) return;
  for (const { mm, words, at, index } of mappings) {
    memory.flags[head + index]! &= ~PG_EXCLUSIVE;
    arch.clear(words, at);
    mm.rssAnon--;
    removeRmapPtes(memory, head, head + index, 1, mm.id);
    memory.put(head);
  }
}

function reclaimFilePage(env: MmEnvironment, head: number, vma: Vma): void {
  const { arch, memory } = env;
  const { file } = vma;
  if (file === null || memory.mapping[head] !== -file.id || maybeDmaPinned(memory, head)) return;
  const mm = vma.mm as Mm;
  const page = vma.start + (memory.index[head]! - pageOffsetAt(vma, vma.start));
  const table = mm.pages.lookup(0, page);
  if (table === 0) return;
  const words = mm.pages.pool.words(table);
  const at = mm.pages.entryAt(table, 0, page);
  if (!arch.isPresent(words, at) || arch.pfn(words, at, 0) !== head) return;
  if (arch.isDirty(words, at)) memory.flags[head]! |= PG_DIRTY;
  arch.clear(words, at);
  if (file.isSwapBacked) mm.rssShmem--;
  else mm.rssFile--;
  removeRmapPtes(memory, head, head, 1, mm.id);
  memory.put(head);
  // Beside the page cache, only whoever isolated the page holds a reference now.
  file.reclaim(memory, env.swap, memory.index[head]!, 1);
}
