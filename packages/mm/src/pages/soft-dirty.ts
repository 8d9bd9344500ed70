import { VM_SOFTDIRTY, isCowMapping, withoutFlags } from '@vmakit/base';
import { EntryKind, type EntryWords } from '@vmakit/pagetable';
import { maybeDmaPinned } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { pmdEnd } from './table-walk.js';

/**
 * Clears the soft-dirty marks of a process (writing 4 to `/proc/PID/clear_refs`): those of its VMAs and of all entries,
 * which lose write permission so that the next store is noticed. Pinned pages keep theirs. Nothing happens where there
 * are no such marks.
 */
export function clearSoftDirty(mm: Mm): void {
  const { arch } = mm.env;
  if (!arch.hasSoftDirty) return;
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) vma.flags = withoutFlags(vma.flags, VM_SOFTDIRTY);
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) clearVma(mm, vma);
  mm.pages.tlb.flushAll();
}

function clearVma(mm: Mm, vma: Vma): void {
  const tables = mm.pages;
  for (let page = tables.nextPopulated(vma.start, vma.end); page < vma.end;) {
    const next = pmdEnd(tables, page, vma.end);
    const table = tables.lookup(0, page);
    if (table === 0) {
      const pmdTable = tables.lookup(1, page);
      clearEntry(mm, vma, tables.pool.words(pmdTable), tables.entryAt(pmdTable, 1, page), 1);
    } else {
      const words = tables.pool.words(table);
      const last = tables.entryAt(table, 0, page) + 2 * (next - page);
      for (let at = last - 2 * (next - page); at < last; at += 2) clearEntry(mm, vma, words, at, 0);
    }
    page = tables.nextPopulated(next, vma.end);
  }
}

function clearEntry(mm: Mm, vma: Vma, words: EntryWords, at: number, level: number): void {
  const { arch } = mm.env;
  const kind = arch.kindOf(words, at, level);
  if (kind === EntryKind.None || kind === EntryKind.Table) return;
  if (kind === EntryKind.Page) {
    if (level === 0 && isPinned(mm, vma, words, at)) return;
    arch.wrprotect(words, at);
  }
  arch.clearSoftDirty(words, at);
}

/** Write-protecting a pinned page would make the next store leave it behind. */
function isPinned(mm: Mm, vma: Vma, words: EntryWords, at: number): boolean {
  const { arch, memory } = mm.env;
  if (!mm.hasPinned || !arch.isWritable(words, at) || !isCowMapping(vma.flags)) return false;
  if (arch.isSpecial(words, at)) return false;
  return maybeDmaPinned(memory, memory.headOf(arch.pfn(words, at, 0)));
}
