import { MmError, type SysResult, refuse } from '@vmakit/base';
import { type MemoryPolicy, type Vma, modifyVma, policiesEqual } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';

/**
 * mbind: gives the range a memory policy of its own, or none (null: MPOL_DEFAULT). Policies take part in merging (spec
 * 02 section 2); where pages lie is not modelled. Success: 0.
 */
export function mbind(mm: Mm, start: number, pages: number, policy: MemoryPolicy | null): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'mbind', start, pages);
  const result = checkAndBind(mm, start, pages, policy);
  return observed ? emitCallEnd(mm, 'mbind', result) : result;
}

/** mbind as a program calls it, in bytes. */
export function mbindBytes(mm: Mm, address: Bytes, length: Bytes, policy: MemoryPolicy | null): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'spec 02.1 mbind: start unaligned', { address: String(address) });
  }
  return mbind(mm, pageOf(address, pageShift, 'address'), pagesCovering(length, pageShift, 'length'), policy);
}

function checkAndBind(mm: Mm, start: number, pages: number, policy: MemoryPolicy | null): SysResult {
  const wrap = wrapPages(mm.env.arch.pageShift);
  const end = start + (pages % wrap);
  if (end >= wrap) return refuse('EINVAL', 'spec 02.1 mbind: range wraps', { start, pages });
  if (end === start) return 0;
  const { injector } = mm.env;
  if (policy !== null && injector !== null && injector.fails('policy-duplicate')) {
    return refuse('ENOMEM', 'spec 02.1 mbind: memory policy');
  }
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = bindRange(mm, start, end, policy);
  unlock(mm);
  return result;
}

function bindRange(mm: Mm, start: number, end: number, policy: MemoryPolicy | null): SysResult {
  const first = mm.tree.firstOverlap(start, end);
  // A policy is taken away from whatever is there; to be given one the whole range must be mapped.
  if (first === null || (policy !== null && !isWholeMapped(first, start, end))) {
    return refuse('EFAULT', 'spec 02.1 mbind: gap in the range', { start, end });
  }
  const { env } = mm;
  for (let vma: Vma | null = first; vma !== null && vma.start < end;) {
    let bound: Vma = vma;
    if (!policiesEqual(vma.policy, policy)) {
      const from = Math.max(vma.start, start);
      const result = modifyVma(env, vma, from, Math.min(vma.end, end), { policy }, env.settings.maxMapCount);
      if (result instanceof MmError) return result;
      result.policy = policy;
      bound = result;
    }
    vma = bound.next;
  }
  return 0;
}

function isWholeMapped(first: Vma, start: number, end: number): boolean {
  let reached = start;
  for (let vma: Vma | null = first; vma !== null && vma.start <= reached && reached < end; vma = vma.next) {
    reached = vma.end;
  }
  return reached >= end;
}
