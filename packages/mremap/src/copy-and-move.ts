import { type MmError, VM_ACCOUNT, VM_LOCKED, refuse, withoutFlags } from '@vmakit/base';
import { accountMapping, unchargeMemory, unmapVma } from '@vmakit/mm';
import { anonVmaPrepare } from '@vmakit/rmap';
import { type CopiedVma, type CopyRange, type Vma, duplicateRange, mergeCopiedRange } from '@vmakit/vma-merge';
import { emitCopied, emitRollback, emitTables } from './move-reports.js';
import { movePageTables } from './move-page-tables.js';
import type { RemapOperation } from './operation.js';
import type { PolicySession } from './policy-session.js';
import { TableMove } from './table-move.js';

/**
 * What came of copying. `destination` null: nothing is left at the destination and the charge has been given back, the
 * call ends with `error`. Otherwise `error` says whether the tables are at the destination (null) or back at the
 * source.
 */
export interface CopyOutcome {
  readonly destination: Vma | null;
  readonly error: MmError | null;
}

/**
 * The copy step of a move (spec 05 section 7, c1 to c3) around the moments of the policy that took it, if one did. A
 * policy that cannot do its part makes the move an ordinary one, or fails the call: as it decided.
 */
export function copyAndMove(op: RemapOperation, session: PolicySession | null, charge: number): CopyOutcome {
  const { bus } = op.mm.env;
  let taking = session;
  for (;;) {
    const copied = copyDestination(op, taking);
    if (copied === null) return giveUp(op, charge, 'copy', refuse('ENOMEM', 'spec 05.7 c1: copying the VMA'));
    op.vma = copied.source;
    if (bus.observed) emitCopied(op, copied);
    if (taking === null || copied.merged) return moveTables(op, copied, null, charge);
    const part = taking.begin(copied.vma);
    if (part === 'done') return moveTables(op, copied, taking, charge);
    const { failure } = taking;
    taking.takeBack('walk');
    dropDestination(op, copied.vma, taking.undoUncharges);
    const errno = taking.failure ?? failure;
    if (errno !== null) return giveUp(op, charge, 'policy', refuse(errno, `policy ${taking.policy}: its part failed`));
    taking = null;
  }
}

/** The destination VMA; null when memory ran out or the policy broke, with nothing left behind. */
function copyDestination(op: RemapOperation, session: PolicySession | null): CopiedVma | null {
  const { mm } = op;
  const source = op.vma as Vma;
  const range: CopyRange = {
    sourceStart: op.address,
    start: op.newAddress,
    pages: op.newPages,
    keepSource: op.keepsSource,
  };
  const merged = mergeCopiedRange(mm.env, source, range);
  if (merged !== null) return merged;
  const plan = session === null ? 'keep' : session.plan();
  if (plan === null) return null;
  const copied = duplicateRange(mm.env, source, range, plan === 'fresh');
  if (copied === null || plan === 'keep') return copied;
  if (anonVmaPrepare(mm.env, copied.vma)) return copied;
  dropDestination(op, copied.vma, session !== null && session.undoUncharges);
  return null;
}

/** Steps c2 and c3: moves the page tables, and on a failure moves them back. */
function moveTables(op: RemapOperation, copied: CopiedVma, session: PolicySession | null, charge: number): CopyOutcome {
  const { mm } = op;
  const destination = copied.vma;
  const move = new TableMove(mm, {
    sourceVma: op.vma as Vma,
    targetVma: destination,
    source: op.address,
    target: op.newAddress,
    pages: op.oldPages,
    needRmapLocks: copied.needRmapLocks,
    heldRoot: session?.move.heldRoot ?? null,
    back: false,
    unbalancedRmapLocks: op.policies.unbalancedRmapLocks,
  });
  const moved = movePageTables(move);
  op.policies.moved.add(move);
  if (mm.env.bus.observed) emitTables(op, move, 'forward', moved);
  let error: MmError | null = null;
  if (moved < op.oldPages) {
    error = refuse('ENOMEM', 'spec 05.7 c2: page tables', { moved, wanted: op.oldPages });
    if (session !== null) session.move.failedAt = op.address + moved;
  } else if (session !== null && !session.tablesMoved()) {
    error = refuse('ENOMEM', `policy ${session.policy} broke`);
  }
  if (error !== null) {
    moveBack(op, destination, moved, session);
    session?.takeBack('tables');
    if (mm.env.bus.observed) emitRollback(op, 'tables', error);
    if (charge !== 0 && !op.keepsSource) unchargeMemory(mm, charge);
    return { destination, error };
  }
  if (session === null) return { destination, error: null };
  session.complete();
  session.lastMerge();
  op.vma = session.move.source as Vma;
  return { destination: session.move.destination as Vma, error: null };
}

function moveBack(op: RemapOperation, destination: Vma, moved: number, session: PolicySession | null): void {
  const back = new TableMove(op.mm, {
    sourceVma: destination,
    targetVma: op.vma as Vma,
    source: op.newAddress,
    target: op.address,
    pages: moved,
    needRmapLocks: true,
    heldRoot: session?.move.heldRoot ?? null,
    back: true,
    unbalancedRmapLocks: op.policies.unbalancedRmapLocks,
  });
  const returned = movePageTables(back);
  if (op.mm.env.bus.observed) emitTables(op, back, 'back', returned);
}

/**
 * Takes a destination that holds nothing away again. Its pages were never charged (but for growth, which the caller
 * gives back), so it must not return them to the accounts either: `uncharge` does so all the same (spec 06 section 6,
 * A3).
 */
function dropDestination(op: RemapOperation, destination: Vma, uncharge: boolean): void {
  const { mm } = op;
  const { hiwaterVm } = mm;
  if (!uncharge) destination.flags = withoutFlags(destination.flags, VM_ACCOUNT);
  // Unmapping takes the pages off the totals, where they have not been put yet.
  accountMapping(mm, destination.flags, op.newPages);
  if ((destination.flags & VM_LOCKED) !== 0) mm.lockedVm += op.newPages;
  unmapVma(mm, destination);
  if (!uncharge) mm.hiwaterVm = hiwaterVm;
}

function giveUp(op: RemapOperation, charge: number, step: 'copy' | 'policy', error: MmError): CopyOutcome {
  if (charge !== 0) unchargeMemory(op.mm, charge);
  if (op.mm.env.bus.observed) emitRollback(op, step, error);
  return { destination: null, error };
}
