import {
  type MmError,
  VM_HUGETLB,
  VM_LOCKED,
  VM_MAYBE_GUARD,
  VM_MAYWRITE,
  VM_PFNMAP,
  VM_SHARED,
  VM_SPECIAL,
  refuse,
  withFlags,
} from '@vmakit/base';
import { anonVmaPrepare } from '@vmakit/rmap';
import { type Vma, isAnonymous } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { collapseRange } from '../pages/collapse.js';
import { installGuards, removeGuards } from '../pages/guard.js';
import { freeLazily } from '../pages/lazy-free.js';
import { coldRange, pageOutRange } from '../pages/page-out.js';
import { freeEmptyTables, zapRowKeepMarkers } from '../pages/zap.js';
import {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_PAGEOUT,
  MADV_REMOVE,
} from './abi.js';

/** Advice about pages (spec 01 section 6), on one VMA of the range. Gives the refusal. */
export function advisePages(mm: Mm, row: number, start: number, end: number, advice: number): MmError | null {
  if (advice === MADV_DONTNEED || advice === MADV_DONTNEED_LOCKED || advice === MADV_FREE) {
    return discard(mm, row, start, end, advice);
  }
  const vma = mm.tree.table.view(row);
  switch (advice) {
    case MADV_COLD:
    case MADV_PAGEOUT:
      if ((vma.flags & (VM_LOCKED | VM_PFNMAP | VM_HUGETLB)) !== 0) return refuseFlags('not reclaimable', vma);
      if (advice === MADV_COLD) coldRange(mm, vma, start, end);
      else pageOutRange(mm, vma, start, end);
      return null;
    case MADV_GUARD_INSTALL:
      return installGuardRange(mm, vma, start, end);
    case MADV_GUARD_REMOVE:
      if ((vma.flags & (VM_SPECIAL | VM_HUGETLB)) !== 0) return refuseFlags('no guards in such a mapping', vma);
      removeGuards(mm, vma, start, end);
      return null;
    case MADV_COLLAPSE:
      return collapseRange(mm, vma, start, end);
    case MADV_REMOVE:
      return checkRemove(vma);
    default:
      // MADV_WILLNEED reads ahead, which changes neither mappings nor page tables.
      return null;
  }
}

function discard(mm: Mm, row: number, start: number, end: number, advice: number): MmError | null {
  const { table } = mm.tree;
  const flags = table.flagsLower(row);
  let to = end;
  if ((flags & VM_HUGETLB) !== 0) {
    const { pmdPages } = mm.env.arch;
    if (advice === MADV_FREE || start % pmdPages !== 0) return refuseFlags('hugetlb', table.view(row));
    to -= end % pmdPages;
  } else {
    const forbidden = advice === MADV_DONTNEED_LOCKED ? VM_PFNMAP : VM_PFNMAP | VM_LOCKED;
    if ((flags & forbidden) !== 0) return refuseFlags('locked or PFN mapping', table.view(row));
  }
  if (start >= to) return null;
  if (advice !== MADV_FREE) {
    zapRowKeepMarkers(mm, row, start, to);
    if (mm.env.settings.reclaimsEmptyTables) freeEmptyTables(mm, start, to);
    return null;
  }
  const vma = table.view(row);
  if (!isAnonymous(vma)) return refuseFlags('FREE of a file mapping', vma);
  freeLazily(mm, vma, start, to);
  return null;
}

function installGuardRange(mm: Mm, vma: Vma, start: number, end: number): MmError | null {
  if ((vma.flags & (VM_SPECIAL | VM_HUGETLB | VM_LOCKED)) !== 0) {
    return refuseFlags('no guards in such a mapping', vma);
  }
  const { env } = mm;
  // With the flag a fork copies page tables for its sake; without it, only an anon_vma makes it do so.
  const needsAnonVma = isAnonymous(vma) || !env.profile.guardFlag;
  if (needsAnonVma && !anonVmaPrepare(env, vma.table, vma.row)) {
    return refuse('ENOMEM', 'spec 01.6: anon_vma for guards');
  }
  if (env.profile.guardFlag) vma.flags = withFlags(vma.flags, VM_MAYBE_GUARD);
  return installGuards(mm, vma, start, end) ? null : refuse('ENOMEM', 'spec 01.6: page tables for guards');
}

/** MADV_REMOVE punches a hole into the file, which the model leaves to whoever owns the file. */
function checkRemove(vma: Vma): MmError | null {
  if ((vma.flags & VM_LOCKED) !== 0 || vma.file === null) {
    return refuseFlags('REMOVE of locked or anonymous memory', vma);
  }
  const sharedWritable = VM_SHARED | VM_MAYWRITE;
  if ((vma.flags & sharedWritable) !== sharedWritable) {
    return refuse('EACCES', 'spec 01.6: REMOVE needs a shared writable mapping', { start: vma.start, end: vma.end });
  }
  return null;
}

function refuseFlags(what: string, vma: Vma): MmError {
  return refuse('EINVAL', `spec 01.6: ${what}`, { start: vma.start, end: vma.end });
}
