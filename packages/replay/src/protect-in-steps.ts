import { MmError } from '@vmakit/base';
import type { Process } from '@vmakit/kernel';
import type { SyscallEventOf } from '@vmakit/trace';
import type { Vma } from '@vmakit/vma-merge';
import type { CallOutcome } from './run-call.js';

/** Told of the first byte that a step has changed. */
export type StepListener = (address: number) => void;

/** PROT_GROWSDOWN and PROT_GROWSUP: the range is more than what was given. */
const GROWS = 0x0300_0000;

/**
 * mprotect changes one VMA after the other, and the kernel tells of each as it is then: what one step has made, a
 * later one may merge. So that each word of the kernel can be checked, the steps are done one by one; the result is
 * that of the whole call. So they are of a call that came to a hole: what lies before it has changed.
 */
export function protectInSteps(
  process: Process,
  event: SyscallEventOf<'mprotect'> | SyscallEventOf<'pkey_mprotect'>,
  onStep: StepListener,
): CallOutcome {
  const { address, length, prot } = event.args;
  const key = event.call === 'pkey_mprotect' ? event.args.pkey : -1;
  const { mm } = process;
  const bytes = mm.env.arch.pageSize;
  const end = Math.ceil((address + length) / bytes);
  let page = address / bytes;
  if ((event.errno !== null && event.errno !== 'ENOMEM') || !Number.isInteger(page) || (prot & GROWS) !== 0)
    return protectAtOnce(process, event, key);
  while (page < end) {
    const vma = mm.tree.at(page);
    if (vma === null) break;
    const { flags } = vma;
    const stop = Math.min(end, vma.end);
    const result = process.mprotect(page * bytes, (stop - page) * bytes, prot, key);
    if (result instanceof MmError) return { value: null, refused: result };
    const after = mm.tree.at(page) as Vma;
    // The kernel has nothing to tell of a VMA that is as it should be, nor of one that a merge has taken in.
    if (after.flags !== flags) onStep(page * bytes);
    page = Math.max(stop, Math.min(end, after.end));
  }
  return page >= end ? { value: 0, refused: null } : protectAtOnce(process, event, key);
}

function protectAtOnce(
  process: Process,
  { args: { address, length, prot } }: SyscallEventOf<'mprotect'> | SyscallEventOf<'pkey_mprotect'>,
  key: number,
): CallOutcome {
  const result = process.mprotect(address, length, prot, key);
  return result instanceof MmError ? { value: null, refused: result } : { value: result, refused: null };
}
