import {
  MmError,
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_LOCKED_MASK,
  VM_MAYBE_GUARD,
  VM_MIXEDMAP,
  VM_NOHUGEPAGE,
  VM_PFNMAP,
  VM_UFFD_MASK,
  VM_UFFD_RWP,
  VM_UFFD_WP,
  VM_WIPEONFORK,
  type VmFlags,
  refuse,
  withoutFlags,
} from '@vmakit/base';
import { anonVmaFork, unlinkAnonVmas } from '@vmakit/rmap';
import { type UserfaultContext, type Vma, duplicateVma } from '@vmakit/vma-merge';
import { Mm, copyLayout } from '../mm.js';
import { copyPageRange } from '../pages/fork-copy.js';
import type { ForkCopy } from '../pages/fork-tables.js';
import { accountMapping, chargeMemory, refuseCharge, unchargeMemory } from './accounting.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';
import { exitMm } from './exit.js';

/** Page tables are copied for these even when the parent has no anon_vma (spec 01 section 2). */
const COPY_ON_FORK: VmFlags = VM_UFFD_RWP + (VM_PFNMAP | VM_MIXEDMAP | VM_UFFD_WP | VM_MAYBE_GUARD);

/**
 * fork as far as memory goes: a copy of an address space, `dup_mmap` (spec 01 section 10).
 *
 * @returns the child's address space; EINTR or ENOMEM: the copy made so far is torn down again, but pages of the
 * parent stay write-protected and no longer count as exclusive.
 */
export function forkMm(parent: Mm): Mm | MmError {
  const { observed } = parent.env.bus;
  if (observed) emitCallBegin(parent, 'fork', 0, 0);
  const child = duplicateMm(parent);
  if (observed) emitCallEnd(parent, 'fork', child instanceof MmError ? child : child.id);
  return child;
}

/**
 * execve as far as memory goes: a new, empty address space for a process that had `old`, which lives on with whoever
 * shares it. Limits and prctl(PR_SET_MEMORY_MERGE) stay with the process.
 */
export function execMm(old: Mm, layout: Mm['layout']): Mm {
  const mm = new Mm(old.env, layout);
  mm.limits = { ...old.limits };
  mm.mergeAny = old.mergeAny;
  mm.denyWriteExec = old.denyWriteExec;
  return mm;
}

function duplicateMm(parent: Mm): Mm | MmError {
  const killed = lockForWriting(parent);
  if (killed !== null) return killed;
  const { injector } = parent.env;
  if (injector !== null && injector.fails('page-table-pud')) {
    unlock(parent);
    return refuse('ENOMEM', 'spec 01.10: top page table');
  }
  const child = childMm(parent);
  const { count } = parent.tree;
  child.tree.reserve(count);
  parent.env.anonVmas.reserve(Math.min(count, parent.env.anonVmas.liveCount));
  const pages = parent.forkCopy.begin(child);
  const contexts = new Map<UserfaultContext, UserfaultContext>();
  let failed: MmError | null = null;
  for (let vma = parent.tree.first; vma !== null && failed === null; vma = vma.next) {
    if ((vma.flags & VM_DONTCOPY) !== 0) accountMapping(child, vma.flags, -vma.pages);
    else failed = copyToChild(pages, vma, contexts);
  }
  child.hiwaterVm = child.totalVm;
  unlock(parent);
  if (failed === null) return child;
  exitMm(child);
  return failed;
}

/** The child's address space before any VMA is copied: totals as the parent's, nothing locked. */
function childMm(parent: Mm): Mm {
  const child = new Mm(parent.env, copyLayout(parent.layout));
  child.limits = { ...parent.limits };
  child.totalVm = parent.totalVm;
  child.dataVm = parent.dataVm;
  child.execVm = parent.execVm;
  child.stackVm = parent.stackVm;
  child.defFlags = parent.defFlags & VM_NOHUGEPAGE;
  child.mergeAny = parent.mergeAny;
  child.brkStart = parent.brkStart;
  child.brk = parent.brk;
  child.dataSegmentBytes = parent.dataSegmentBytes;
  child.readImpliesExec = parent.readImpliesExec;
  child.denyWriteExec = parent.denyWriteExec;
  child.protectionKeys = parent.protectionKeys;
  child.executeOnlyKey = parent.executeOnlyKey;
  return child;
}

/** One VMA of the parent. Null: done; an error leaves the VMAs copied before, which the caller tears down. */
function copyToChild(pages: ForkCopy, vma: Vma, contexts: Map<UserfaultContext, UserfaultContext>): MmError | null {
  const { parent, child } = pages;
  const charged = (vma.flags & VM_ACCOUNT) !== 0 ? vma.pages : 0;
  if (charged !== 0 && !chargeMemory(parent, charged)) return refuseCharge(parent, 'spec 01.10: overcommit', charged);
  const copy = linkedCopy(child, vma, contexts);
  if (copy === null) {
    unchargeMemory(parent, charged);
    return refuse('ENOMEM', 'spec 01.10: no memory for a VMA or its links', { start: vma.start, end: vma.end });
  }
  child.tree.insert(copy.row);
  child.mapCount++;
  if ((copy.flags & VM_WIPEONFORK) !== 0) return null;
  if (!vma.faulted && !copy.hasAny(COPY_ON_FORK)) return null;
  if (copyPageRange(pages, copy, vma)) return null;
  return refuse('ENOMEM', 'spec 01.10: no memory to copy pages', { start: vma.start, end: vma.end });
}

/** The child's VMA, linked to its anon_vmas but not in the tree yet; null: memory ran out, nothing is left of it. */
function linkedCopy(child: Mm, vma: Vma, contexts: Map<UserfaultContext, UserfaultContext>): Vma | null {
  const { env } = child;
  const { injector } = env;
  if (injector !== null) {
    if (injector.fails('vma-alloc')) return null;
    if (vma.policy !== null && injector.fails('policy-duplicate')) return null;
  }
  const copy = duplicateVma(vma, child);
  if (vma.uffd !== null && !copyUserfault(child, copy, vma.uffd, contexts)) return null;
  // A wiped VMA starts unfaulted, its offsets stay as they are.
  if ((copy.flags & VM_WIPEONFORK) === 0 && !anonVmaFork(env, copy, vma)) return null;
  copy.flags = withoutFlags(copy.flags, VM_LOCKED_MASK);
  if (injector !== null && injector.fails('vma-tree-node')) {
    unlinkAnonVmas(env, copy);
    return null;
  }
  return copy;
}

/** The child keeps a registration only when its owner asked for fork events; then with a context of its own. */
function copyUserfault(
  child: Mm,
  copy: Vma,
  context: UserfaultContext,
  contexts: Map<UserfaultContext, UserfaultContext>,
): boolean {
  if (!context.forkEvents) {
    copy.uffd = null;
    copy.flags = withoutFlags(copy.flags, VM_UFFD_MASK);
    return true;
  }
  let own = contexts.get(context);
  if (own === undefined) {
    const { env } = child;
    if (env.injector !== null && env.injector.fails('uffd-context')) return false;
    own = { ...context, id: env.nextUserfaultId++ };
    contexts.set(context, own);
  }
  copy.uffd = own;
  return true;
}
