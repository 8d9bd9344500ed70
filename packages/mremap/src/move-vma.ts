import { MmError, NONE, type SysResult, VM_ACCOUNT, VM_LOCKED, VM_MERGEABLE, refuse } from '@vmakit/base';
import { breakKsm, chargeMemory, refuseCharge, unchargeMemory } from '@vmakit/mm';
import { splitVma } from '@vmakit/vma-merge';
import { finishMove } from './finish-move.js';
import { copyAndMove } from './copy-and-move.js';
import type { RemapOperation } from './operation.js';
import { PolicyError } from './policy-error.js';
import type { PolicySession } from './policy-session.js';

/**
 * Moves `oldPages` of the VMA in `op.row` from `op.address` to `op.newAddress`, which is free: a new VMA there, or a
 * part of a neighbour, then the page tables, then the source unmapped (spec 05 section 7). On failure see spec 05
 * section 8.
 *
 * @returns the new address
 */
export function moveVma(op: RemapOperation): SysResult {
  const { bus } = op.mm.env;
  if (!bus.observed) return moveSteps(op);
  const { call, mm, address: from, newAddress: to, oldPages, newPages } = op;
  bus.emit({ type: 'mremap.move-begin', call, process: mm.id, from, to, oldPages, newPages });
  const result = moveSteps(op);
  const errno = result instanceof MmError ? result.errno : null;
  bus.emit({ type: 'mremap.move-end', call, process: mm.id, from, to, errno });
  return result;
}

function moveSteps(op: RemapOperation): SysResult {
  const { mm } = op;
  const { locks } = mm.env;
  const unprepared = prepareMove(op);
  if (unprepared !== null) return unprepared;
  const { table } = mm.tree;
  const charge = !table.hasAny(op.row, VM_ACCOUNT) ? 0 : op.keepsSource ? op.newPages : op.delta;
  if (charge !== 0 && !chargeMemory(mm, charge)) return refuseCharge(mm, 'spec 05.7 charge: overcommit', charge);
  const lockId = table.start(op.row);
  if (locks.enabled) locks.acquire('vma', lockId, 'write');
  const result = moveCharged(op, charge);
  if (locks.enabled) locks.release('vma', lockId);
  return result;
}

/** The part of a move that begins when its pages are charged and its source is locked. */
function moveCharged(op: RemapOperation, charge: number): SysResult {
  const { mm } = op;
  let session: PolicySession | null = null;
  if (op.policies.bound.length !== 0) {
    const refusal = op.session.decide(op);
    if (refusal instanceof PolicyError) {
      op.broken = refusal;
      if (charge !== 0) unchargeMemory(mm, charge);
      return refuse('ENOMEM', `policy ${refusal.policy} broke in ${refusal.hook}`);
    }
    if (refusal !== null) {
      if (charge !== 0 && !refusal.keepsCharge) unchargeMemory(mm, charge);
      return refusal.error;
    }
    if (op.session.taken) ({ session } = op);
  }
  const error = copyAndMove(op, session, charge);
  if (session !== null && session.broken !== null) op.broken = session.broken;
  return op.copy.row === NONE ? (error as MmError) : finishMove(op, op.copy.row, error);
}

/** Steps p1 to p4: what can refuse a move before anything is charged. KSM pages stay broken, splits stay. */
function prepareMove(op: RemapOperation): MmError | null {
  const { mm } = op;
  const { settings, profile } = mm.env;
  const { maxMapCount } = settings;
  const { row } = op;
  const { table } = mm.tree;
  const splitsLocked = op.keepsSource && table.hasAny(row, VM_LOCKED);
  const tooMany = profile.mremapAlwaysTestsMapCount
    ? mm.mapCount + (splitsLocked ? 3 : 2) > maxMapCount
    : mm.mapCount >= maxMapCount - 3;
  if (tooMany) return refuse('ENOMEM', 'spec 05.7 p1: map_count', { mapCount: mm.mapCount, maxMapCount });
  const mayHaveKsm = table.hasAny(row, VM_MERGEABLE) && table.isFaulted(row);
  if (mayHaveKsm && !breakKsm(mm, table.view(row), op.address, op.oldEnd)) {
    return refuse('ENOMEM', 'spec 05.7 p3: breaking KSM pages');
  }
  if (!splitsLocked || !profile.dontUnmapSplitsLocked) return null;
  const vma = table.view(row);
  if (vma.start < op.address) {
    const below = splitVma(mm.env, vma, op.address, true, maxMapCount);
    if (below instanceof MmError) return below;
  }
  if (vma.end > op.oldEnd) {
    const above = splitVma(mm.env, vma, op.oldEnd, false, maxMapCount);
    if (above instanceof MmError) return above;
  }
  return null;
}
