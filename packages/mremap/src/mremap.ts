import { MmError, type SysResult, refuse } from '@vmakit/base';
import { type Mm, lockForWriting, pageOf, pagesCovering, populateRange, unlock } from '@vmakit/mm';
import { checkVma } from './check-vma.js';
import { MREMAP_DONTUNMAP, MREMAP_FIXED, flagNames } from './flags.js';
import { moveMany } from './move-many.js';
import type { RemapOperation } from './operation.js';
import { type RawMremap, checkParameters } from './parameters.js';
import type { PolicySet } from './policy-set.js';
import { remapAt } from './remap-in-place.js';
import { checkMapCountOfMove, remapTo } from './remap-to.js';

/**
 * mremap(2): resizes or moves a mapping (spec 05), with the policies of the kernel taking part (spec 06).
 *
 * @returns the page number of the resulting address, or what the kernel refuses with. Partial effects that a failing
 * call leaves are those of spec 05 section 8.
 * @throws {TypeError | RangeError} naming an argument that is not a 64-bit word
 * @throws {PolicyError} when a policy breaks its contract; the call has been rolled back as if memory had run out
 */
export function mremap(policies: PolicySet, mm: Mm, raw: RawMremap): SysResult {
  policies.refuseReentry('mremap');
  const { bus } = mm.env;
  const call = ++policies.calls;
  const op = policies.nextOperation();
  const { request } = op;
  const refusal = checkParameters(raw, policies.limits, mm.layout.taskSize, request);
  op.inProgress = true;
  if (bus.observed) emitBegin(mm, policies, call, raw);
  const result = refusal ?? perform(op, mm, call);
  op.inProgress = false;
  const broken = refusal === null ? op.broken : null;
  if (bus.observed) emitEnd(mm, call, result);
  if (broken !== null) throw broken;
  return result;
}

function perform(op: RemapOperation, mm: Mm, call: number): SysResult {
  const { request } = op;
  op.begin(mm, call);
  const result = runLocked(op);
  if (op.populateExpand && typeof result === 'number') {
    populateRange(mm, result + request.oldPages, result + request.newPages, 'vma');
  }
  return result;
}

/** The call under the mmap lock. */
function runLocked(op: RemapOperation): SysResult {
  const { mm } = op;
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = dispatch(op);
  unlock(mm);
  return result;
}

/** Spec 05 section 2. */
function dispatch(op: RemapOperation): SysResult {
  const { mm } = op;
  const { profile, settings } = mm.env;
  if (profile.mremapAlwaysTestsMapCount) {
    const { mapCount } = mm;
    if (mapCount + ((op.flags & MREMAP_DONTUNMAP) === 0 ? 4 : 5) > settings.maxMapCount) {
      return refuse('ENOMEM', 'spec 01.9 mremap: map_count', { mapCount, maxMapCount: settings.maxMapCount });
    }
  }
  const full = profile.mremapTestsMapCountFirst ? checkMapCountOfMove(op) : null;
  if (full !== null) return full;
  if (op.isFixed && op.oldPages === op.newPages && profile.multiVmaMove) return moveMany(op);
  op.row = mm.tree.rowAt(op.address);
  return checkVma(op) ?? (op.impliesNewAddress ? remapTo(op) : remapAt(op));
}

function emitBegin(mm: Mm, policies: PolicySet, call: number, raw: RawMremap): void {
  const { pageShift } = mm.env.arch;
  const flags = Number(BigInt.asUintN(32, BigInt(raw.flags)));
  mm.env.bus.emit({
    type: 'mremap.begin',
    call,
    process: mm.id,
    address: pageOf(raw.address, pageShift, 'address'),
    oldPages: pagesCovering(raw.oldLength, pageShift, 'oldLength'),
    newPages: pagesCovering(raw.newLength, pageShift, 'newLength'),
    newAddress:
      (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) === 0 ? null : pageOf(raw.newAddress ?? 0, pageShift, 'newAddress'),
    flags: flagNames(flags, policies.flagNames),
  });
}

function emitEnd(mm: Mm, call: number, result: SysResult): SysResult {
  const refused = result instanceof MmError;
  mm.env.bus.emit({
    type: 'mremap.end',
    call,
    process: mm.id,
    result: refused ? null : result,
    errno: refused ? result.errno : null,
    rule: refused ? result.rule : null,
  });
  return result;
}
