import {
  VM_ACCOUNT,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_IO,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_PFNMAP,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
} from '@vmakit/base';
import { importVma } from '@vmakit/kernel';
import type { Mmap2Event } from '@vmakit/trace';
import { type FileTable, splitDeleted } from './file-table.js';
import type { FollowedProcess } from './space.js';

/** A VMA that the recording starts with: a line of a snapshot, or a record of the kernel. Bytes. */
export interface StartingVma {
  readonly start: number;
  readonly end: number;
  /** `rwxp`. */
  readonly permissions: string;
  /** Offset in the file; of anonymous memory its page offset in bytes, null when nothing tells it. */
  readonly offset: number | null;
  readonly device: string | null;
  readonly inode: number;
  readonly name: string;
  /** Flags as smaps names them, when it was recorded. */
  readonly smapsFlags?: number | null;
  /** It holds anonymous pages. */
  readonly faulted: boolean;
  /** It is known to hold none (smaps). */
  readonly untouched?: boolean;
}

/** Above this byte address is the kernel: `[vsyscall]` is no VMA. */
const KERNEL_ADDRESSES = 2 ** 57;

/** Makes a VMA as the recording found it. */
export function importStarting(followed: FollowedProcess, files: FileTable, found: StartingVma): void {
  if (found.start >= KERNEL_ADDRESSES) return;
  const { mm } = followed.process;
  const bytes = mm.env.arch.pageSize;
  const { name, deleted } = splitDeleted(found.name);
  const isFile = name.startsWith('/');
  const isSpecial = name.startsWith('[v') || name === '[uprobes]';
  const file = isFile || isSpecial ? files.find({ name, device: found.device, inode: found.inode, deleted }) : null;
  const start = Math.floor(found.start / bytes);
  const end = Math.ceil(found.end / bytes);
  if (start < 0 || start >= end || end > mm.layout.taskSize) return;
  // A later word about the same memory is the truer one: perf lists running processes while they go on.
  if (mm.tree.firstOverlap(start, end) !== null) {
    if (followed.process.munmap(start * bytes, (end - start) * bytes) !== 0) return;
  }
  const anonymousName = /^\[anon:(.*)\]$/.exec(name)?.[1] ?? null;
  if (name === '[stack]') followed.stackAddress = found.end - 1;
  if (name === '[heap]' && mm.brkStart === 0) {
    mm.brkStart = found.start;
    mm.brk = found.end;
  }
  importVma(mm, {
    start,
    end,
    flags: found.smapsFlags ?? flagsOf(found.permissions, name),
    pageOffset: file === null && found.offset === null ? start : (found.offset ?? 0) / bytes,
    file,
    name: anonymousName,
    faulted: found.faulted && !isSpecial,
  });
}

/** The flags of a VMA of which only the line in maps is known. */
export function flagsOf(permissions: string, name: string): number {
  const access =
    (permissions[0] === 'r' ? VM_READ : 0) |
    (permissions[1] === 'w' ? VM_WRITE : 0) |
    (permissions[2] === 'x' ? VM_EXEC : 0);
  const may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  if (name === '[vdso]') return access | may | VM_DONTEXPAND | VM_DONTDUMP;
  if (name.startsWith('[v')) return access | VM_MAYREAD | VM_MAYEXEC | VM_IO | VM_DONTEXPAND | VM_DONTDUMP | VM_PFNMAP;
  if (permissions[3] === 's') {
    // A mapping of a file that was opened for reading only is not SHARED to the kernel, though it may not be private.
    return (access & VM_WRITE) !== 0
      ? access | may | VM_SHARED | VM_MAYSHARE
      : access | VM_MAYREAD | VM_MAYEXEC | VM_MAYSHARE;
  }
  const stack = name === '[stack]' ? VM_GROWSDOWN : 0;
  return access | may | stack | ((access & VM_WRITE) !== 0 ? VM_ACCOUNT : 0);
}

/** The records that the kernel made of an execve, each laid over those before it. */
export function startingFromRecords(records: readonly Mmap2Event[]): StartingVma[] {
  let lines: StartingVma[] = [];
  for (const record of records) {
    const end = record.start + record.length;
    lines = lines.flatMap((line) => cutOut(line, record.start, end));
    const anonymous = !record.name.startsWith('/');
    lines.push({
      start: record.start,
      end,
      permissions: permissionsOf(record.prot ?? 1, record.shared),
      offset: record.pageOffsetBytes,
      device: record.device,
      inode: record.inode ?? 0,
      name: record.name === '//anon' ? '' : record.name,
      faulted: anonymous && record.name === '[stack]',
    });
  }
  return lines.sort((a, b) => a.start - b.start);
}

/** What is left of a line when [start, end) is mapped over. */
function cutOut(line: StartingVma, start: number, end: number): StartingVma[] {
  if (line.end <= start || line.start >= end) return [line];
  const parts: StartingVma[] = [];
  if (line.start < start) parts.push({ ...line, end: start });
  if (line.end > end) {
    const offset = line.offset === null ? null : line.offset + (end - line.start);
    parts.push({ ...line, start: end, offset });
  }
  return parts;
}

function permissionsOf(prot: number, shared: boolean): string {
  return `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}${shared ? 's' : 'p'}`;
}
