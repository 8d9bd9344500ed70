import {
  MmError,
  type SysResult,
  VM_DROPPABLE,
  VM_HUGETLB,
  VM_MAYWRITE,
  VM_UFFD_MASK,
  VM_UFFD_MINOR,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  type VmFlags,
  hasAny,
  refuse,
  withFlags,
  withoutFlags,
} from '@vmakit/base';
import { STICKY_FLAGS } from '@vmakit/rmap';
import { type UserfaultContext, type Vma, isAnonymous, modifyVma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { uffdClearRange } from '../pages/uffd.js';
import { type Bytes, offsetInPage, pageOf } from './bytes.js';
import { emitCallBegin, emitCallEnd, lockForWriting, unlock } from './call.js';

/** What a registration watches. */
export type UserfaultMode = 'missing' | 'wp' | 'minor';

const MODE_FLAG: Readonly<Record<UserfaultMode, VmFlags>> = {
  missing: VM_UFFD_MISSING,
  wp: VM_UFFD_WP,
  minor: VM_UFFD_MINOR,
};

/**
 * UFFDIO_REGISTER: `context` watches the range. Both the flags and the context take part in merging (spec 02 section
 * 2). Nothing is changed unless every VMA of the range can be registered. Success: 0.
 */
export function registerUserfault(
  mm: Mm,
  start: number,
  pages: number,
  context: UserfaultContext,
  modes: readonly UserfaultMode[],
): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'ioctl(UFFDIO_REGISTER)', start, pages);
  const result = checkAndChange(mm, start, pages, context, modes);
  return observed ? emitCallEnd(mm, 'ioctl(UFFDIO_REGISTER)', result) : result;
}

/** UFFDIO_UNREGISTER: nobody watches the range any more. Success: 0. */
export function unregisterUserfault(mm: Mm, start: number, pages: number): SysResult {
  const { observed } = mm.env.bus;
  if (observed) emitCallBegin(mm, 'ioctl(UFFDIO_UNREGISTER)', start, pages);
  const result = checkAndChange(mm, start, pages, null, []);
  return observed ? emitCallEnd(mm, 'ioctl(UFFDIO_UNREGISTER)', result) : result;
}

/** {@link registerUserfault} in bytes. */
export function registerUserfaultBytes(
  mm: Mm,
  address: Bytes,
  length: Bytes,
  context: UserfaultContext,
  modes: readonly UserfaultMode[],
): SysResult {
  const { pageShift } = mm.env.arch;
  if (offsetInPage(address, pageShift, 'address') !== 0 || offsetInPage(length, pageShift, 'length') !== 0) {
    return refuse('EINVAL', 'userfaultfd: range unaligned', { address: String(address), length: String(length) });
  }
  const pages = pageOf(length, pageShift, 'length');
  return registerUserfault(mm, pageOf(address, pageShift, 'address'), pages, context, modes);
}

/** The file descriptor was closed: every registration of `context` ends. A lack of memory does not stop it. */
export function releaseUserfault(mm: Mm, context: UserfaultContext): void {
  for (let vma = mm.tree.first; vma !== null;) {
    const changed = vma.uffd === context ? changeVma(mm, vma, vma.start, vma.end, null, 0, true) : vma;
    vma = changed instanceof MmError ? vma.next : changed.next;
  }
  if (mm.uffd === context) mm.uffd = null;
}

function checkAndChange(
  mm: Mm,
  start: number,
  pages: number,
  context: UserfaultContext | null,
  modes: readonly UserfaultMode[],
): SysResult {
  const { taskSize } = mm.layout;
  if (pages === 0 || start < mm.env.settings.mmapMinPage || start >= taskSize || pages > taskSize - start) {
    return refuse('EINVAL', 'userfaultfd: range', { start, pages });
  }
  if (context !== null && modes.length === 0) return refuse('EINVAL', 'userfaultfd: no mode');
  let flags: VmFlags = 0;
  for (const mode of modes) flags = withFlags(flags, MODE_FLAG[mode]);
  const killed = lockForWriting(mm);
  if (killed !== null) return killed;
  const result = changeRange(mm, start, start + pages, context, flags);
  unlock(mm);
  return result;
}

function changeRange(mm: Mm, start: number, end: number, context: UserfaultContext | null, flags: VmFlags): SysResult {
  const first = mm.tree.firstOverlap(start, end);
  if (first === null) return refuse('EINVAL', 'userfaultfd: nothing mapped', { start, end });
  for (let vma: Vma | null = first; vma !== null && vma.start < end; vma = vma.next) {
    const refused = checkVma(mm, vma, start, end, context, flags);
    if (refused !== null) return refused;
  }
  for (let vma: Vma | null = first; vma !== null && vma.start < end;) {
    const isSet = context === null ? vma.uffd === null : vma.uffd === context && includes(vma.flags, flags);
    let changed: Vma | MmError = vma;
    if (!isSet) changed = changeVma(mm, vma, Math.max(vma.start, start), Math.min(vma.end, end), context, flags, false);
    if (changed instanceof MmError) return changed;
    vma = changed.next;
  }
  return 0;
}

/** Whether one VMA of the range can be registered. */
function checkVma(
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  context: UserfaultContext | null,
  flags: VmFlags,
): MmError | null {
  const at = { start: vma.start, end: vma.end };
  if (!canUserfault(vma, flags)) return refuse('EINVAL', 'userfaultfd: kind of mapping', at);
  if (context === null) return null;
  if ((vma.flags & VM_MAYWRITE) === 0) return refuse('EPERM', 'userfaultfd: never writable', at);
  if ((vma.flags & VM_HUGETLB) !== 0) {
    const { pmdPages } = mm.env.arch;
    const cutsAbove = end < vma.end && end % pmdPages !== 0;
    if (cutsAbove || (start > vma.start && start % pmdPages !== 0)) {
      return refuse('EINVAL', 'userfaultfd: hugetlb range unaligned', at);
    }
  }
  if (vma.uffd !== null && vma.uffd !== context) return refuse('EBUSY', 'userfaultfd: another one watches', at);
  return null;
}

/** Anonymous memory, hugetlb and shared memory can be watched, ordinary files cannot; droppable memory never. */
function canUserfault(vma: Vma, flags: VmFlags): boolean {
  if (vma.hasAny(VM_DROPPABLE)) return false;
  if (isAnonymous(vma)) return !hasAny(flags, VM_UFFD_MINOR);
  const kind = vma.file?.kind;
  return kind === 'hugetlb' || kind === 'shmem' || kind === 'memfd';
}

function includes(flags: VmFlags, wanted: VmFlags): boolean {
  return withFlags(flags, wanted) === flags;
}

function changeVma(
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  context: UserfaultContext | null,
  modeFlags: VmFlags,
  giveUpOnNoMemory: boolean,
): Vma | MmError {
  const { env } = mm;
  if (context === null && vma.hasAny(VM_UFFD_WP)) uffdClearRange(mm, vma, start, end);
  const flags = withFlags(withoutFlags(vma.flags, VM_UFFD_MASK), modeFlags);
  const change = { flags, uffd: context };
  const result = modifyVma(env, vma, start, end, change, env.settings.maxMapCount, giveUpOnNoMemory);
  if (result instanceof MmError) return result;
  result.flags = withFlags(flags, result.flags & STICKY_FLAGS);
  result.uffd = context;
  return result;
}
