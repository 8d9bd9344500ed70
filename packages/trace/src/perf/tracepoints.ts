import { ByteMap } from '../bytes/byte-map.js';
import type { Cursor } from '../bytes/cursor.js';
import { perfCall } from './args.js';
import type { PerfCall } from './args.js';

/** What kind of event a line is, from its name: one of the frequent kinds, or a {@link RareTracepoint}. */
export type Tracepoint =
  | { readonly kind: 'enter'; readonly call: PerfCall }
  | { readonly kind: 'exit'; readonly call: PerfCall }
  | { readonly kind: 'fault'; readonly user: boolean }
  | RareTracepoint;

/** The kinds that are not worth a fast path. */
export type RareTracepoint =
  | { readonly kind: 'raw-syscall'; readonly call: PerfCall }
  | { readonly kind: 'new-task' | 'task-fork' | 'task-exec' | 'task-exit' }
  | { readonly kind: 'mmap2' | 'mmap' | 'comm' | 'fork' | 'exit-record' | 'lost' }
  | { readonly kind: 'unknown' };

const BY_NAME: Readonly<Record<string, Tracepoint>> = {
  page_fault_user: { kind: 'fault', user: true },
  page_fault_kernel: { kind: 'fault', user: false },
  task_newtask: { kind: 'new-task' },
  sched_process_fork: { kind: 'task-fork' },
  sched_process_exec: { kind: 'task-exec' },
  sched_process_exit: { kind: 'task-exit' },
  PERF_RECORD_MMAP2: { kind: 'mmap2' },
  PERF_RECORD_MMAP: { kind: 'mmap' },
  PERF_RECORD_COMM: { kind: 'comm' },
  PERF_RECORD_FORK: { kind: 'fork' },
  PERF_RECORD_EXIT: { kind: 'exit-record' },
  PERF_RECORD_LOST: { kind: 'lost' },
  PERF_RECORD_LOST_SAMPLES: { kind: 'lost' },
};

/** Finds tracepoints by the bytes of their printed name: `syscalls:sys_enter_mmap:`, `page_fault_user:`, `sys_mremap`. */
export class Tracepoints {
  private readonly byName = new ByteMap<Tracepoint>(4096);

  find(cursor: Cursor, start: number, end: number): Tracepoint {
    const known = this.byName.get(cursor.bytes, start, end);
    if (known !== undefined) return known;
    const found = recognise(cursor.text(start, end));
    this.byName.add(cursor.bytes, start, end, found);
    return found;
  }
}

function recognise(printed: string): Tracepoint {
  const name = printed.replace(/:$/, '').replace(/^[a-z_0-9]+:/, '');
  const fixed = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (fixed !== undefined) return fixed;
  const call = /^sys_(enter_|exit_)?([a-z0-9_]+)$/.exec(name);
  if (call === null) return { kind: 'unknown' };
  const kind = call[1] === undefined ? 'raw-syscall' : call[1] === 'enter_' ? 'enter' : 'exit';
  return { kind, call: perfCall(call[2] as string) };
}
