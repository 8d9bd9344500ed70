import { type MmError, VM_NOHUGEPAGE, VM_SHARED, refuse } from '@vmakit/base';
import { PG_ANON, PG_EXCLUSIVE, PG_KSM, PG_SWAPCACHE } from '@vmakit/folio';
import { EntryKind, type EntryWords } from '@vmakit/pagetable';
import { removeRmapPtes } from '@vmakit/rmap';
import { type Vma, isAnonymous } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { mapNewHuge } from './anonymous-fault.js';
import { FAULT_READ } from './fault-result.js';
import { handleFault } from './fault.js';
import { putMapped, tryFreeSwap } from './swap-cache.js';

/**
 * MADV_COLLAPSE: makes each aligned huge range inside [start, end) one huge folio of copies of its pages. Pages in swap
 * are brought in first; pages shared with other processes are copied like others.
 *
 * @returns null; EINVAL for memory that cannot have huge folios or has no pages there; ENOMEM without memory; EAGAIN
 * when a page is referenced by others. Ranges that could be collapsed are, all the same.
 */
export function collapseRange(mm: Mm, vma: Vma, start: number, end: number): MmError | null {
  const { pmdPages } = mm.env.arch;
  if (!isAnonymous(vma) || (vma.flags & (VM_SHARED | VM_NOHUGEPAGE)) !== 0) {
    return refuse('EINVAL', 'spec 07.1 collapse: no huge folios here', { start });
  }
  const first = Math.ceil(start / pmdPages) * pmdPages;
  const holdsOne = Math.ceil(vma.start / pmdPages) * pmdPages + pmdPages <= vma.end;
  if (!vma.faulted || !holdsOne || end < first) {
    return refuse('EINVAL', 'spec 07.1 collapse: no huge range that could be collapsed', { start });
  }
  let refusal: MmError | null = null;
  for (let page = first; page + pmdPages <= end; page += pmdPages) refusal = collapseOne(mm, vma, page) ?? refusal;
  return refusal;
}

function collapseOne(mm: Mm, vma: Vma, page: number): MmError | null {
  const { env } = mm;
  const { arch, memory } = env;
  const tables = mm.pages;
  const table = tables.lookup(0, page);
  if (table === 0) {
    const pmdTable = tables.lookup(1, page);
    const mapped = pmdTable !== 0 && arch.isLeaf(tables.pool.words(pmdTable), tables.entryAt(pmdTable, 1, page));
    return mapped ? null : refuse('EINVAL', 'spec 07.1 collapse: nothing there', { page });
  }
  const words = tables.pool.words(table);
  const base = tables.pool.base(table);
  const unfit = bringIn(mm, vma, words, base, page) ?? whyNotCollapsible(mm, words, base, page);
  if (unfit !== null) return unfit;
  if (!vma.faulted) return refuse('EINVAL', 'spec 07.1 collapse: unfaulted', { page });
  const head = memory.allocFolio(arch.pmdOrder);
  if (head < 0) return refuse('ENOMEM', 'spec 07.1 collapse: no huge folio', { page });
  for (let i = 0; i < arch.pmdPages; i++) takeOver(mm, words, base + 2 * i, head + i);
  const pmdTable = tables.lookup(1, page);
  arch.clear(tables.pool.words(pmdTable), tables.entryAt(pmdTable, 1, page));
  tables.invalidate();
  tables.deposit(pmdTable, table);
  mapNewHuge(mm, vma, page, pmdTable, head);
  tables.tlb.flushRange(arch.pmdPages, 0, 0);
  return null;
}

/** Reads the pages of the range that are in swap. */
function bringIn(mm: Mm, vma: Vma, words: EntryWords, base: number, page: number): MmError | null {
  const { arch } = mm.env;
  for (let i = 0; i < arch.pmdPages; i++) {
    if (arch.kindOf(words, base + 2 * i, 0) !== EntryKind.Swap) continue;
    if (handleFault(mm, vma, page + i, FAULT_READ) < 0) {
      return refuse('ENOMEM', 'spec 07.1 collapse: a page cannot be read from swap', { page: page + i });
    }
  }
  return null;
}

function whyNotCollapsible(mm: Mm, words: EntryWords, base: number, page: number): MmError | null {
  const { arch, memory } = mm.env;
  for (let i = 0; i < arch.pmdPages; i++) {
    const at = base + 2 * i;
    const kind = arch.kindOf(words, at, 0);
    if (kind === EntryKind.None) continue;
    if (kind !== EntryKind.Page)
      return refuse('EAGAIN', 'spec 07.1 collapse: a page is not present', { page: page + i });
    if (arch.isSpecial(words, at)) continue;
    const head = memory.headOf(arch.pfn(words, at, 0));
    const flags = memory.flags[head]!;
    const cached = (flags & PG_SWAPCACHE) !== 0 ? 1 << memory.order[head]! : 0;
    const inUse =
      (flags & PG_ANON) === 0 ||
      (flags & PG_KSM) !== 0 ||
      memory.refcount[head] !== memory.folioMapcount(head) + cached;
    if (inUse) return refuse('EAGAIN', 'spec 07.1 collapse: a page is in use by others', { page: page + i });
  }
  return null;
}

function takeOver(mm: Mm, words: EntryWords, at: number, copy: number): void {
  const { arch, memory } = mm.env;
  if (arch.isNone(words, at)) return;
  const pfn = arch.pfn(words, at, 0);
  const special = arch.isSpecial(words, at);
  arch.clear(words, at);
  if (special) return;
  const head = memory.headOf(pfn);
  memory.content[copy] = memory.content[pfn]!;
  memory.flags[pfn]! &= ~PG_EXCLUSIVE;
  removeRmapPtes(memory, head, pfn, 1, mm.id);
  mm.rssAnon--;
  tryFreeSwap(mm.env, head);
  putMapped(mm.env, head, 1);
}
