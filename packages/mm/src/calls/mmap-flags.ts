import {
  type MmError,
  VM_ACCESS,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_DROPPABLE,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_PKEY_SHIFT,
  VM_SHARED,
  VM_SPECIAL,
  VM_SYNC,
  VM_WIPEONFORK,
  VM_WRITE,
  type VmFlags,
  hasAny,
  refuse,
  withFlags,
  withoutFlags,
} from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import type { Mm } from '../mm.js';
import {
  MAP_DROPPABLE,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_SYNC,
  MAP_TYPE,
  PROT_EXEC,
} from './abi.js';

/** Flags that MAP_SHARED_VALIDATE refuses on a file that does not support them: all that came after it. */
const NOT_IN_LEGACY_MASK = MAP_SYNC | MAP_FIXED_NOREPLACE;

/** The bits of the protection key in a flag word (x86-64, arm64 overlays). */
export const PKEY_MASK: VmFlags = 0xf * 2 ** VM_PKEY_SHIFT;

/** READ, WRITE and EXEC of a `prot` argument with a protection key, as VMA flags. */
export function protectionFlags(prot: number, key: number): VmFlags {
  return (prot & VM_ACCESS) + (key > 0 ? key * 2 ** VM_PKEY_SHIFT : 0);
}

/**
 * The protection key of execute-only memory, allocated when the first such memory is made; 0 where there are no keys
 * or none is left: the memory can then be read as well.
 */
export function executeOnlyKey(mm: Mm): number {
  if (mm.executeOnlyKey >= 0) return mm.executeOnlyKey;
  const key = allocateKey(mm);
  if (key > 0) mm.executeOnlyKey = key;
  return Math.max(key, 0);
}

/** The lowest key that is not handed out, now handed out; -1: none is left. */
export function allocateKey(mm: Mm): number {
  for (let key = 1; key < mm.env.settings.protectionKeys; key++) {
    if ((mm.protectionKeys & (1 << key)) === 0) {
      mm.protectionKeys |= 1 << key;
      return key;
    }
  }
  return -1;
}

/** The flags of a new mapping before its type is looked at (spec 01 section 3, step 8). */
export function initialFlags(mm: Mm, prot: number, mapFlags: number): VmFlags {
  const key = prot === PROT_EXEC && mm.env.settings.protectionKeys > 0 ? executeOnlyKey(mm) : 0;
  let flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  if ((mapFlags & MAP_GROWSDOWN) !== 0) flags |= VM_GROWSDOWN;
  if ((mapFlags & MAP_LOCKED) !== 0) flags |= VM_LOCKED;
  if ((mapFlags & MAP_SYNC) !== 0) flags |= VM_SYNC;
  if ((mapFlags & MAP_STACK) !== 0) flags |= VM_NOHUGEPAGE;
  if (key === 0 && mm.defFlags === 0) return flags | (prot & VM_ACCESS);
  return withFlags(withFlags(flags, mm.defFlags), protectionFlags(prot, key));
}

/** The flags that the type of an anonymous mapping adds (spec 01 section 3, step 13). */
export function anonymousFlags(flags: VmFlags, mapFlags: number): VmFlags | MmError {
  switch (mapFlags & MAP_TYPE) {
    case MAP_PRIVATE:
      return flags;
    case MAP_SHARED:
      if ((flags & VM_GROWSDOWN) !== 0) return refuseType('MAP_SHARED with MAP_GROWSDOWN', mapFlags);
      return withFlags(flags, VM_SHARED | VM_MAYSHARE);
    case MAP_DROPPABLE:
      if ((mapFlags & (MAP_LOCKED | MAP_HUGETLB)) !== 0 || (flags & VM_GROWSDOWN) !== 0) {
        return refuseType('MAP_DROPPABLE with MAP_LOCKED, MAP_HUGETLB or MAP_GROWSDOWN', mapFlags);
      }
      return withFlags(flags, VM_DROPPABLE + (VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP));
    default:
      return refuseType('type of an anonymous mapping', mapFlags);
  }
}

/** How a file was opened. */
export interface FileAccess {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** The flags that the type of a file mapping adds, and those of its file system (spec 01 section 3, step 13). */
export function fileFlags(flags: VmFlags, mapFlags: number, file: MappedFile, access: FileAccess): VmFlags | MmError {
  const type = mapFlags & MAP_TYPE;
  let result = flags;
  if (type === MAP_SHARED_VALIDATE && (mapFlags & NOT_IN_LEGACY_MASK) !== 0) {
    return refuse('EOPNOTSUPP', 'spec 01.3 step 13: flags the file does not support', { mapFlags });
  }
  if (type === MAP_SHARED || type === MAP_SHARED_VALIDATE) {
    if (!access.writable && (flags & VM_WRITE) !== 0) {
      return refuse('EACCES', 'spec 01.3 step 13: writable shared mapping of a file not open for writing');
    }
    result = withFlags(result, VM_SHARED | VM_MAYSHARE);
    if (!access.writable) result = withoutFlags(result, VM_MAYWRITE | VM_SHARED);
  } else if (type !== MAP_PRIVATE) {
    return refuseType('type of a file mapping', mapFlags);
  }
  if (!access.readable) return refuse('EACCES', 'spec 01.3 step 13: the file is not open for reading');
  if ((result & VM_GROWSDOWN) !== 0) return refuseType('MAP_GROWSDOWN of a file', mapFlags);
  return file.kind === 'hugetlb' ? withFlags(result, VM_HUGETLB | VM_DONTEXPAND) : result;
}

function refuseType(what: string, mapFlags: number): MmError {
  return refuse('EINVAL', `spec 01.3 step 13: ${what}`, { mapFlags });
}

/** Whether KSM may merge pages of a mapping with these flags (spec 01 section 3, step e). */
export function isKsmCompatible(flags: VmFlags): boolean {
  return (flags & (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_HUGETLB)) === 0 && !hasAny(flags, VM_DROPPABLE);
}

/** Whether a mapping with these flags can be locked (spec 01 section 3, step h). */
export function isLockable(flags: VmFlags): boolean {
  return (flags & (VM_SPECIAL | VM_HUGETLB)) === 0 && !hasAny(flags, VM_DROPPABLE);
}

/** Writable and executable, or made executable: what prctl(PR_SET_MDWE) forbids (spec 01 section 3, section 5). */
export function deniesWriteExec(mm: Mm, before: VmFlags, after: VmFlags): boolean {
  if (!mm.denyWriteExec || (after & VM_EXEC) === 0) return false;
  return (after & VM_WRITE) !== 0 || (before & VM_EXEC) === 0;
}
