import { ByteMap } from '../bytes/byte-map.js';
import { byteSet } from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import { LastText } from '../bytes/last-text.js';
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

const ENDS_NAME = byteSet(' (');

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

/** A printed name with its meaning, and the name that came after it the last time. */
class KnownName {
  readonly text = new LastText();
  readonly tracepoint: Tracepoint;
  next: KnownName | null = null;

  constructor(tracepoint: Tracepoint) {
    this.tracepoint = tracepoint;
  }
}

/**
 * Finds tracepoints by the bytes of their printed name: `syscalls:sys_enter_mmap:`, `page_fault_user:`, `sys_mremap`.
 * Events follow each other in patterns (a call's start, its fault, its end), so the name that came next the last time
 * is tried first.
 */
export class Tracepoints {
  private readonly byName = new ByteMap<KnownName>(4096);
  private last = new KnownName({ kind: 'unknown' });

  /** Reads the name at the cursor, up to a space or parenthesis. */
  read(cursor: Cursor): Tracepoint {
    const guess = this.last.next;
    if (guess !== null && guess.text.isAt(cursor)) {
      const stop = cursor.pos + guess.text.length;
      if (stop < cursor.end && ENDS_NAME[cursor.bytes[stop] as number] === 1) {
        cursor.pos = stop;
        this.last = guess;
        return guess.tracepoint;
      }
    }
    return this.lookUp(cursor);
  }

  private lookUp(cursor: Cursor): Tracepoint {
    const { bytes, pos: start, end } = cursor;
    let pos = start;
    while (pos < end && ENDS_NAME[bytes[pos] as number] === 0) pos++;
    if (pos === start) cursor.fail('the name of an event');
    let known = this.byName.get(bytes, start, pos);
    if (known === undefined) {
      known = new KnownName(recognise(cursor.text(start, pos)));
      known.text.remember(cursor, start, pos);
      this.byName.add(bytes, start, pos, known);
    }
    this.last.next = known;
    this.last = known;
    cursor.pos = pos;
    return known.tracepoint;
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
