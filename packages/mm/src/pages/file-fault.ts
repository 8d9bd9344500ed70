import { VM_SHARED, VM_UFFD_MINOR, VM_UFFD_MISSING, VM_UFFD_WP, VM_WRITE } from '@vmakit/base';
import { type MappedFile, PG_DIRTY } from '@vmakit/folio';
import { DIRTY, type EntryState, type EntryWords, SOFT_DIRTY, UFFD_WP, WRITABLE, YOUNG } from '@vmakit/pagetable';
import { addNewAnonRmapPtes, addRmapPtes, anonVmaPrepare } from '@vmakit/rmap';
import { type Vma, pageOffsetAt } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { freshState } from './anonymous-fault.js';
import {
  FAULT_COPIED,
  FAULT_FILE,
  FAULT_OOM,
  FAULT_SIGBUS,
  FAULT_USERFAULT,
  FAULT_WRITE,
  type FaultAccess,
} from './fault-result.js';
import { pageProtection } from './page-protection.js';
import { entryCount } from './table-walk.js';

/**
 * First touch of a page of a file mapping. Reading, and writing to a shared mapping, map the page of the page cache;
 * writing to a private one maps a copy of it, which is anonymous memory. `kept` is `UFFD_WP` when the entry was such a
 * marker.
 */
export function fileFault(
  mm: Mm,
  vma: Vma,
  file: MappedFile,
  page: number,
  access: FaultAccess,
  words: EntryWords,
  at: number,
  kept: EntryState,
): number {
  const { memory, swap } = mm.env;
  const offset = pageOffsetAt(vma, page);
  if (access !== FAULT_WRITE) {
    if (faultAround(mm, vma, file, page, words, at)) return FAULT_FILE;
  } else if ((vma.flags & VM_SHARED) === 0 && !vma.faulted && !anonVmaPrepare(mm.env, vma.table, vma.row)) {
    return FAULT_OOM;
  }
  if (offset >= file.sizePages) return FAULT_SIGBUS;
  // A page that memory-backed files do not have is missing; measured on 6.18.44, for private mappings too.
  if ((vma.flags & VM_UFFD_MISSING) !== 0 && !file.has(offset)) return FAULT_USERFAULT;
  const isNew = file.cached(offset) < 0;
  const frame = file.read(memory, swap, offset);
  if (frame < 0) return FAULT_OOM;
  if (isNew) mm.env.lru.add(frame);
  if (access === FAULT_WRITE && (vma.flags & VM_SHARED) === 0)
    return copyFromFile(mm, vma, page, words, at, frame, kept);
  if (access === FAULT_WRITE) memory.flags[frame]! |= PG_DIRTY;
  mapFilePage(mm, vma, words, at, frame, access === FAULT_WRITE, true, kept);
  return FAULT_FILE;
}

function copyFromFile(
  mm: Mm,
  vma: Vma,
  page: number,
  words: EntryWords,
  at: number,
  frame: number,
  kept: EntryState,
): number {
  const { arch, memory } = mm.env;
  const copy = memory.allocFolio(0);
  if (copy < 0) return FAULT_OOM;
  memory.content[copy] = memory.content[frame]!;
  addNewAnonRmapPtes(memory, copy, vma, page, true);
  mm.env.lru.add(copy);
  mm.rssAnon++;
  const state = freshState(vma.flags);
  arch.clear(words, at);
  arch.setPage(words, at, 0, copy, pageProtection(mm.env, vma), kept === 0 ? state : (state | UFFD_WP) & ~WRITABLE);
  return FAULT_COPIED;
}

/**
 * Maps the cached pages around a read fault: a window of up to `faultAroundBytes`, aligned to its size, cut to the VMA,
 * the table and the file.
 *
 * @returns whether the page itself was among them.
 */
function faultAround(mm: Mm, vma: Vma, file: MappedFile, page: number, words: EntryWords, at: number): boolean {
  const { arch, settings } = mm.env;
  const window = Math.floor(settings.faultAroundBytes / 2 ** arch.pageShift);
  // A watch for missing pages does not stand in the way (measured on 6.18.44); what is cached is not missing.
  if (window <= 1 || vma.hasAny(VM_UFFD_WP + VM_UFFD_MINOR)) return false;
  const aligned = page - (page % window);
  const start = Math.max(aligned, vma.start);
  // As long as a window from where it begins, not to where an aligned one would end: measured on 6.18.44.
  const end = Math.min(start + window, vma.end, page - (page % arch.pmdPages) + arch.pmdPages);
  mm.pages.lookupToFill(start, entryCount(start, end));
  let found = false;
  for (let near = start; near < end; near++) {
    const offset = pageOffsetAt(vma, near);
    if (offset >= file.sizePages) break;
    const entry = at + 2 * (near - page);
    const frame = file.cached(offset);
    if (frame < 0 || !arch.isNone(words, entry)) continue;
    mapFilePage(mm, vma, words, entry, frame, false, near === page, 0);
    if (near === page) found = true;
  }
  return found;
}

/**
 * Maps a page of the page cache. Those mapped around a fault come without the accessed mark where the processor sets
 * it.
 */
function mapFilePage(
  mm: Mm,
  vma: Vma,
  words: EntryWords,
  at: number,
  frame: number,
  write: boolean,
  asked: boolean,
  kept: EntryState,
): void {
  const { arch, memory, settings } = mm.env;
  const head = memory.headOf(frame);
  const shared = (vma.flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE);
  const prot = pageProtection(mm.env, vma);
  let state = kept;
  if (asked || !settings.prefaultOld) state |= YOUNG;
  if (write && shared) state |= (kept === 0 ? WRITABLE : 0) | DIRTY | SOFT_DIRTY;
  memory.get(head);
  addRmapPtes(memory, head, frame, 1, mm.id);
  if (vma.file?.isSwapBacked === true) mm.rssShmem++;
  else mm.rssFile++;
  arch.clear(words, at);
  arch.setPage(words, at, 0, frame, prot, state);
  if (!write && arch.isWritable(words, at) && (memory.flags[head]! & PG_DIRTY) !== 0) arch.mkDirty(words, at);
}
