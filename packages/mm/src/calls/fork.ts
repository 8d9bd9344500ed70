import {
  MmError,
  NONE,
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
import type { UserfaultContext, Vma } from '@vmakit/vma-merge';
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
  const { table } = parent.tree;
  for (let row = parent.tree.firstRow; row !== NONE && failed === null; row = table.next(row)) {
    const flags = table.flags(row);
    if ((flags & VM_DONTCOPY) !== 0) accountMapping(child, flags, table.start(row) - table.end(row));
    else failed = copyToChild(pages, row, contexts);
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

/** The VMA in `row` of the parent. Null: done; after an error the caller tears down the VMAs copied before. */
function copyToChild(pages: ForkCopy, row: number, contexts: Map<UserfaultContext, UserfaultContext>): MmError | null {
  const { parent, child } = pages;
  const { table } = parent.tree;
  const start = table.start(row);
  const end = table.end(row);
  const charged = (table.flagsLower(row) & VM_ACCOUNT) !== 0 ? end - start : 0;
  if (charged !== 0 && !chargeMemory(parent, charged)) return refuseCharge(parent, 'spec 01.10: overcommit', charged);
  const copy = linkedCopy(parent, child, row, contexts);
  if (copy === NONE) {
    unchargeMemory(parent, charged);
    return refuse('ENOMEM', 'spec 01.10: no memory for a VMA or its links', { start, end });
  }
  child.tree.insert(copy);
  child.mapCount++;
  const copies = child.tree.table;
  if ((copies.flagsLower(copy) & VM_WIPEONFORK) !== 0) return null;
  if (!table.isFaulted(row) && !copies.hasAny(copy, COPY_ON_FORK)) return null;
  if (copyPageRange(pages, copy, row)) return null;
  return refuse('ENOMEM', 'spec 01.10: no memory to copy pages', { start, end });
}

/**
 * The row of the child's VMA, linked to its anon_vmas but not in the tree yet; {@link NONE}: memory ran out, nothing is
 * left of it.
 */
function linkedCopy(parent: Mm, child: Mm, row: number, contexts: Map<UserfaultContext, UserfaultContext>): number {
  const { env } = child;
  const { injector } = env;
  const { table } = parent.tree;
  const copies = child.tree.table;
  if (injector !== null) {
    if (injector.fails('vma-alloc')) return NONE;
    if (table.extras(row).policy !== null && injector.fails('policy-duplicate')) return NONE;
  }
  const copy = copies.duplicate(table, row);
  const { uffd } = table.extras(row);
  if (uffd !== null && !copyUserfault(child, copies.view(copy), uffd, contexts)) return NONE;
  // A wiped VMA starts unfaulted, its offsets stay as they are.
  const isWiped = (copies.flagsLower(copy) & VM_WIPEONFORK) !== 0;
  if (!isWiped && !anonVmaFork(env, copies, copy, table, row)) return NONE;
  if (copies.hasAny(copy, VM_LOCKED_MASK)) copies.setFlags(copy, withoutFlags(copies.flags(copy), VM_LOCKED_MASK));
  if (injector !== null && injector.fails('vma-tree-node')) {
    unlinkAnonVmas(env, copies, copy);
    return NONE;
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
