import { MmError, type SysResult, VM_ACCESS, VM_SHARED, refuse } from '@vmakit/base';
import type { MappedFile } from '@vmakit/folio';
import type { Process } from '@vmakit/kernel';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NONBLOCK,
  MAP_POPULATE,
  MAP_SHARED,
  ioSetup,
  mbindBytes,
  setAnonymousNameBytes,
  setMemoryMerge,
  shmat,
  shmdt,
} from '@vmakit/mm';
import { MREMAP_MAYMOVE } from '@vmakit/mremap';
import type { RangeArgs, SyscallEvent, SyscallEventOf } from '@vmakit/trace';
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

/** Address of the last page that 64 bits can name; rounding may have made 2^64 of what lies above it. */
const LAST_PAGE = 2 ** 64 - 4096;

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
  if (event.injected || isRefusedByFile(event) || isAboutKeys(event)) return null;
  switch (event.call) {
    case 'mmap':
      return placed(process, runMmap(process, event, files));
    case 'munmap':
      return plain(unmap(process, event.args));
    case 'mremap':
      return runMremap(process, event, addMremapFlags);
    case 'mprotect':
      return plain(process.mprotect(word(event.args.address), word(event.args.length), bits(event.args.prot)));
    case 'pkey_mprotect':
      return plain(
        process.mprotect(word(event.args.address), word(event.args.length), bits(event.args.prot), event.args.pkey),
      );
    case 'madvise':
      return plain(process.madvise(word(event.args.address), word(event.args.length), bits(event.args.advice)));
    case 'brk':
      return runBrk(process, event);
    case 'mlock':
      return plain(process.mlock(word(event.args.address), word(event.args.length)));
    case 'mlock2':
      return plain(process.mlock(word(event.args.address), word(event.args.length), bits(event.args.flags)));
    case 'munlock':
      return plain(process.munlock(word(event.args.address), word(event.args.length)));
    case 'mlockall':
      return plain(process.mlockall(event.args.flags));
    case 'munlockall':
      return plain(process.munlockall());
    case 'mseal':
      return plain(process.mseal(word(event.args.address), word(event.args.length), bits(event.args.flags)));
    default:
      return runRareCall(process, event, files);
  }
}

/** Whether an mmap failed for a reason that lies in what it maps. */
function isRefusedByFile(event: SyscallEvent): boolean {
  if (event.call !== 'mmap' || event.errno === null || (event.args.flags & MAP_ANONYMOUS) !== 0) return false;
  return !FILE_MMAP_ERRORS.has(event.errno);
}

/** Whether a protection key was refused: which keys a process has, and whether its machine has any, is not recorded. */
function isAboutKeys(event: SyscallEvent): boolean {
  return event.call === 'pkey_mprotect' && event.errno === 'EINVAL' && event.args.pkey >= 0;
}

/** munmap of a recorded range. */
export function unmap(process: Process, { address, length }: RangeArgs): SysResult {
  return process.munmap(word(address), word(length));
}

function runRareCall(process: Process, event: SyscallEvent, files: CallFiles): CallOutcome | null {
  const { mm } = process;
  switch (event.call) {
    case 'shmat': {
      const { id, flags } = event.args;
      const address = word(event.args.address);
      // Which segments there are is not recorded: one that could not be attached may be none.
      if (event.result === null && !files.knowsSegment(id)) return null;
      const segment = files.segment(id, event);
      const at = event.result === null ? {} : { placeAt: pageOf(process, event.result) };
      return placed(process, shmat(mm, { segment, address, flags, ...at }));
    }
    case 'remap_file_pages':
      return plain(remapFilePages(process, event));
    case 'shmdt':
      return plain(shmdt(mm, word(event.args.address)));
    case 'mbind':
      return plain(mbindBytes(mm, word(event.args.address), word(event.args.length), policyOf(event.args.mode)));
    case 'io_setup': {
      const at = event.args.context ?? files.ringAddress();
      if (event.result === null || at === null) return null;
      const made = ioSetup(mm, event.args.events, PROCESSORS, pageOf(process, at));
      return made instanceof MmError ? { value: null, refused: made } : { value: 0, refused: null };
    }
    case 'prctl': {
      const { option, arg2, arg3, arg4, text } = event.args;
      if (option === PR_SET_MEMORY_MERGE) return plain(setMemoryMerge(mm, arg2 !== 0));
      if (option !== PR_SET_VMA || arg3 === null || arg4 === null) return null;
      return plain(setAnonymousNameBytes(mm, word(arg3), word(arg4), text));
    }
    default:
      return null;
  }
}

/** remap_file_pages is a shared mapping of another part of the same file, put over what is there. */
function remapFilePages(process: Process, event: SyscallEventOf<'remap_file_pages'>): SysResult {
  const { address, length, pageOffset, flags } = event.args;
  const { mm } = process;
  const { pageSize } = mm.env.arch;
  const vma = mm.tree.at(Math.floor(address / pageSize));
  if (vma === null || vma.file === null || (vma.flags & VM_SHARED) === 0) {
    return refuse('EINVAL', 'remap_file_pages: no shared file mapping there');
  }
  const start = address - (address % pageSize);
  const mapFlags = MAP_SHARED | MAP_FIXED | MAP_POPULATE | (flags & MAP_NONBLOCK);
  const mapping = { file: vma.file, offset: pageOffset * pageSize };
  const result = process.mmap(start, length, vma.flags & VM_ACCESS, mapFlags, mapping);
  return result instanceof MmError ? result : 0;
}

/** The memory policy of an mbind; the nodes are behind a pointer, so policies of one mode count as equal. */
function policyOf(mode: number): MemoryPolicy | null {
  return mode === 0 ? null : { mode: String(mode), flags: 0, nodes: 0 };
}

function runMmap(process: Process, event: SyscallEventOf<'mmap'>, files: CallFiles): SysResult {
  const prot = bits(event.args.prot);
  const flags = bits(event.args.flags);
  const address = word(event.args.address);
  const length = word(event.args.length);
  const offset = word(event.args.offset);
  const anonymous = (flags & MAP_ANONYMOUS) !== 0;
  const file: MappedFile | null = anonymous ? null : files.mapped(event);
  const mapping = file === null ? null : { file, offset };
  process.mm.nextPlacement = -1;
  if (event.result === null) return process.mmap(address, length, prot, flags, mapping);
  const result = process.mmap(address, length, prot, flags, mapping, word(event.result));
  if (anonymous && (flags & MAP_SHARED) !== 0) files.noteShared(process, event);
  return result;
}

function runMremap(process: Process, event: SyscallEventOf<'mremap'>, addFlags: number): CallOutcome {
  const { oldAddress, oldLength, newLength, flags, newAddress } = event.args;
  process.mm.nextPlacement = pageOf(process, event.result);
  const asked = (flags & MREMAP_MAYMOVE) === 0 ? bits(flags) : (bits(flags) | addFlags) >>> 0;
  const result = process.mremap(word(oldAddress), word(oldLength), word(newLength), asked, word(newAddress ?? 0));
  process.mm.nextPlacement = -1;
  return placed(process, result);
}

function runBrk(process: Process, event: SyscallEventOf<'brk'>): CallOutcome | null {
  const { mm } = process;
  if (event.result === null || event.result > mm.layout.taskSize * mm.env.arch.pageSize) return null;
  if (mm.brkStart === 0) {
    // The first brk of a program asks where the heap is.
    mm.brkStart = event.result;
    mm.brk = event.result;
    return null;
  }
  const { pageSize } = mm.env.arch;
  // maps shows the heap in whole pages: where in the last one the break is, the first call tells.
  if (Math.ceil(event.result / pageSize) === Math.ceil(mm.brk / pageSize)) mm.brk = event.result;
  return { value: process.brk(Math.min(event.args.address, Number.MAX_SAFE_INTEGER)), refused: null };
}

/** An argument as the system calls take it. Recordings give numbers, exact at page boundaries; -1 is the last page. */
function word(value: number): number | bigint {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  return value < 0 || value >= LAST_PAGE ? BigInt(LAST_PAGE) : BigInt(value);
}

/** A word of flags; one that a number cannot tell has bits that nobody knows. */
function bits(value: number): number {
  return Number.isSafeInteger(value) ? value : Number.MAX_SAFE_INTEGER;
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
