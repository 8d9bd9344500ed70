import { MmError, type SysResult, VM_SEALED, refuse, withFlags } from '@vmakit/base';
import { STICKY_FLAGS } from '@vmakit/rmap';
import { type Vma, modifyVma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';

/** mseal: nothing of the range can be unmapped, replaced, moved or given other access any more. Success: 0. */
export function mseal(mm: Mm, start: number, pages: number, flags = 0): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'mseal', start, pages);
  const result = checkAndSeal(mm, start, pages, flags);
  return observed ? emitCallEnd(mm, 'mseal', result) : result;
}

/** mseal as a program calls it, in bytes. */
export function msealBytes(mm: Mm, address: Bytes, length: Bytes, flags = 0): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'spec 01.7: start unaligned', { address: String(address) });
  }
  return mseal(mm, pageOf(address, pageShift, 'address'), pagesCovering(length, pageShift, 'length'), flags);
}

function checkAndSeal(mm: Mm, start: number, pages: number, flags: number): SysResult {
  if (flags !== 0) return refuse('EINVAL', 'spec 01.7: mseal has no flags', { flags });
  const end = start + pages;
  if (end >= wrapPages(mm.env.arch.pageShift)) return refuse('EINVAL', 'spec 01.7: range wraps', { start, pages });
  if (pages === 0) return 0;
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = seal(mm, start, end);
  unlock(mm);
  return result;
}

function seal(mm: Mm, start: number, end: number): SysResult {
  let reached = start;
  for (let vma = mm.tree.find(start); vma !== null && vma.start <= reached && reached < end; vma = vma.next) {
    reached = vma.end;
  }
  if (reached < end) return refuse('ENOMEM', 'spec 01.7: gap in the range', { at: reached });
  const { env } = mm;
  for (let vma = mm.tree.find(start); vma !== null && vma.start < end;) {
    let sealed: Vma = vma;
    if (!vma.hasAny(VM_SEALED)) {
      const flags = withFlags(vma.flags, VM_SEALED);
      const from = Math.max(vma.start, start);
      const result = modifyVma(env, vma, from, Math.min(vma.end, end), { flags }, env.settings.maxMapCount);
      if (result instanceof MmError) return result;
      result.flags = withFlags(flags, result.flags & STICKY_FLAGS);
      sealed = result;
    }
    vma = sealed.next;
  }
  return 0;
}
