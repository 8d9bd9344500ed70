import { type MmError, NONE, VM_ACCOUNT, VM_LOCKED, refuse, withoutFlags } from '@vmakit/base';
import { accountMapping, unchargeMemory, unmapVma } from '@vmakit/mm';
import { anonVmaPrepare } from '@vmakit/rmap';
import { copyVma, duplicateRange, mergeCopiedRange } from '@vmakit/vma-merge';
import { emitCopied, emitRollback, emitTables } from './move-reports.js';
import { movePageTables } from './move-page-tables.js';
import type { RemapOperation } from './operation.js';
import type { PolicySession } from './policy-session.js';

/**
 * The copy step of a move (spec 05 section 7, c1 to c3) around the moments of the policy that took it, if one did. A
 * policy that cannot do its part makes the move an ordinary one, or fails the call: as it decided.
 *
 * The ordinary move has a path of its own: what the engine learns of one does not slow down the other.
 *
 * @returns why it failed. `op.copy.row` is none then when nothing is left at the destination and the charge has been
 * given back; else the tables are back at the source. Null: they are at the destination.
 */
export function copyAndMove(op: RemapOperation, session: PolicySession | null, charge: number): MmError | null {
  return session === null ? moveOrdinarily(op, charge) : moveWithPolicy(op, session, charge);
}

function moveOrdinarily(op: RemapOperation, charge: number): MmError | null {
  beginCopy(op);
  if (!copyVma(op.mm.env, op.copy)) return refuseCopy(op, charge);
  endCopy(op);
  return moveTables(op, charge);
}

function moveWithPolicy(op: RemapOperation, session: PolicySession, charge: number): MmError | null {
  const { copy } = op;
  beginCopy(op);
  if (!copyDestination(op, session)) return refuseCopy(op, charge);
  endCopy(op);
  if (copy.merged) return moveTables(op, charge);
  const part = session.begin(copy.row);
  if (part === 'done') return moveTablesWithPolicy(op, session, charge);
  const { failure } = session;
  session.takeBack('walk');
  dropDestination(op, copy.row, session.undoUncharges);
  const errno = session.failure ?? failure;
  if (errno !== null) return giveUp(op, charge, 'policy', refuse(errno, `policy ${session.policy}: its part failed`));
  return moveOrdinarily(op, charge);
}

function beginCopy(op: RemapOperation): void {
  const { copy } = op;
  copy.begin(op.mm, op.row, op.keepsSource);
  // Not handed over: page numbers would be made objects for the call.
  copy.sourceStart = op.address;
  copy.start = op.newAddress;
  copy.pages = op.newPages;
}

/** The destination is there; the source may have merged with it. */
function endCopy(op: RemapOperation): void {
  const { copy } = op;
  op.row = copy.sourceRow;
  if (op.mm.env.bus.observed) emitCopied(op, copy);
}

/** Makes the destination VMA; false when memory ran out or the policy broke, with nothing left behind. */
function copyDestination(op: RemapOperation, session: PolicySession): boolean {
  const { copy } = op;
  const { env, tree } = op.mm;
  if (mergeCopiedRange(env, copy)) return true;
  const plan = session.plan();
  if (plan === null) return false;
  if (!duplicateRange(env, copy, plan === 'fresh')) return false;
  if (plan === 'keep' || anonVmaPrepare(env, tree.table, copy.row)) return true;
  dropDestination(op, copy.row, session.undoUncharges);
  return false;
}

/** Steps c2 and c3: moves the page tables, and on a failure moves them back. */
function moveTables(op: RemapOperation, charge: number): MmError | null {
  const moved = moveForward(op, NONE);
  if (moved === op.oldPages) return null;
  moveBack(op, moved, NONE);
  return tablesFailed(op, refuseTables(op, moved), charge);
}

/** The same, with what the policy does when they are moved, and the last merge. */
function moveTablesWithPolicy(op: RemapOperation, session: PolicySession, charge: number): MmError | null {
  const { move } = session;
  const { heldRootSlot } = move;
  const moved = moveForward(op, heldRootSlot);
  let error: MmError | null = null;
  if (moved < op.oldPages) {
    error = refuseTables(op, moved);
    move.failedAt = op.address + moved;
  } else if (!session.tablesMoved()) {
    error = refuse('ENOMEM', `policy ${session.policy} broke`);
  }
  if (error !== null) {
    moveBack(op, moved, heldRootSlot);
    session.takeBack('tables');
    return tablesFailed(op, error, charge);
  }
  session.complete();
  session.lastMerge();
  op.row = move.sourceRow;
  op.copy.row = move.destinationRow;
  return null;
}

/** Moves the page tables; gives how many pages were passed. `heldRootSlot`: what the caller holds, see `TableMove`. */
function moveForward(op: RemapOperation, heldRootSlot: number): number {
  const move = op.tables.begin(op, op.oldPages);
  move.needRmapLocks = op.copy.needRmapLocks;
  move.heldRootSlot = heldRootSlot;
  move.unbalancedRmapLocks = op.policies.unbalancedRmapLocks;
  const moved = movePageTables(move);
  op.policies.moved.add(move);
  if (op.mm.env.bus.observed) emitTables(op, move, 'forward', moved);
  return moved;
}

function moveBack(op: RemapOperation, moved: number, heldRootSlot: number): void {
  const back = op.tablesBack.begin(op, moved);
  back.needRmapLocks = true;
  back.heldRootSlot = heldRootSlot;
  back.unbalancedRmapLocks = op.policies.unbalancedRmapLocks;
  const returned = movePageTables(back);
  if (op.mm.env.bus.observed) emitTables(op, back, 'back', returned);
}

function refuseTables(op: RemapOperation, moved: number): MmError {
  return refuse('ENOMEM', 'spec 05.7 c2: page tables', { moved, wanted: op.oldPages });
}

/** The tables are back where they were. */
function tablesFailed(op: RemapOperation, error: MmError, charge: number): MmError {
  if (op.mm.env.bus.observed) emitRollback(op, 'tables', error);
  if (charge !== 0 && !op.keepsSource) unchargeMemory(op.mm, charge);
  return error;
}

function refuseCopy(op: RemapOperation, charge: number): MmError {
  return giveUp(op, charge, 'copy', refuse('ENOMEM', 'spec 05.7 c1: copying the VMA'));
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
