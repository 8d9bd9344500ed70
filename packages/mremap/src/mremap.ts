import { MmError, type SysResult, refuse } from '@vmakit/base';
import { type Mm, lockForWriting, pageOf, pagesCovering, populateRange, unlock } from '@vmakit/mm';
import { checkVma } from './check-vma.js';
import { MREMAP_DONTUNMAP, MREMAP_FIXED, flagNames } from './flags.js';
import { moveMany } from './move-many.js';
import { RemapOperation } from './operation.js';
import { type MremapRequest, type RawMremap, checkParameters } from './parameters.js';
import type { PolicySet } from './policy-set.js';
import { remapAt } from './remap-in-place.js';
import { checkMapCountOfMove, remapTo } from './remap-to.js';

/** Bits of an address that arm64 ignores. */
const ARM64_TAG = 0xff00000000000000n;

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
  const { arch, bus } = mm.env;
  const call = ++policies.calls;
  const request = checkParameters(raw, {
    pageShift: arch.pageShift,
    taskSize: mm.layout.taskSize,
    tagMask: arch.family === 'arm64' ? ARM64_TAG : 0n,
    knownFlags: policies.knownFlags,
    flagsThatNeedMayMove: policies.flagsThatNeedMayMove,
  });
  if (bus.observed) emitBegin(mm, policies, call, raw);
  if (request instanceof MmError) return bus.observed ? emitEnd(mm, call, request) : request;
  const op = new RemapOperation(mm, policies, call, request);
  const result = runLocked(op, request);
  if (op.populateExpand && !(result instanceof MmError)) {
    populateRange(mm, result + request.oldPages, result + request.newPages, 'vma');
  }
  if (bus.observed) emitEnd(mm, call, result);
  if (op.broken !== null) throw op.broken;
  return result;
}

/** The call under the mmap lock. */
function runLocked(op: RemapOperation, request: MremapRequest): SysResult {
  const { mm } = op;
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = dispatch(op, request);
  unlock(mm);
  return result;
}

/** Spec 05 section 2. */
function dispatch(op: RemapOperation, request: MremapRequest): SysResult {
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
  const { oldPages, newPages } = request;
  if (op.isFixed && oldPages === newPages && profile.multiVmaMove) return moveMany(op);
  op.vma = mm.tree.at(op.address);
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
