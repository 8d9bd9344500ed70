import { Symbols } from './symbols.js';

/**
 * The flag words of the traced calls as strace names them, with their numbers in the Linux ABI of x86-64 and arm64.
 * The relocation flags of `mremap` are those of spec 06 section 1.
 */

export const PROT: Symbols = new Symbols('a PROT_ flag', {
  PROT_NONE: 0,
  PROT_READ: 1,
  PROT_WRITE: 2,
  PROT_EXEC: 4,
  PROT_SEM: 8,
  PROT_BTI: 0x10,
  PROT_MTE: 0x20,
  PROT_GROWSDOWN: 0x0100_0000,
  PROT_GROWSUP: 0x0200_0000,
});

export const MAP: Symbols = new Symbols('a MAP_ flag', {
  MAP_FILE: 0,
  MAP_SHARED: 1,
  MAP_PRIVATE: 2,
  MAP_SHARED_VALIDATE: 3,
  MAP_DROPPABLE: 8,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_ANON: 0x20,
  MAP_32BIT: 0x40,
  MAP_ABOVE4G: 0x80,
  MAP_GROWSDOWN: 0x100,
  MAP_DENYWRITE: 0x800,
  MAP_EXECUTABLE: 0x1000,
  MAP_LOCKED: 0x2000,
  MAP_NORESERVE: 0x4000,
  MAP_POPULATE: 0x8000,
  MAP_NONBLOCK: 0x1_0000,
  MAP_STACK: 0x2_0000,
  MAP_HUGETLB: 0x4_0000,
  MAP_SYNC: 0x8_0000,
  MAP_FIXED_NOREPLACE: 0x10_0000,
  MAP_UNINITIALIZED: 0x400_0000,
  MAP_HUGE_SHIFT: 26,
  MAP_HUGE_2MB: 21 * 2 ** 26,
  MAP_HUGE_1GB: 30 * 2 ** 26,
});

export const MREMAP: Symbols = new Symbols('an MREMAP_ flag', {
  MREMAP_MAYMOVE: 1,
  MREMAP_FIXED: 2,
  MREMAP_DONTUNMAP: 4,
  MREMAP_RELOCATE_ANON: 8,
  MREMAP_MUST_RELOCATE_ANON: 16,
});

export const MADV: Symbols = new Symbols('an MADV_ value', {
  MADV_NORMAL: 0,
  MADV_RANDOM: 1,
  MADV_SEQUENTIAL: 2,
  MADV_WILLNEED: 3,
  MADV_DONTNEED: 4,
  MADV_FREE: 8,
  MADV_REMOVE: 9,
  MADV_DONTFORK: 10,
  MADV_DOFORK: 11,
  MADV_MERGEABLE: 12,
  MADV_UNMERGEABLE: 13,
  MADV_HUGEPAGE: 14,
  MADV_NOHUGEPAGE: 15,
  MADV_DONTDUMP: 16,
  MADV_DODUMP: 17,
  MADV_WIPEONFORK: 18,
  MADV_KEEPONFORK: 19,
  MADV_COLD: 20,
  MADV_PAGEOUT: 21,
  MADV_POPULATE_READ: 22,
  MADV_POPULATE_WRITE: 23,
  MADV_DONTNEED_LOCKED: 24,
  MADV_COLLAPSE: 25,
  MADV_HWPOISON: 100,
  MADV_SOFT_OFFLINE: 101,
  MADV_GUARD_INSTALL: 102,
  MADV_GUARD_REMOVE: 103,
});

export const MLOCK: Symbols = new Symbols('an MLOCK_ flag', { MLOCK_ONFAULT: 1 });

export const MCL: Symbols = new Symbols('an MCL_ flag', { MCL_CURRENT: 1, MCL_FUTURE: 2, MCL_ONFAULT: 4 });

export const MS: Symbols = new Symbols('an MS_ flag', { MS_ASYNC: 1, MS_INVALIDATE: 2, MS_SYNC: 4 });

export const MFD: Symbols = new Symbols('an MFD_ flag', {
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  MFD_HUGETLB: 4,
  MFD_NOEXEC_SEAL: 8,
  MFD_EXEC: 16,
  MFD_HUGE_SHIFT: 26,
});

export const UFFD: Symbols = new Symbols('a userfaultfd flag', {
  UFFD_USER_MODE_ONLY: 1,
  O_NONBLOCK: 0o4000,
  O_CLOEXEC: 0o2000000,
});

export const SHM: Symbols = new Symbols('a SHM_ flag', {
  SHM_RDONLY: 0o10000,
  SHM_RND: 0o20000,
  SHM_REMAP: 0o40000,
  SHM_EXEC: 0o100000,
});

export const SHMGET: Symbols = new Symbols('a flag of shmget', {
  IPC_PRIVATE: 0,
  IPC_CREAT: 0o1000,
  IPC_EXCL: 0o2000,
  SHM_HUGETLB: 0o4000,
  SHM_NORESERVE: 0o10000,
  SHM_HUGE_SHIFT: 26,
});

export const IPC: Symbols = new Symbols('a command of shmctl', {
  IPC_RMID: 0,
  IPC_SET: 1,
  IPC_STAT: 2,
  IPC_INFO: 3,
  IPC_64: 0x100,
  SHM_LOCK: 11,
  SHM_UNLOCK: 12,
  SHM_STAT: 13,
  SHM_INFO: 14,
  SHM_STAT_ANY: 15,
});

export const MPOL: Symbols = new Symbols('an MPOL_ mode', {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
  MPOL_F_NUMA_BALANCING: 0x2000,
  MPOL_F_RELATIVE_NODES: 0x4000,
  MPOL_F_STATIC_NODES: 0x8000,
});

export const MPOL_MF: Symbols = new Symbols('an MPOL_MF_ flag', {
  MPOL_MF_STRICT: 1,
  MPOL_MF_MOVE: 2,
  MPOL_MF_MOVE_ALL: 4,
});

/** The child runs in the parent's address space. */
export const CLONE_VM = 0x100;
/** The parent waits until the child has left that space (exec or exit). */
export const CLONE_VFORK = 0x4000;
/** The child is a thread of the parent's process. */
export const CLONE_THREAD = 0x1_0000;
/** The low byte of clone's flags is the signal sent to the parent when the child ends. */
export const CLONE_SIGNAL_MASK = 0xff;

const SIGNAL_NAMES =
  'SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM ' +
  'SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF ' +
  'SIGWINCH SIGIO SIGPWR SIGSYS';

export const CLONE: Symbols = new Symbols('a CLONE_ flag', {
  CLONE_NEWTIME: 0x80,
  CLONE_VM,
  CLONE_FS: 0x200,
  CLONE_FILES: 0x400,
  CLONE_SIGHAND: 0x800,
  CLONE_PIDFD: 0x1000,
  CLONE_PTRACE: 0x2000,
  CLONE_VFORK,
  CLONE_PARENT: 0x8000,
  CLONE_THREAD,
  CLONE_NEWNS: 0x2_0000,
  CLONE_SYSVSEM: 0x4_0000,
  CLONE_SETTLS: 0x8_0000,
  CLONE_PARENT_SETTID: 0x10_0000,
  CLONE_CHILD_CLEARTID: 0x20_0000,
  CLONE_DETACHED: 0x40_0000,
  CLONE_UNTRACED: 0x80_0000,
  CLONE_CHILD_SETTID: 0x100_0000,
  CLONE_NEWCGROUP: 0x200_0000,
  CLONE_NEWUTS: 0x400_0000,
  CLONE_NEWIPC: 0x800_0000,
  CLONE_NEWUSER: 0x1000_0000,
  CLONE_NEWPID: 0x2000_0000,
  CLONE_NEWNET: 0x4000_0000,
  CLONE_IO: 0x8000_0000,
  CLONE_CLEAR_SIGHAND: 2 ** 32,
  CLONE_INTO_CGROUP: 2 ** 33,
  ...Object.fromEntries(SIGNAL_NAMES.split(' ').map((name, index) => [name, index + 1])),
});

export const PERSONA: Symbols = new Symbols('a personality', {
  PER_LINUX: 0,
  PER_LINUX32: 8,
  UNAME26: 0x2_0000,
  ADDR_NO_RANDOMIZE: 0x4_0000,
  FDPIC_FUNCPTRS: 0x8_0000,
  MMAP_PAGE_ZERO: 0x10_0000,
  ADDR_COMPAT_LAYOUT: 0x20_0000,
  READ_IMPLIES_EXEC: 0x40_0000,
  ADDR_LIMIT_32BIT: 0x80_0000,
  SHORT_INODE: 0x100_0000,
  WHOLE_SECONDS: 0x200_0000,
  STICKY_TIMEOUTS: 0x400_0000,
  ADDR_LIMIT_3GB: 0x800_0000,
});

/** `prctl`: the option whose sub-option 0 names a range of anonymous memory. */
export const PR_SET_VMA = 0x53564d41;

/** Options and sub-options of `prctl` that concern memory, and the common ones beside them. */
export const PR: Symbols = new Symbols('a prctl option', {
  PR_SET_PDEATHSIG: 1,
  PR_GET_DUMPABLE: 3,
  PR_SET_DUMPABLE: 4,
  PR_SET_NAME: 15,
  PR_GET_NAME: 16,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_READ: 23,
  PR_CAPBSET_DROP: 24,
  PR_SET_TIMERSLACK: 29,
  PR_SET_MM: 35,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_SET_THP_DISABLE: 41,
  PR_GET_THP_DISABLE: 42,
  PR_SET_MDWE: 65,
  PR_GET_MDWE: 66,
  PR_SET_MEMORY_MERGE: 67,
  PR_GET_MEMORY_MERGE: 68,
  PR_SET_VMA,
  PR_SET_VMA_ANON_NAME: 0,
  PR_SET_MM_START_CODE: 1,
  PR_SET_MM_END_CODE: 2,
  PR_SET_MM_START_DATA: 3,
  PR_SET_MM_END_DATA: 4,
  PR_SET_MM_START_STACK: 5,
  PR_SET_MM_START_BRK: 6,
  PR_SET_MM_BRK: 7,
  PR_MDWE_REFUSE_EXEC_GAIN: 1,
  PR_MDWE_NO_INHERIT: 2,
});

export const ARCH: Symbols = new Symbols('an arch_prctl code', {
  ARCH_SET_GS: 0x1001,
  ARCH_SET_FS: 0x1002,
  ARCH_GET_FS: 0x1003,
  ARCH_GET_GS: 0x1004,
  ARCH_MAP_VDSO_X32: 0x2001,
  ARCH_MAP_VDSO_32: 0x2002,
  ARCH_MAP_VDSO_64: 0x2003,
  ARCH_SHSTK_ENABLE: 0x5001,
  ARCH_SHSTK_DISABLE: 0x5002,
  ARCH_SHSTK_LOCK: 0x5003,
});
