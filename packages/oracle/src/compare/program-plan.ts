import type { Operation } from '@vmakit/trace';
import { OP_LOOK } from '../driver/protocol.js';
import { type OmissionContext, type OmissionRule, isRelocating, omissionOf } from '../driver/omission.js';
import { encodeOperation } from '../driver/encode-operation.js';
import { ProgramRequest } from '../driver/program-request.js';
import { type Thoroughness, WANT_EVERYTHING, wantAfter } from './want.js';

/** A program as it is performed on both sides. */
export interface ProgramPlan {
  /** What is performed, in order; its index is the number of the helper's record. */
  readonly performed: readonly Operation[];
  /** Where each stood in the program. */
  readonly positions: readonly number[];
  /** What is left out, by rule. */
  readonly omitted: ReadonlyMap<OmissionRule, number>;
  readonly request: ProgramRequest;
}

/** Decides what of a program is performed, and puts it into the helper's form: last a look at every living process. */
export function planProgram(
  operations: readonly Operation[],
  context: OmissionContext,
  how: Thoroughness,
  pageSize: number,
): ProgramPlan {
  const performed: Operation[] = [];
  const positions: number[] = [];
  const omitted = new Map<OmissionRule, number>();
  const request = new ProgramRequest(pageSize, operations.length + 4);
  const living = new Set([0]);
  let lockingLimited = false;
  operations.forEach((given, position) => {
    const underLimit = lockingLimited && given.op === 'pin' ? 'pin-under-limit' : null;
    const rule = omissionOf(given, context) ?? underLimit;
    if (rule !== null) {
      omitted.set(rule, (omitted.get(rule) ?? 0) + 1);
      return;
    }
    const operation = withoutRelocation(given);
    if (operation.op === 'rlimit' && operation.what === 'MEMLOCK') lockingLimited = true;
    if (operation.op === 'fork') living.add(operation.child);
    if (operation.op === 'exit') living.delete(operation.p);
    encodeOperation(request, operation, wantAfter(performed.length, how));
    performed.push(operation);
    positions.push(position);
  });
  for (const process of [...living].sort((a, b) => a - b)) request.add(OP_LOOK, process, WANT_EVERYTHING);
  return { performed, positions, omitted, request };
}

/** A relocating move that was not left out is performed as a plain one. */
function withoutRelocation(operation: Operation): Operation {
  if (operation.op !== 'mremap' || !isRelocating(operation.flags)) return operation;
  return { ...operation, flags: operation.flags.filter((name) => !isRelocating([name])) };
}
