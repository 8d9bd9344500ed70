import type { SyscallArgs, SyscallName } from './syscall-args.js';

/**
 * What a recording says, event by event, in one model for every recorder.
 *
 * Addresses and lengths are bytes as `number`. Below 2^53, which 48-bit address spaces never reach, they are exact.
 * From there on (57-bit address spaces) multiples of 4096 are still exact, and a fault's address is that of its page; a
 * call that succeeded with any other such number is refused and counted as malformed. Times are seconds of the
 * recorder's clock (see `Recording.clock`), `NaN` when the recording has none.
 */
interface EventBase {
  /** Process (thread group). strace prints thread ids only: there it is known from the births, else equal to `tid`. */
  readonly pid: number;
  /** Thread. 0 when the recording has no pid column. */
  readonly tid: number;
  readonly time: number;
  /** Name of the input as given, `-` for stdin. */
  readonly file: string;
  /** Line in `file`, from 1. */
  readonly line: number;
}

interface SyscallStartOf<Call extends SyscallName> extends EventBase {
  readonly kind: 'syscall-start';
  readonly call: Call;
  /** The name as recorded: differs from `call` for `mmap2`, `syscall_0x1ce` and for `other`. */
  readonly name: string;
  /** What is known at the start; arguments printed at completion (`=> {parent_tid=...}`) are null yet. */
  readonly args: SyscallArgs[Call];
}

interface SyscallOf<Call extends SyscallName> extends EventBase {
  readonly kind: 'syscall';
  readonly call: Call;
  /** The name as recorded: differs from `call` for `mmap2`, `syscall_0x1ce` and for `other`. */
  readonly name: string;
  readonly args: SyscallArgs[Call];
  /** Return value; null when the call failed or does not return (`= ?`). */
  readonly result: number | null;
  /** Name of the error, for example `ENOMEM` or `ERESTARTSYS`; null when the call did not fail. */
  readonly errno: string | null;
  /** The recorder made up the result (strace `(INJECTED)`): the kernel never ran the call. */
  readonly injected: boolean;
  /** Where and when the call began: equal to `line` and `time` unless a {@link SyscallStartEvent} came before. */
  readonly startLine: number;
  readonly startTime: number;
  /** Seconds spent in the call (strace `-T`), null when not recorded. */
  readonly duration: number | null;
}

/**
 * A call began, and other events may come before it completes. A call whose start and completion stand on one line
 * (most of strace) has no start event. Every perf call has one.
 */
export type SyscallStartEvent = { [Call in SyscallName]: SyscallStartOf<Call> }[SyscallName];

/** A call completed. Its place in the stream is that of its completion. */
export type SyscallEvent = { [Call in SyscallName]: SyscallOf<Call> }[SyscallName];

/** The completion of one call by name, for example `SyscallEventOf<'mremap'>`. */
export type SyscallEventOf<Call extends SyscallName> = Extract<SyscallEvent, { readonly call: Call }>;

/** A page fault was taken (perf, tracefs). It may not have succeeded. */
export interface PageFaultEvent extends EventBase {
  readonly kind: 'page-fault';
  /** Faulting byte address; from 2^53 on that of the page. */
  readonly address: number;
  /** The x86 error code as recorded; the next three fields are its bits. */
  readonly errorCode: number;
  /** Bit 1: the access was a write. */
  readonly write: boolean;
  /** Bit 0: a page was present (write to a read-only, copy-on-write or zero page). */
  readonly present: boolean;
  /** Bit 4: the access fetched an instruction. */
  readonly fetch: boolean;
  /** The program itself faulted; false when the kernel did on its behalf (`page_fault_kernel`). */
  readonly user: boolean;
}

/** The kernel's word about one VMA after a mapping call, stack growth or exec, merging done (`PERF_RECORD_MMAP2`). */
export interface Mmap2Event extends EventBase {
  readonly kind: 'mmap2';
  readonly start: number;
  readonly length: number;
  /** `vm_pgoff` in bytes; for anonymous VMAs the true one, which `/proc/PID/maps` hides. */
  readonly pageOffsetBytes: number;
  /** Bits of `PROT_*`; null in the older `PERF_RECORD_MMAP`. */
  readonly prot: number | null;
  readonly shared: boolean;
  /** `major:minor` in hexadecimal as printed, null when a build id is printed in its place. */
  readonly device: string | null;
  readonly inode: number | null;
  readonly name: string;
}

/** A task was made, before its first own event (from the parent's call, `PERF_RECORD_FORK` and `task_newtask`). */
export interface BirthEvent extends EventBase {
  readonly kind: 'birth';
  readonly parentPid: number;
  readonly parentTid: number;
  /** `CLONE_*` bits; null when the recording does not have them. */
  readonly flags: number | null;
  /** The child runs in its parent's address space (`CLONE_VM`); otherwise it has a copy. */
  readonly sharesMemory: boolean;
  /** The child is a thread of its parent's process (`CLONE_THREAD`). */
  readonly thread: boolean;
}

/** `PERF_RECORD_FORK` as it stands; {@link BirthEvent} is what to act on. `pid` and `tid` are the child's. */
export interface ForkRecordEvent extends EventBase {
  readonly kind: 'fork-record';
  readonly parentPid: number;
  readonly parentTid: number;
}

/** `task:task_newtask` as it stands; {@link BirthEvent} is what to act on. `pid` and `tid` are the parent's. */
export interface NewTaskEvent extends EventBase {
  readonly kind: 'new-task';
  readonly childTid: number;
  readonly flags: number;
}

/** A new program runs in a new address space (`sched_process_exec`). In strace: the completed `execve`. */
export interface ExecEvent extends EventBase {
  readonly kind: 'exec';
  readonly filename: string;
  /** The thread that called; differs from `tid` when it was not the leader and took the leader's id. */
  readonly oldTid: number;
}

/** A task ended. perf may say it twice (`sched_process_exit`, then `PERF_RECORD_EXIT`). */
export interface ExitEvent extends EventBase {
  readonly kind: 'exit';
  /** Exit status, when recorded (strace). */
  readonly status: number | null;
  /** Signal that killed it, when recorded (strace). */
  readonly signal: string | null;
  /** It was the last thread of its process; null when not recorded. */
  readonly lastThread: boolean | null;
}

/** A task got a name (`PERF_RECORD_COMM`). */
export interface CommEvent extends EventBase {
  readonly kind: 'comm';
  readonly comm: string;
  readonly exec: boolean;
}

/** A signal was delivered (strace). */
export interface SignalEvent extends EventBase {
  readonly kind: 'signal';
  readonly signal: string;
  /** `si_code`, for example `SEGV_MAPERR`. */
  readonly code: string | null;
  /** `si_addr` in bytes. */
  readonly address: number | null;
}

/** Thread `byTid` called execve: it goes on as `tid`, all other threads of the process are gone (strace). */
export interface SupersededEvent extends EventBase {
  readonly kind: 'superseded';
  readonly byTid: number;
}

/** The task runs a program of that word size from here on (strace's notes). */
export interface WordSizeEvent extends EventBase {
  readonly kind: 'word-size';
  readonly bits: 32 | 64;
}

/** The recorder lost events. What follows cannot be trusted to the end. */
export interface LostEvent extends EventBase {
  readonly kind: 'lost';
  readonly count: number;
}

/** Anything that a recording says. Tell apart by `kind`. */
export type RecordedEvent =
  | SyscallStartEvent
  | SyscallEvent
  | PageFaultEvent
  | Mmap2Event
  | BirthEvent
  | ForkRecordEvent
  | NewTaskEvent
  | ExecEvent
  | ExitEvent
  | CommEvent
  | SignalEvent
  | SupersededEvent
  | WordSizeEvent
  | LostEvent;

/** The kinds of {@link RecordedEvent}. */
export type RecordedEventKind = RecordedEvent['kind'];
