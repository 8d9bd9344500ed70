import { VM_SHARED, VM_SOFTDIRTY, VM_UFFD_WP, isCowMapping } from '@vmakit/base';
import { PG_ANON, PG_EXCLUSIVE, PG_HEAD, PG_TAIL, PIN_BIAS } from '@vmakit/folio';
import {
  DIRTY,
  EntryKind,
  type EntryWords,
  MARKER_GUARD,
  MARKER_POISONED,
  MARKER_UFFD_WP,
  MigrationKind,
  SOFT_DIRTY,
  UFFD_WP,
  WRITABLE,
} from '@vmakit/pagetable';
import { addNewAnonRmapPtes, addRmapPtes, maybeDmaPinned } from '@vmakit/rmap';
import { freshState } from './anonymous-fault.js';
import { copyHugeEntry } from './fork-copy-huge.js';
import type { ForkCopy } from './fork-tables.js';
import { makeMigrationReadable } from './migration-entry.js';
import { pageProtection } from './page-protection.js';
import { entryCount, folioRun, pmdEnd } from './table-walk.js';

/**
 * Copies the entries of the VMA in `parentRow` for its copy in a forked child, in `childRow`: anonymous pages become
 * shared and read-only on both sides, pinned ones are copied at once, swap entries are duplicated (spec 03 section 4,
 * fork sharing). Not to be called for memory that faults can bring back (spec 01 section 10).
 *
 * @returns false when memory ran out; what was copied stays for the caller to unmap.
 */
export function copyPageRange(copy: ForkCopy, childRow: number, parentRow: number): boolean {
  const { table } = copy.parent.tree;
  const start = table.start(parentRow);
  const end = table.end(parentRow);
  const { tlb, arch } = copy.parent.pages;
  copy.childRow = childRow;
  copy.parentRow = parentRow;
  copy.cow = isCowMapping(table.flags(parentRow));
  const from = copy.entriesFrom(start);
  const held = from >= 0 && copy.entriesFrom(end) <= arch.pmdPages;
  if (!(held ? copyEntries(copy, from | 0, entryCount(start, end)) : copyTables(copy, start, end))) return false;
  if (copy.cow) tlb.flushRange(end - start, 0, 0);
  return true;
}

/** Copies the entries of [start, end), table by table. */
function copyTables(copy: ForkCopy, start: number, end: number): boolean {
  const tables = copy.parent.pages;
  for (let page = tables.nextPopulated(start, end); page < end;) {
    const next = pmdEnd(tables, page, end);
    if (tables.lookup(0, page) === 0) {
      const copied = copyHugeEntry(copy, page);
      if (copied === 'no-memory') return false;
      if (copied === 'split' && !copyTable(copy, page, next)) return false;
    } else if (!copyTable(copy, page, next)) {
      return false;
    }
    // Most VMAs end in the table where they begin.
    page = next < end ? tables.nextPopulated(next, end) : end;
  }
  return true;
}

function copyTable(copy: ForkCopy, start: number, end: number): boolean {
  return copy.hold(start) && copyEntries(copy, copy.entriesFrom(start) | 0, entryCount(start, end));
}

/** Copies `count` entries of the tables held, from entry `from` on. */
function copyEntries(copy: ForkCopy, from: number, count: number): boolean {
  const { source, target, distance } = copy;
  const last = copy.base + 2 * (from + count);
  for (let at = copy.base + 2 * from; at < last; at += 2) {
    at = shareSmallPages(copy, at, last);
    if (at >= last) break;
    const done = copyOther(copy, source, at, target, at + distance, (last - at) >> 1);
    if (done === 0) return false;
    at += 2 * (done - 1);
  }
  return true;
}

/**
 * Copies what {@link shareSmallPages} leaves: an entry of any kind, or of a large folio as many as are alike, `most` at
 * the most.
 *
 * @returns how many entries were done, 0 when memory ran out.
 */
function copyOther(
  copy: ForkCopy,
  source: EntryWords,
  at: number,
  target: EntryWords,
  targetAt: number,
  most: number,
): number {
  const { arch, memory } = copy.parent.env;
  if (arch.isNone(source, at)) return 1;
  if (!arch.isPresent(source, at)) {
    copyNonPresent(copy, source, at, target, targetAt);
    return 1;
  }
  if (arch.isSpecial(source, at)) {
    shareEntry(copy, source, at, target, targetAt);
    return 1;
  }
  const pfn = arch.pfn(source, at, 0);
  if (memory.order[pfn] !== 0) return copyLarge(copy, source, at, target, targetAt, pfn, most);
  return copySmall(copy, source, at, target, targetAt, pfn) ? 1 : 0;
}

/**
 * Shares small anonymous pages, the bulk of all that is copied, from `first` on. Gives where it stopped: at an entry of
 * another kind, or at `last`.
 */
function shareSmallPages(copy: ForkCopy, first: number, last: number): number {
  const { child, parent, source, target, distance } = copy;
  const { arch } = child.env;
  // Nothing is allocated here, so the arrays stay what they are.
  const { flags, refcount, mapcount } = child.env.memory;
  // Marks of a userfaultfd outlive its watch: registering anew for something else leaves them (measured on 6.18.44).
  if (parent.uffd !== null) return first;
  const pinnable = parent.hasPinned ? PG_EXCLUSIVE : 0;
  // Asked anew, for the engine tests what it read from a property for being true in every way there is, at each page.
  const cow = isCowMapping(parent.tree.table.flags(copy.parentRow));
  let at = first;
  for (; at < last; at += 2) {
    const pfn = arch.countedFrame(source, at);
    if (pfn < 0) break;
    const kind = flags[pfn]!;
    if ((kind & (PG_ANON | PG_HEAD | PG_TAIL)) !== PG_ANON) break;
    if ((kind & pinnable) !== 0 && refcount[pfn]! >= PIN_BIAS) break;
    flags[pfn] = kind & ~PG_EXCLUSIVE;
    refcount[pfn]!++;
    mapcount[pfn]!++;
    arch.forkEntry(source, at, target, at + distance, cow);
  }
  child.rssAnon += (at - first) >> 1;
  return at;
}

function copySmall(
  copy: ForkCopy,
  source: EntryWords,
  at: number,
  target: EntryWords,
  targetAt: number,
  pfn: number,
): boolean {
  const { child } = copy;
  const { memory } = child.env;
  const flags = memory.flags[pfn]!;
  if ((flags & PG_ANON) !== 0) {
    if ((flags & PG_EXCLUSIVE) !== 0) {
      if (copy.parent.hasPinned && maybeDmaPinned(memory, pfn)) {
        return copyPinned(copy, source, at, target, targetAt, pfn);
      }
      memory.flags[pfn] = flags & ~PG_EXCLUSIVE;
    }
    child.rssAnon++;
  } else if (copy.parentVma.file?.isSwapBacked === true) {
    child.rssShmem++;
  } else {
    child.rssFile++;
  }
  memory.refcount[pfn]!++;
  memory.mapcount[pfn]!++;
  shareEntry(copy, source, at, target, targetAt);
  return true;
}

/**
 * Shares a run of pages of one large folio: the child's entries all look like the first.
 *
 * @returns how many entries were done, 0 when memory ran out.
 */
function copyLarge(
  copy: ForkCopy,
  source: EntryWords,
  at: number,
  target: EntryWords,
  targetAt: number,
  pfn: number,
  most: number,
): number {
  const { child, parent } = copy;
  const { arch, memory } = child.env;
  const head = memory.headOf(pfn);
  const isAnon = (memory.flags[head]! & PG_ANON) !== 0;
  if (isAnon && parent.hasPinned && maybeDmaPinned(memory, head) && (memory.flags[pfn]! & PG_EXCLUSIVE) !== 0) {
    return copyPinned(copy, source, at, target, targetAt, pfn) ? 1 : 0;
  }
  const count = forkRun(copy, source, at, pfn, most);
  if (isAnon) {
    for (let i = 0; i < count; i++) memory.flags[pfn + i]! &= ~PG_EXCLUSIVE;
    child.rssAnon += count;
  } else {
    child.rssShmem += count;
  }
  memory.refcount[head]! += count;
  addRmapPtes(memory, head, pfn, count, child.id);
  if (copy.cow) arch.wrprotectPages(source, at, count);
  copyRun(copy, source, at, target, targetAt, pfn, count);
  return count;
}

/** How many entries look alike enough to be shared in one step. */
function forkRun(copy: ForkCopy, source: EntryWords, at: number, pfn: number, most: number): number {
  const { env } = copy.parent;
  const { arch } = env;
  const run = folioRun(env, source, at, pfn, most);
  // Soft-dirty marks tell entries apart only while they are being gathered.
  if (!arch.hasSoftDirty || (copy.parentVma.flags & VM_SOFTDIRTY) !== 0) return run;
  const softDirty = arch.isSoftDirty(source, at);
  let count = 1;
  while (count < run && arch.isSoftDirty(source, at + 2 * count) === softDirty) count++;
  return count;
}

function copyRun(
  copy: ForkCopy,
  source: EntryWords,
  at: number,
  target: EntryWords,
  targetAt: number,
  pfn: number,
  count: number,
): void {
  const { arch } = copy.child.env;
  let state = 0;
  if (arch.isWritable(source, at)) state |= WRITABLE;
  if (arch.isDirty(source, at) && (copy.childVma.flags & VM_SHARED) === 0) state |= DIRTY;
  if (arch.isSoftDirty(source, at)) state |= SOFT_DIRTY;
  if (arch.isUffdWp(source, at) && (copy.childVma.flags & VM_UFFD_WP) !== 0) state |= UFFD_WP;
  arch.setPages(target, targetAt, count, pfn, pageProtection(copy.child.env, copy.childVma), state);
}

/** Write-protects an entry of private memory and gives the child one like it, not accessed. */
function shareEntry(copy: ForkCopy, source: EntryWords, at: number, target: EntryWords, targetAt: number): void {
  const { arch } = copy.child.env;
  if (copy.cow && arch.isWritable(source, at)) arch.wrprotect(source, at);
  target[targetAt] = source[at]!;
  target[targetAt + 1] = source[at + 1]!;
  if ((copy.parentVma.flags & VM_SHARED) !== 0) arch.mkClean(target, targetAt);
  arch.mkOld(target, targetAt);
  if ((copy.childVma.flags & VM_UFFD_WP) === 0 && arch.isUffdWp(target, targetAt)) arch.clearUffdWp(target, targetAt);
}

/** A page that a device may be writing to stays with the parent; the child gets a copy of its own now. */
function copyPinned(
  copy: ForkCopy,
  source: EntryWords,
  at: number,
  target: EntryWords,
  targetAt: number,
  pfn: number,
): boolean {
  const { child, childVma } = copy;
  const { arch, memory } = child.env;
  const own = memory.allocFolio(0);
  if (own < 0) return false;
  memory.content[own] = memory.content[pfn]!;
  addNewAnonRmapPtes(memory, own, childVma, copy.pageAt(at), true);
  child.env.lru.add(own);
  child.rssAnon++;
  let state = freshState(childVma.flags) | DIRTY | SOFT_DIRTY;
  if (arch.isUffdWp(source, at) && (childVma.flags & VM_UFFD_WP) !== 0) state = (state | UFFD_WP) & ~WRITABLE;
  arch.setPage(target, targetAt, 0, own, pageProtection(child.env, childVma), state);
  return true;
}

function copyNonPresent(copy: ForkCopy, source: EntryWords, at: number, target: EntryWords, targetAt: number): void {
  const { child, childVma } = copy;
  const { arch, swap, memory } = child.env;
  const keepsUffd = (childVma.flags & VM_UFFD_WP) !== 0;
  const kind = arch.kindOf(source, at, 0);
  if (kind === EntryKind.Marker) {
    const bits = arch.markerBits(source, at) & (MARKER_GUARD | MARKER_POISONED | (keepsUffd ? MARKER_UFFD_WP : 0));
    if (bits !== 0) arch.setMarker(target, targetAt, bits);
    return;
  }
  if (kind === EntryKind.Swap) {
    swap.duplicate(arch.swapOffset(source, at));
    arch.clearExclusive(source, at);
    child.swapEntries++;
  } else if (kind === EntryKind.Migration) {
    const pfn = arch.migrationPfn(source, at);
    memory.flags[pfn]! &= ~PG_EXCLUSIVE;
    if (copy.cow) makeMigrationReadable(arch, source, at, MigrationKind.Read);
    child.rssAnon++;
  }
  target[targetAt] = source[at]!;
  target[targetAt + 1] = source[at + 1]!;
  if (!keepsUffd && arch.isUffdWp(target, targetAt)) arch.clearUffdWp(target, targetAt);
}
