/**
 * The arguments of the system calls that a recording is asked for, one type per call.
 *
 * Addresses and lengths are bytes, as the program gave them (not rounded to pages). Flag words are the numbers of
 * the Linux ABI for x86-64 and arm64, whatever the recorder printed. `null` means "the recording does not say":
 * perf prints a pointer where strace prints what it points to, and strace leaves out arguments that it deems unused.
 */

/** A half-open range in bytes: `[address, address + length)`. */
export interface RangeArgs {
  readonly address: number;
  readonly length: number;
}

/** A file descriptor, with what `strace -y` says about it. */
export interface FileArgs {
  /** -1 when there is none. */
  readonly fd: number;
  /** Path without ` (deleted)`, for example `/usr/bin/env` or `/memfd:edges`. */
  readonly path: string | null;
  /** The file was unlinked when the call was made. */
  readonly deleted: boolean;
}

/** `mmap`, and its 32-bit forms `mmap2` and `old_mmap`; `offset` is bytes for all of them. */
export interface MmapArgs extends RangeArgs, FileArgs {
  readonly prot: number;
  readonly flags: number;
  readonly offset: number;
}

/** `mremap`. */
export interface MremapArgs {
  readonly oldAddress: number;
  readonly oldLength: number;
  readonly newLength: number;
  readonly flags: number;
  /** Fifth argument. strace prints it with `MREMAP_FIXED` only; the kernel also reads it with `MREMAP_DONTUNMAP`. */
  readonly newAddress: number | null;
}

/** `mprotect`. */
export interface MprotectArgs extends RangeArgs {
  readonly prot: number;
}

/** `pkey_mprotect`. */
export interface PkeyMprotectArgs extends MprotectArgs {
  readonly pkey: number;
}

/** `madvise`. */
export interface MadviseArgs extends RangeArgs {
  readonly advice: number;
}

/** `process_madvise`. */
export interface ProcessMadviseArgs {
  readonly pidfd: number;
  readonly ranges: readonly RangeArgs[] | null;
  readonly advice: number;
  readonly flags: number;
}

/** `brk`. 0 asks for the present break. A failing brk returns the old break, never an errno. */
export interface BrkArgs {
  readonly address: number;
}

/** `mlock2`, `msync`, `mseal`. */
export interface RangeFlagsArgs extends RangeArgs {
  readonly flags: number;
}

/** `mlockall`, `userfaultfd`. */
export interface FlagsArgs {
  readonly flags: number;
}

/** `munlockall`. */
export type NoArgs = Readonly<Record<never, never>>;

/** `shmat`. */
export interface ShmatArgs {
  readonly id: number;
  readonly address: number;
  readonly flags: number;
}

/** `shmdt`. */
export interface ShmdtArgs {
  readonly address: number;
}

/** `shmget`. Key 0 is `IPC_PRIVATE`; `length` is bytes. */
export interface ShmgetArgs {
  readonly key: number;
  readonly length: number;
  readonly flags: number;
}

/** `shmctl`. Command 0 is `IPC_RMID`. */
export interface ShmctlArgs {
  readonly id: number;
  readonly command: number;
}

/** `remap_file_pages`. `pageOffset` is pages. */
export interface RemapFilePagesArgs extends RangeArgs {
  readonly prot: number;
  readonly pageOffset: number;
  readonly flags: number;
}

/** `memfd_create`. */
export interface MemfdCreateArgs {
  readonly name: string | null;
  readonly flags: number;
}

/** `io_setup`. The context is the address of the ring that the call mapped. */
export interface IoSetupArgs {
  readonly events: number;
  readonly context: number | null;
}

/** `io_destroy`. */
export interface IoDestroyArgs {
  readonly context: number;
}

/** `mbind`. `mode` includes the mode flags. */
export interface MbindArgs extends RangeArgs {
  readonly mode: number;
  readonly flags: number;
}

/**
 * `prctl`. For `PR_SET_VMA` (0x53564d41): arg2 is the sub-option, arg3 the address, arg4 the length in bytes, `text`
 * the name. An argument that is printed as a symbol unknown here is null.
 */
export interface PrctlArgs {
  readonly option: number | null;
  readonly arg2: number | null;
  readonly arg3: number | null;
  readonly arg4: number | null;
  readonly arg5: number | null;
  /** The string argument, when the recording shows one. */
  readonly text: string | null;
}

/** `arch_prctl`. */
export interface ArchPrctlArgs {
  readonly code: number | null;
  readonly address: number | null;
}

/** `personality`. 0xffffffff asks for the present one. */
export interface PersonalityArgs {
  readonly persona: number;
}

/** `execve`, `execveat`. Long argument lists and strings are cut by strace (`...`). */
export interface ExecArgs {
  readonly path: string | null;
  readonly argv: readonly string[] | null;
}

/** `exit`, `exit_group`. */
export interface ExitArgs {
  readonly status: number;
}

/** `fork`, `vfork`, `clone`, `clone3`. */
export interface CloneArgs {
  /**
   * `CLONE_*` bits without the exit signal; for fork and vfork those that they stand for. Null for a `clone3` of perf,
   * where the flags are behind a pointer: the {@link BirthEvent} has them.
   */
  readonly flags: number | null;
  /** Lowest or highest byte of the child's stack as the call defines it; 0 when the child keeps the parent's. */
  readonly stack: number | null;
}

/** `process_vm_writev`. */
export interface ProcessVmArgs {
  readonly targetPid: number;
  readonly local: readonly RangeArgs[] | null;
  readonly remote: readonly RangeArgs[] | null;
}

/** Any other call. */
export interface OtherArgs {
  /** What stood between the parentheses, as printed. */
  readonly text: string;
}

/** Arguments by the call's name. `mmap2` and `old_mmap` are `mmap`; `syscall_0x1ce` is `mseal`. */
export interface SyscallArgs {
  readonly mmap: MmapArgs;
  readonly munmap: RangeArgs;
  readonly mremap: MremapArgs;
  readonly mprotect: MprotectArgs;
  readonly pkey_mprotect: PkeyMprotectArgs;
  readonly madvise: MadviseArgs;
  readonly process_madvise: ProcessMadviseArgs;
  readonly brk: BrkArgs;
  readonly mlock: RangeArgs;
  readonly mlock2: RangeFlagsArgs;
  readonly munlock: RangeArgs;
  readonly mlockall: FlagsArgs;
  readonly munlockall: NoArgs;
  readonly shmat: ShmatArgs;
  readonly shmdt: ShmdtArgs;
  readonly shmget: ShmgetArgs;
  readonly shmctl: ShmctlArgs;
  readonly remap_file_pages: RemapFilePagesArgs;
  readonly msync: RangeFlagsArgs;
  readonly mseal: RangeFlagsArgs;
  readonly memfd_create: MemfdCreateArgs;
  readonly userfaultfd: FlagsArgs;
  readonly io_setup: IoSetupArgs;
  readonly io_destroy: IoDestroyArgs;
  readonly mbind: MbindArgs;
  readonly prctl: PrctlArgs;
  readonly arch_prctl: ArchPrctlArgs;
  readonly personality: PersonalityArgs;
  readonly execve: ExecArgs;
  readonly execveat: ExecArgs;
  readonly exit: ExitArgs;
  readonly exit_group: ExitArgs;
  readonly fork: CloneArgs;
  readonly vfork: CloneArgs;
  readonly clone: CloneArgs;
  readonly clone3: CloneArgs;
  readonly process_vm_writev: ProcessVmArgs;
  readonly other: OtherArgs;
}

/** The names by which {@link SyscallArgs} are told apart. */
export type SyscallName = keyof SyscallArgs;
