import { type MmError, NONE, VM_ACCOUNT, VM_LOCKED, refuse, withoutFlags } from '@vmakit/base';
import { accountMapping, unchargeMemory, unmapVma } from '@vmakit/mm';
import { anonVmaPrepare } from '@vmakit/rmap';
import { duplicateRange, mergeCopiedRange } from '@vmakit/vma-merge';
import { emitCopied, emitRollback, emitTables } from './move-reports.js';
import { movePageTables } from './move-page-tables.js';
import type { RemapOperation } from './operation.js';
import type { PolicySession } from './policy-session.js';

/**
 * The copy step of a move (spec 05 section 7, c1 to c3) around the moments of the policy that took it, if one did. A
 * policy that cannot do its part makes the move an ordinary one, or fails the call: as it decided.
 *
 * @returns why it failed. `op.copy.row` is none then when nothing is left at the destination and the charge has been
 * given back; else the tables are back at the source. Null: they are at the destination.
 */
export function copyAndMove(op: RemapOperation, session: PolicySession | null, charge: number): MmError | null {
  const { bus } = op.mm.env;
  const { copy } = op;
  let taking = session;
  for (;;) {
    copy.begin(op.mm, op.row, op.keepsSource);
    // Not handed over: page numbers would be made objects for the call.
    copy.sourceStart = op.address;
    copy.start = op.newAddress;
    copy.pages = op.newPages;
    if (!copyDestination(op, taking)) {
      return giveUp(op, charge, 'copy', refuse('ENOMEM', 'spec 05.7 c1: copying the VMA'));
    }
    op.row = copy.sourceRow;
    if (bus.observed) emitCopied(op, copy);
    if (taking === null || copy.merged) return moveTables(op, null, charge);
    const destination = copy.row;
    const part = taking.begin(op.mm.tree.table.view(destination));
    if (part === 'done') return moveTables(op, taking, charge);
    const { failure } = taking;
    taking.takeBack('walk');
    dropDestination(op, destination, taking.undoUncharges);
    const errno = taking.failure ?? failure;
    if (errno !== null) return giveUp(op, charge, 'policy', refuse(errno, `policy ${taking.policy}: its part failed`));
    taking = null;
  }
}

/** Makes the destination VMA; false when memory ran out or the policy broke, with nothing left behind. */
function copyDestination(op: RemapOperation, session: PolicySession | null): boolean {
  const { copy } = op;
  const { env, tree } = op.mm;
  if (mergeCopiedRange(env, copy)) return true;
  const plan = session === null ? 'keep' : session.plan();
  if (plan === null) return false;
  if (!duplicateRange(env, copy, plan === 'fresh')) return false;
  if (plan === 'keep' || anonVmaPrepare(env, tree.table, copy.row)) return true;
  dropDestination(op, copy.row, session !== null && session.undoUncharges);
  return false;
}

/** Steps c2 and c3: moves the page tables, and on a failure moves them back. */
function moveTables(op: RemapOperation, session: PolicySession | null, charge: number): MmError | null {
  const { mm, copy } = op;
  const move = op.tables.begin(op, op.oldPages);
  move.needRmapLocks = copy.needRmapLocks;
  move.heldRootSlot = session === null ? NONE : session.move.heldRootSlot;
  move.unbalancedRmapLocks = op.policies.unbalancedRmapLocks;
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
    moveBack(op, moved, session);
    session?.takeBack('tables');
    if (mm.env.bus.observed) emitRollback(op, 'tables', error);
    if (charge !== 0 && !op.keepsSource) unchargeMemory(mm, charge);
    return error;
  }
  if (session === null) return null;
  session.complete();
  session.lastMerge();
  op.row = session.move.source.row;
  copy.row = session.move.destination?.row ?? NONE;
  return null;
}

function moveBack(op: RemapOperation, moved: number, session: PolicySession | null): void {
  const back = op.tablesBack.begin(op, moved);
  back.needRmapLocks = true;
  back.heldRootSlot = session === null ? NONE : session.move.heldRootSlot;
  back.unbalancedRmapLocks = op.policies.unbalancedRmapLocks;
  const returned = movePageTables(back);
  if (op.mm.env.bus.observed) emitTables(op, back, 'back', returned);
}

/**
 * Takes a destination that holds nothing away again. Its pages were never charged (but for growth, which the caller
 * gives back), so it must not return them to the accounts either: `uncharge` does so all the same (spec 06 section 6,
 * A3).
 */
function dropDestination(op: RemapOperation, destination: number, uncharge: boolean): void {
  const { mm } = op;
  const { table } = mm.tree;
  const { hiwaterVm } = mm;
  if (!uncharge) table.setFlags(destination, withoutFlags(table.flags(destination), VM_ACCOUNT));
  // Unmapping takes the pages off the totals, where they have not been put yet.
  accountMapping(mm, table.flags(destination), op.newPages);
  if (table.hasAny(destination, VM_LOCKED)) mm.lockedVm += op.newPages;
  unmapVma(mm, destination);
  if (!uncharge) mm.hiwaterVm = hiwaterVm;
}

function giveUp(op: RemapOperation, charge: number, step: 'copy' | 'policy', error: MmError): MmError {
  if (charge !== 0) unchargeMemory(op.mm, charge);
  if (op.mm.env.bus.observed) emitRollback(op, step, error);
  op.copy.row = NONE;
  return error;
}
