import { MmError, type SysResult, VM_MERGEABLE, refuse, withFlags, withoutFlags } from '@vmakit/base';
import { type Vma, isAnonymous, modifyVma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { breakKsm } from '../pages/ksm.js';
import { type Bytes, offsetInPage, pageOf, pagesCovering, wrapPages } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';
import { isKsmCompatible } from './mmap-flags.js';

/** Bytes of a name, the terminating zero included. */
const NAME_LIMIT = 80;

/**
 * prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): names anonymous memory, or takes its name away (null): spec 01 section 6.
 * Gaps are passed over and give ENOMEM at the end. Success: 0.
 */
export function setAnonymousName(mm: Mm, start: number, pages: number, name: string | null): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'prctl(PR_SET_VMA_ANON_NAME)', start, pages);
  const result = checkAndName(mm, start, pages, name);
  return observed ? emitCallEnd(mm, 'prctl(PR_SET_VMA_ANON_NAME)', result) : result;
}

/** The same as a program calls it, in bytes. */
export function setAnonymousNameBytes(mm: Mm, address: Bytes, length: Bytes, name: string | null): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0) {
    return refuse('EINVAL', 'spec 01.6: start unaligned', { address: String(address) });
  }
  const pages = pagesCovering(length, pageShift, 'length');
  return setAnonymousName(mm, pageOf(address, pageShift, 'address'), pages, name);
}

/** Printable ASCII without the characters that would confuse readers of /proc/PID/maps. */
function isValidName(name: string): boolean {
  return name.length < NAME_LIMIT && /^[ -~]*$/.test(name) && !/[\\`$[\]]/.test(name);
}

function checkAndName(mm: Mm, start: number, pages: number, name: string | null): SysResult {
  if (!mm.env.settings.anonymousNames) return refuse('EINVAL', 'spec 01.6: names are not configured');
  if (name !== null && !isValidName(name)) return refuse('EINVAL', 'spec 01.6: not a valid name', { name });
  const end = start + pages;
  if (end >= wrapPages(mm.env.arch.pageShift)) return refuse('EINVAL', 'spec 01.6: range wraps', { start, pages });
  if (pages === 0) return 0;
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = nameRange(mm, start, end, name);
  unlock(mm);
  return result;
}

function nameRange(mm: Mm, start: number, end: number, name: string | null): SysResult {
  let from = start;
  let gapAt = -1;
  let vma = mm.tree.find(from);
  while (from < end) {
    if (vma === null || vma.start > from) {
      if (gapAt < 0) gapAt = from;
      if (vma === null || vma.start >= end) break;
      from = vma.start;
    }
    const result = nameVma(mm, vma, from, Math.min(vma.end, end), name);
    if (result instanceof MmError) return result;
    from = result.end;
    vma = result.next;
  }
  return gapAt < 0 ? 0 : refuse('ENOMEM', 'spec 01.6: gap in the range', { at: gapAt });
}

function nameVma(mm: Mm, vma: Vma, start: number, end: number, name: string | null): Vma | MmError {
  const sharedAnonymous = vma.file !== null && vma.file.kind === 'shmem';
  if (!isAnonymous(vma) && !sharedAnonymous) {
    return refuse('EBADF', 'spec 01.6: not anonymous memory', { start: vma.start, end: vma.end });
  }
  if (vma.name === name) return vma;
  const { env } = mm;
  const { flags } = vma;
  const result = modifyVma(env, vma, start, end, { name }, env.settings.maxMapCount);
  if (result instanceof MmError) {
    return result.errno === 'ENOMEM' ? refuse('EAGAIN', result.rule, result.numbers) : result;
  }
  // The flags from before the merge: sticky ones that gathered in it are lost here, as in the kernel.
  result.flags = flags;
  result.name = name;
  return result;
}

/**
 * prctl(PR_SET_MEMORY_MERGE): on, every mapping that KSM can merge is marked for it, now and from now on; off, none is.
 * Nothing is done when it is so already, whatever MADV_UNMERGEABLE did meanwhile. Success: 0.
 */
export function setMemoryMerge(mm: Mm, on: boolean): SysResult {
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = on ? markAll(mm) : unmarkAll(mm);
  unlock(mm);
  return result;
}

function markAll(mm: Mm): SysResult {
  if (mm.mergeAny) return 0;
  mm.mergeAny = true;
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
    if (isKsmCompatible(vma.flags)) vma.flags = withFlags(vma.flags, VM_MERGEABLE);
  }
  return 0;
}

function unmarkAll(mm: Mm): SysResult {
  if (!mm.mergeAny) return 0;
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
    if (!vma.hasAny(VM_MERGEABLE)) continue;
    if (vma.faulted && !breakKsm(mm, vma, vma.start, vma.end)) {
      return refuse('ENOMEM', 'prctl: no memory to unshare KSM pages', { start: vma.start, end: vma.end });
    }
    vma.flags = withoutFlags(vma.flags, VM_MERGEABLE);
  }
  mm.mergeAny = false;
  return 0;
}

/** prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN): cannot be taken back. Success: 0. */
export function setDenyWriteExec(mm: Mm): SysResult {
  mm.denyWriteExec = true;
  return 0;
}
