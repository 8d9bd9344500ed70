import { type VmFlags, VM_ACCESS, VM_PKEY_SHIFT, VM_SHARED, VM_SOFTDIRTY, VM_UFFD_WP, VM_WRITE } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import { PROT_KEY_SHIFT, PROT_SHARED, type PageProtection } from '@vmakit/pagetable';
import type { Vma } from '@vmakit/vma-merge';
import type { MmEnvironment } from '../environment.js';

const KEY_UNIT = 2 ** VM_PKEY_SHIFT;
const SHARED_WRITE = VM_SHARED | VM_WRITE;

/**
 * The protection that new entries of a VMA get, `vm_page_prot`: its access rights and protection key. Spec 01 section
 * 1.
 */
export function pageProtection(env: MmEnvironment, vma: Vma): PageProtection {
  return protectionFor(env, vma.flags, vma.file);
}

/** The same for a VMA with these flags that maps `file`. */
export function protectionFor(env: MmEnvironment, flags: VmFlags, file: MappedFile | null): PageProtection {
  // READ, WRITE and EXEC have the same bits in both.
  let prot = flags & VM_ACCESS;
  if (flags >= KEY_UNIT) prot |= protectionKey(flags) << PROT_KEY_SHIFT;
  if ((flags & SHARED_WRITE) === SHARED_WRITE && !wantsWriteNotify(env, flags, file)) prot |= PROT_SHARED;
  return prot;
}

/** The protection key in the flags of a VMA. */
export function protectionKey(flags: VmFlags): number {
  return Math.floor(flags / KEY_UNIT) & 15;
}

/**
 * Whether the first store to each page of a shared mapping must fault: soft-dirty marks are being gathered, userfaultfd
 * protects it, or the file wants to know (a regular file, not memory).
 */
export function wantsWriteNotify(env: MmEnvironment, flags: VmFlags, file: MappedFile | null): boolean {
  if ((flags & SHARED_WRITE) !== SHARED_WRITE) return false;
  if (env.settings.softDirty && (flags & VM_SOFTDIRTY) === 0) return true;
  return (flags & VM_UFFD_WP) !== 0 || (file !== null && file.kind === 'regular');
}

/** An entry that is not soft-dirty must fault at the next store: the marks of its VMA are being gathered. */
export function needsSoftDirtyFault(env: MmEnvironment, flags: VmFlags, softDirty: boolean): boolean {
  return env.settings.softDirty && (flags & VM_SOFTDIRTY) === 0 && !softDirty;
}
