import type { SyscallEvent } from '@vmakit/trace';
import { importStarting } from './exec-import.js';
import type { FileTable } from './file-table.js';
import type { FollowedProcess } from './space.js';

/**
 * A call succeeded on memory that nothing in the recording has mapped: it was mapped out of its sight. What of the
 * call's range is not mapped is taken to be ordinary anonymous memory, so that the call, and later ones, have something
 * to work on.
 *
 * @returns whether anything was missing
 */
export function presumeMapped(
  followed: FollowedProcess,
  event: SyscallEvent,
  files: FileTable,
  touched: boolean,
): boolean {
  const range = rangeOf(event);
  if (range === null) return false;
  const { mm } = followed.process;
  const bytes = mm.env.arch.pageSize;
  const end = Math.ceil((range.address + range.length) / bytes);
  let found = false;
  for (let page = Math.floor(range.address / bytes); page < end;) {
    const vma = mm.tree.find(page);
    const stop = Math.min(end, vma === null ? end : Math.max(page, vma.start));
    if (stop > page) {
      found = true;
      followed.presumed.push(page, stop);
      importStarting(followed, files, {
        start: page * bytes,
        end: stop * bytes,
        permissions: 'rw-p',
        offset: null,
        device: null,
        inode: 0,
        name: '',
        faulted: touched,
      });
    }
    page = vma === null ? end : Math.max(stop, vma.end);
  }
  return found;
}

/** The bytes that a call needs to be mapped. */
function rangeOf(event: SyscallEvent): { readonly address: number; readonly length: number } | null {
  switch (event.call) {
    case 'mremap':
      return { address: event.args.oldAddress, length: Math.max(1, event.args.oldLength) };
    case 'mprotect':
    case 'pkey_mprotect':
    case 'madvise':
    case 'mlock':
    case 'mlock2':
    case 'munlock':
    case 'mseal':
    case 'mbind':
      return event.args;
    default:
      return null;
  }
}

/** Whether a byte address lies in memory that was only presumed to be mapped. */
export function isPresumed(followed: FollowedProcess, start: number, end: number): boolean {
  const { presumed, process } = followed;
  const bytes = process.mm.env.arch.pageSize;
  for (let at = 0; at < presumed.length; at += 2) {
    if ((presumed[at] as number) * bytes < end && start < (presumed[at + 1] as number) * bytes) return true;
  }
  return false;
}
