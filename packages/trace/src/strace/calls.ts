import { ByteMap } from '../bytes/byte-map.js';
import type { Cursor } from '../bytes/cursor.js';
import type { SyscallArgs, SyscallName } from '../syscall-args.js';
import * as memory from './memory-args.js';
import * as task from './task-args.js';

/** How one call is read: its name in events, its name as printed, and the reader of its arguments. */
export interface StraceCall {
  readonly call: SyscallName;
  readonly name: string;
  readonly read: (cursor: Cursor) => SyscallArgs[SyscallName];
}

const READERS: { readonly [Call in Exclude<SyscallName, 'other'>]: (cursor: Cursor) => SyscallArgs[Call] } = {
  mmap: memory.readMmap,
  munmap: memory.readRange,
  mremap: memory.readMremap,
  mprotect: memory.readMprotect,
  pkey_mprotect: memory.readPkeyMprotect,
  madvise: memory.readMadvise,
  process_madvise: memory.readProcessMadvise,
  brk: memory.readBrk,
  mlock: memory.readRange,
  mlock2: memory.readMlock2,
  munlock: memory.readRange,
  mlockall: memory.readMlockall,
  munlockall: memory.readNothing,
  shmat: memory.readShmat,
  shmdt: memory.readShmdt,
  shmget: memory.readShmget,
  shmctl: memory.readShmctl,
  remap_file_pages: memory.readRemapFilePages,
  msync: memory.readMsync,
  mseal: memory.readMseal,
  memfd_create: memory.readMemfdCreate,
  userfaultfd: memory.readUserfaultfd,
  io_setup: memory.readIoSetup,
  io_destroy: memory.readIoDestroy,
  mbind: memory.readMbind,
  prctl: task.readPrctl,
  arch_prctl: task.readArchPrctl,
  personality: task.readPersonality,
  execve: task.readExecve,
  execveat: task.readExecveat,
  exit: task.readExit,
  exit_group: task.readExit,
  fork: task.readFork,
  vfork: task.readVfork,
  clone: task.readClone,
  clone3: task.readClone3,
  process_vm_writev: task.readProcessVmWritev,
};

/** Other spellings. 0x1ce = 462 is mseal, which strace 6.1 does not know; the number is the same on all machines. */
const SPELLINGS: Readonly<Record<string, Exclude<SyscallName, 'other'>>> = {
  mmap2: 'mmap',
  old_mmap: 'mmap',
  syscall_0x1ce: 'mseal',
};

/** Finds a call by the bytes of its printed name; unknown names are kept as `other`. */
export class StraceCalls {
  private readonly byName = new ByteMap<StraceCall>(4096);

  constructor() {
    for (const [name, read] of Object.entries(READERS)) this.add(name, name as SyscallName, read);
    for (const [name, call] of Object.entries(SPELLINGS)) this.add(name, call, READERS[call]);
  }

  find(cursor: Cursor, start: number, end: number): StraceCall {
    const known = this.byName.get(cursor.bytes, start, end);
    if (known !== undefined) return known;
    const other: StraceCall = {
      call: 'other',
      name: cursor.text(start, end),
      read: task.readOther,
    };
    this.byName.add(cursor.bytes, start, end, other);
    return other;
  }

  private add(name: string, call: SyscallName, read: StraceCall['read']): void {
    this.byName.addText(name, { call, name, read });
  }
}
