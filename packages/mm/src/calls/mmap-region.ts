import {
  MmError,
  NONE,
  type SysResult,
  VM_ACCOUNT,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_MERGEABLE,
  VM_SHARED,
  VM_SOFTDIRTY,
  type VmFlags,
  isAccountable,
  refuse,
  withFlags,
  withoutFlags,
} from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import { mergeNewRange } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import {
  accountMapping,
  chargeMemory,
  mayExpand,
  refuseCharge,
  refuseExpansion,
  unchargeMemory,
} from './accounting.js';
import { makeFile } from './files.js';
import { deniesWriteExec, isKsmCompatible, isLockable } from './mmap-flags.js';
import type { GatheredRange } from './gathered-range.js';
import { clearGathered, finishGathered, gatherVmas, giveUpGathered, removeGathered } from './munmap.js';

/**
 * Maps [start, start + pages), whatever was there before: mmap_region (spec 01 section 3, steps a to h). The mmap lock
 * is held; `flags` are final but for ACCOUNT, MERGEABLE and SOFTDIRTY.
 *
 * When it fails before the old mappings' pages are dropped, they stay as they were (but for splits); after that they
 * are gone.
 */
export function mapRegion(
  mm: Mm,
  start: number,
  pages: number,
  requested: VmFlags,
  file: MappedFile | null,
  pageOffset: number,
): SysResult {
  const end = start + pages;
  let flags = requested;
  if (deniesWriteExec(mm, flags, flags)) return refuse('EACCES', 'spec 01.3: writable and executable denied');
  let replaced: GatheredRange | null = null;
  const { table } = mm.tree;
  let next = mm.tree.findRow(start);
  if (next !== NONE && table.start(next) < end) {
    const gathered = gatherVmas(mm, next, start, end);
    if (gathered instanceof MmError) return gathered;
    replaced = gathered;
    next = gathered.next;
  }
  const added = pages - (replaced === null ? 0 : replaced.pages);
  if (!mayExpand(mm, flags, added)) {
    const error = refuseExpansion(mm, 'spec 01.3 step b: may_expand_vm', added);
    return replaced === null ? error : giveUpGathered(mm, replaced, error);
  }
  let charged = 0;
  const accountable = isAccountable(flags);
  if (accountable) {
    charged = pages - (replaced === null ? 0 : replaced.accounted);
    if (charged !== 0 && !chargeMemory(mm, charged)) {
      const error = refuseCharge(mm, 'spec 01.3 step c: overcommit', charged);
      return replaced === null ? error : giveUpGathered(mm, replaced, error);
    }
    flags = withFlags(flags, VM_ACCOUNT);
  }
  if (replaced !== null) {
    clearGathered(mm, replaced);
    removeGathered(mm, replaced);
  }
  if (mm.mergeAny && isKsmCompatible(flags)) flags = withFlags(flags, VM_MERGEABLE);
  const row = mergeOrInsert(mm, start, end, flags, file, pageOffset, next);
  if (row === NONE) {
    // The old mappings are lost, and with them what the new one would have taken over.
    if (replaced !== null) finishGathered(mm, replaced, replaced.accounted);
    if (charged !== 0) unchargeMemory(mm, charged);
    return refuse('ENOMEM', 'spec 01.3 step g: no memory for a VMA');
  }
  if (replaced !== null) finishGathered(mm, replaced, accountable ? 0 : replaced.accounted);
  accountMapping(mm, table.flags(row), pages);
  if ((flags & VM_LOCKED) !== 0) {
    if (isLockable(table.flags(row))) mm.lockedVm += pages;
    else table.setFlags(row, withoutFlags(table.flags(row), VM_LOCKED_MASK));
  }
  if (mm.env.settings.softDirty) table.addFlags(row, VM_SOFTDIRTY);
  return start;
}

/**
 * Steps f and g: a neighbour's VMA grown over the range (that in the row `next` follows it), or a new one; its row.
 * {@link NONE}: memory ran out.
 */
function mergeOrInsert(
  mm: Mm,
  start: number,
  end: number,
  flags: VmFlags,
  file: MappedFile | null,
  pageOffset: number,
  next: number,
): number {
  const { env, tree } = mm;
  const { table } = tree;
  const prev = tree.rowBefore(next);
  const anonPageOffset = file !== null && env.profile.anonPageOffset ? start : pageOffset;
  if ((prev !== NONE && table.end(prev) === start) || (next !== NONE && table.start(next) === end)) {
    const request = mm.mergeRequest.begin('new-range', start, end, pageOffset, flags);
    request.anonPageOffset = anonPageOffset;
    request.file = file;
    request.prevRow = prev;
    request.nextRow = next;
    const merged = mergeNewRange(env, request);
    if (merged !== NONE) return merged;
  }
  const { injector } = env;
  if (injector !== null && (injector.fails('vma-alloc') || injector.fails('vma-tree-node'))) return NONE;
  const row = table.allocate(start, end, pageOffset, flags);
  const backing = backingFile(mm, end - start, flags, file);
  if (backing !== null) {
    const vma = table.view(row);
    vma.file = backing;
    if (env.profile.anonPageOffset) vma.anonPageOffset = start;
  }
  tree.insert(row);
  mm.mapCount++;
  return row;
}

/** Shared anonymous memory, also that of a shared /dev/zero, is a new file of its own (spec 01 section 3, step 13). */
function backingFile(mm: Mm, pages: number, flags: VmFlags, file: MappedFile | null): MappedFile | null {
  if ((flags & VM_SHARED) === 0 || (file !== null && file.kind !== 'zero')) return file;
  return makeFile(mm.env, 'shmem', pages, '/dev/zero');
}
