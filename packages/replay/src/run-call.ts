import { MmError, type SysResult } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import type { Process } from '@vmakit/kernel';
import {
  MAP_ANONYMOUS,
  MAP_SHARED,
  ioSetup,
  mbindBytes,
  setAnonymousNameBytes,
  setMemoryMerge,
  shmat,
  shmdt,
} from '@vmakit/mm';
import { MREMAP_MAYMOVE } from '@vmakit/mremap';
import type { SyscallEvent, SyscallEventOf } from '@vmakit/trace';
import type { MemoryPolicy } from '@vmakit/vma-merge';
import type { CallFiles } from './call-files.js';

/** What the model says of a recorded call. `value` is what the program got: bytes for addresses. */
export interface CallOutcome {
  readonly value: number | null;
  readonly refused: MmError | null;
}

/** `prctl` options that change VMAs. */
export const PR_SET_VMA = 0x53564d41;
const PR_SET_MEMORY_MERGE = 67;

/** The size of an aio ring depends on the processors of the machine, which are not recorded. */
const PROCESSORS = 2;

/** Errors of mmap that come from the file or its driver, or from the memory's shape: these are looked at. */
const FILE_MMAP_ERRORS: ReadonlySet<string> = new Set(['ENOMEM', 'EEXIST', 'EINVAL', 'EOVERFLOW']);

/** Errors that say something about files and rights, which a recording of memory does not tell. */
const NOT_ABOUT_MEMORY: ReadonlySet<string> = new Set(['EBADF', 'EACCES', 'ENODEV', 'ETXTBSY', 'EIDRM', 'ENOSYS']);

/**
 * Runs a recorded call on the model. Where the kernel chose an address, the model takes the recorded one.
 *
 * @returns null for calls that the model does not run: they concern no memory, or failed for reasons outside it
 */
export function runCall(
  process: Process,
  event: SyscallEvent,
  files: CallFiles,
  addMremapFlags: number,
): CallOutcome | null {
  if (event.errno !== null && (NOT_ABOUT_MEMORY.has(event.errno) || event.errno.startsWith('ERESTART'))) return null;
  if (event.injected || isRefusedByFile(event)) return null;
  switch (event.call) {
    case 'mmap':
      return placed(process, runMmap(process, event, files));
    case 'munmap':
      return plain(process.munmap(event.args.address, event.args.length));
    case 'mremap':
      return runMremap(process, event, addMremapFlags);
    case 'mprotect':
      return plain(process.mprotect(event.args.address, event.args.length, event.args.prot));
    case 'pkey_mprotect':
      return plain(process.mprotect(event.args.address, event.args.length, event.args.prot, event.args.pkey));
    case 'madvise':
      return plain(process.madvise(event.args.address, event.args.length, event.args.advice));
    case 'brk':
      return runBrk(process, event);
    case 'mlock':
      return plain(process.mlock(event.args.address, event.args.length));
    case 'mlock2':
      return plain(process.mlock(event.args.address, event.args.length, event.args.flags));
    case 'munlock':
      return plain(process.munlock(event.args.address, event.args.length));
    case 'mlockall':
      return plain(process.mlockall(event.args.flags));
    case 'munlockall':
      return plain(process.munlockall());
    case 'mseal':
      return plain(process.mseal(event.args.address, event.args.length, event.args.flags));
    default:
      return runRareCall(process, event, files);
  }
}

/** Whether an mmap failed for a reason that lies in what it maps. */
function isRefusedByFile(event: SyscallEvent): boolean {
  if (event.call !== 'mmap' || event.errno === null || (event.args.flags & MAP_ANONYMOUS) !== 0) return false;
  return !FILE_MMAP_ERRORS.has(event.errno);
}

function runRareCall(process: Process, event: SyscallEvent, files: CallFiles): CallOutcome | null {
  const { mm } = process;
  switch (event.call) {
    case 'shmat': {
      const { id, address, flags } = event.args;
      const segment = files.segment(id, event);
      const at = event.result === null ? {} : { placeAt: pageOf(process, event.result) };
      return placed(process, shmat(mm, { segment, address, flags, ...at }));
    }
    case 'shmdt':
      return plain(shmdt(mm, event.args.address));
    case 'mbind':
      return plain(mbindBytes(mm, event.args.address, event.args.length, policyOf(event.args.mode)));
    case 'io_setup': {
      const at = event.args.context;
      if (event.result === null || at === null) return null;
      const made = ioSetup(mm, event.args.events, PROCESSORS, pageOf(process, at));
      return made instanceof MmError ? { value: null, refused: made } : { value: 0, refused: null };
    }
    case 'prctl': {
      const { option, arg2, arg3, arg4, text } = event.args;
      if (option === PR_SET_MEMORY_MERGE) return plain(setMemoryMerge(mm, arg2 !== 0));
      if (option !== PR_SET_VMA || arg3 === null || arg4 === null) return null;
      return plain(setAnonymousNameBytes(mm, arg3, arg4, text));
    }
    default:
      return null;
  }
}

/** The memory policy of an mbind; the nodes are behind a pointer, so policies of one mode count as equal. */
function policyOf(mode: number): MemoryPolicy | null {
  return mode === 0 ? null : { mode: String(mode), flags: 0, nodes: 0 };
}

function runMmap(process: Process, event: SyscallEventOf<'mmap'>, files: CallFiles): SysResult {
  const { address, length, prot, flags, offset } = event.args;
  const anonymous = (flags & MAP_ANONYMOUS) !== 0;
  const file: MappedFile | null = anonymous ? null : files.mapped(event);
  const mapping = file === null ? null : { file, offset };
  process.mm.nextPlacement = -1;
  if (event.result === null) return process.mmap(address, length, prot, flags, mapping);
  const result = process.mmap(address, length, prot, flags, mapping, event.result);
  if (anonymous && (flags & MAP_SHARED) !== 0) files.noteShared(process, event);
  return result;
}

function runMremap(process: Process, event: SyscallEventOf<'mremap'>, addFlags: number): CallOutcome {
  const { oldAddress, oldLength, newLength, flags, newAddress } = event.args;
  process.mm.nextPlacement = pageOf(process, event.result);
  const asked = (flags & MREMAP_MAYMOVE) === 0 ? flags : flags | addFlags;
  const result = process.mremap(oldAddress, oldLength, newLength, asked, newAddress ?? 0);
  process.mm.nextPlacement = -1;
  return placed(process, result);
}

function runBrk(process: Process, event: SyscallEventOf<'brk'>): CallOutcome | null {
  const { mm } = process;
  if (event.result === null) return null;
  if (mm.brkStart === 0) {
    // The first brk of a program asks where the heap is.
    mm.brkStart = event.result;
    mm.brk = event.result;
    return null;
  }
  return { value: process.brk(event.args.address), refused: null };
}

function plain(result: SysResult): CallOutcome {
  return result instanceof MmError ? { value: null, refused: result } : { value: result, refused: null };
}

/** The outcome of a call that gives an address. */
function placed(process: Process, result: SysResult): CallOutcome {
  if (result instanceof MmError) return { value: null, refused: result };
  return { value: result * process.mm.env.arch.pageSize, refused: null };
}

function pageOf(process: Process, address: number | null): number {
  return address === null ? -1 : Math.floor(address / process.mm.env.arch.pageSize);
}
