import type { SyscallName } from './syscall-args.js';

/** Calls whose result is the id of a new task. */
export const TASK_MAKERS: ReadonlySet<SyscallName> = new Set<SyscallName>(['fork', 'vfork', 'clone', 'clone3']);
