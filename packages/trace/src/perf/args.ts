import { CLONE_SIGNAL_MASK, CLONE_VFORK, CLONE_VM } from '../abi/flags.js';
import type { RangeArgs, RangeFlagsArgs, SyscallArgs, SyscallName } from '../syscall-args.js';
import type { Registers } from './registers.js';

const VFORK_FLAGS = CLONE_VM + CLONE_VFORK;
const NO_ARGS = {};
const EXEC_ARGS = { path: null, argv: null };

type Builders = { readonly [Call in Exclude<SyscallName, 'other'>]: (regs: Registers) => SyscallArgs[Call] };

/** Typed arguments from the numbers of a tracepoint; what is behind a pointer is null. */
const BUILDERS: Builders = {
  mmap: (regs) => ({
    address: regs.word(0),
    length: regs.word(1),
    prot: regs.word(2),
    flags: regs.word(3),
    fd: regs.int(4),
    path: null,
    deleted: false,
    offset: regs.word(5),
  }),
  munmap: range,
  mremap: (regs) => ({
    oldAddress: regs.word(0),
    oldLength: regs.word(1),
    newLength: regs.word(2),
    flags: regs.word(3),
    newAddress: regs.optional(4),
  }),
  mprotect: (regs) => ({ address: regs.word(0), length: regs.word(1), prot: regs.word(2) }),
  pkey_mprotect: (regs) => ({ address: regs.word(0), length: regs.word(1), prot: regs.word(2), pkey: regs.int(3) }),
  madvise: (regs) => ({ address: regs.word(0), length: regs.word(1), advice: regs.int(2) }),
  process_madvise: (regs) => ({ pidfd: regs.int(0), ranges: null, advice: regs.int(3), flags: regs.word(4) }),
  brk: (regs) => ({ address: regs.word(0) }),
  mlock: range,
  mlock2: rangeFlags,
  munlock: range,
  mlockall: (regs) => ({ flags: regs.int(0) }),
  munlockall: () => NO_ARGS,
  shmat: (regs) => ({ id: regs.int(0), address: regs.word(1), flags: regs.int(2) }),
  shmdt: (regs) => ({ address: regs.word(0) }),
  shmget: (regs) => ({ key: regs.int(0), length: regs.word(1), flags: regs.int(2) }),
  shmctl: (regs) => ({ id: regs.int(0), command: regs.int(1) }),
  remap_file_pages: (regs) => ({
    address: regs.word(0),
    length: regs.word(1),
    prot: regs.word(2),
    pageOffset: regs.word(3),
    flags: regs.word(4),
  }),
  msync: rangeFlags,
  mseal: rangeFlags,
  memfd_create: (regs) => ({ name: null, flags: regs.int(1) }),
  userfaultfd: (regs) => ({ flags: regs.int(0) }),
  io_setup: (regs) => ({ events: regs.int(0), context: null }),
  io_destroy: (regs) => ({ context: regs.word(0) }),
  mbind: (regs) => ({ address: regs.word(0), length: regs.word(1), mode: regs.int(2), flags: regs.int(5) }),
  prctl: (regs) => ({
    option: regs.int(0),
    arg2: regs.optional(1),
    arg3: regs.optional(2),
    arg4: regs.optional(3),
    arg5: regs.optional(4),
    text: null,
  }),
  arch_prctl: (regs) => ({ code: regs.int(0), address: regs.optional(1) }),
  personality: (regs) => ({ persona: regs.word(0) }),
  execve: () => EXEC_ARGS,
  execveat: () => EXEC_ARGS,
  exit: (regs) => ({ status: regs.int(0) }),
  exit_group: (regs) => ({ status: regs.int(0) }),
  fork: () => ({ flags: 0, stack: 0 }),
  vfork: () => ({ flags: VFORK_FLAGS, stack: 0 }),
  clone: (regs) => ({ flags: withoutSignal(regs.word(0)), stack: regs.word(1) }),
  clone3: () => ({ flags: null, stack: null }),
  process_vm_writev: (regs) => ({ targetPid: regs.int(0), local: null, remote: null }),
};

/** What the effect of a call hangs on: arguments that must be exact for its completion to be understood. */
const ADDRESS_ARGUMENTS: Readonly<Partial<Record<SyscallName, number>>> = {
  mmap: 0b100011,
  munmap: 0b11,
  mremap: 0b111,
  mprotect: 0b11,
  pkey_mprotect: 0b11,
  madvise: 0b11,
  mlock: 0b11,
  mlock2: 0b11,
  munlock: 0b11,
  shmat: 0b10,
  shmdt: 0b1,
  remap_file_pages: 0b1011,
  msync: 0b11,
  mseal: 0b11,
  mbind: 0b11,
};

/** `mremap` reads its fifth argument with FIXED and DONTUNMAP only. */
const MREMAP_READS_NEW_ADDRESS = 2 | 4;

/** One call as the tracepoints show it. */
export interface PerfCall {
  readonly call: SyscallName;
  readonly name: string;
  readonly build: (regs: Registers) => SyscallArgs[SyscallName];
}

/** The call behind `sys_enter_NAME`. */
export function perfCall(name: string): PerfCall {
  if (!Object.hasOwn(BUILDERS, name)) return { call: 'other', name, build: otherArgs };
  const call = name as Exclude<SyscallName, 'other'>;
  return { call, name, build: BUILDERS[call] };
}

/** Whether an argument that the call's effect hangs on does not fit: 2^53 or more, and no multiple of 4096. */
export function hasInexactAddress(call: SyscallName, regs: Registers): boolean {
  let mask = ADDRESS_ARGUMENTS[call] ?? 0;
  if (call === 'mremap' && (regs.word(3) & MREMAP_READS_NEW_ADDRESS) !== 0) mask |= 0b10000;
  return (regs.inexact & mask) !== 0;
}

function range(regs: Registers): RangeArgs {
  return { address: regs.word(0), length: regs.word(1) };
}

function rangeFlags(regs: Registers): RangeFlagsArgs {
  return { address: regs.word(0), length: regs.word(1), flags: regs.int(2) };
}

function withoutSignal(flags: number): number {
  return flags - (flags & CLONE_SIGNAL_MASK);
}

function otherArgs(regs: Registers): SyscallArgs['other'] {
  const values = Array.from({ length: regs.count }, (_, index) => `0x${regs.word(index).toString(16)}`);
  return { text: values.join(', ') };
}
