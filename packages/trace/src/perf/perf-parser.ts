import { errnoName } from '../abi/errno-names.js';
import { CR, type Cursor, KERNEL_HALF, LOWER_X, MINUS, OPEN, SPACE, ZERO } from '../bytes/cursor.js';
import type { RecordedEvent, SyscallEvent, SyscallStartEvent } from '../events.js';
import type { LineParser } from '../line-parser.js';
import type { RecordingClock } from '../recording.js';
import type { Tally } from '../source/tally.js';
import { TASK_MAKERS } from '../task-makers.js';
import { hasInexactAddress } from './args.js';
import type { PerfCall } from './args.js';
import { PerfHead, TracefsHead } from './head.js';
import { Registers, hexNumber } from './registers.js';
import { PerfState } from './state.js';
import { TOO_LARGE, lose, readTaskLine } from './task-lines.js';
import { Tracepoints } from './tracepoints.js';
import type { RareTracepoint } from './tracepoints.js';

const HASH = 0x23;
/** Begins the lines of a call graph (`perf record -g`). */
const TAB = 0x09;
const LOWER_F = 0x66;
const WRITE = 1 << 1;
const PRESENT = 1 << 0;
const FETCH = 1 << 4;
const WITHOUT_ARGUMENTS: ReadonlySet<string> = new Set(['munlockall', 'fork', 'vfork']);

/** Reads the text of `perf script`, of raw tracefs and of trace-cmd. */
export class PerfParser implements LineParser {
  readonly format: 'perf' | 'tracefs';
  readonly clock: RecordingClock = 'monotonic';
  kernel: string | null = null;
  private readonly state: PerfState;
  private readonly tracepoints = new Tracepoints();
  private readonly registers = new Registers();

  constructor(format: 'perf' | 'tracefs', tally: Tally) {
    this.format = format;
    this.state = new PerfState(format === 'perf' ? new PerfHead() : new TracefsHead(), tally);
  }

  take(): RecordedEvent[] {
    return this.state.take();
  }

  finish(): void {
    const { pending, tally } = this.state;
    tally.unfinished += pending.size;
    pending.clear();
  }

  parseLine(bytes: Uint8Array, start: number, end: number, line: number): void {
    const { state } = this;
    const { cursor } = state;
    cursor.reset(bytes, start, end > start && bytes[end - 1] === CR ? end - 1 : end);
    state.line = line;
    if (cursor.peek() === HASH || cursor.peek() === TAB || isBlank(cursor)) this.parseComment(cursor);
    else if (cursor.startsWith('CPU:')) this.parseLostLine();
    else if (cursor.startsWith('PERF_RECORD_FINISHED_')) state.tally.ignored++;
    else {
      state.head.read(cursor);
      if (cursor.expected === null) this.parseEvent();
    }
    if (cursor.expected !== null) state.tally.refuse(line, cursor.expected, bytes, start, end);
  }

  private parseEvent(): void {
    const { cursor, head, births } = this.state;
    const tracepoint = this.tracepoints.read(cursor);
    if (cursor.expected !== null) return;
    if (head.pid < 0) head.pid = births.pidOf(head.tid);
    if (tracepoint.kind === 'fault') this.parseFault(tracepoint.user);
    else if (tracepoint.kind === 'enter') this.parseEnter(tracepoint.call);
    else if (tracepoint.kind === 'exit') this.parseExit(tracepoint.call);
    else this.parseRare(tracepoint);
  }

  /** ` address=0x7f8873343008 ip=0x7f885535323e error_code=0x6`. */
  private parseFault(user: boolean): void {
    const { state } = this;
    const { cursor, head } = state;
    cursor.skipSpaces();
    if (!cursor.eatText('address=')) {
      cursor.fail('"address="');
      return;
    }
    const address = hexNumber(cursor, 'the faulting address');
    cursor.skipSpaces();
    cursor.skipPast(SPACE, '"ip=" and "error_code="');
    if (!cursor.eatText('error_code=')) {
      cursor.fail('"error_code="');
      return;
    }
    const errorCode = hexNumber(cursor, 'the error code');
    if (cursor.expected !== null) return;
    if (address >= KERNEL_HALF) {
      state.tally.ignored++;
      return;
    }
    state.announceIfNew(head.tid);
    state.push({
      kind: 'page-fault',
      pid: head.pid,
      tid: head.tid,
      time: head.time,
      file: state.tally.file,
      line: state.line,
      address,
      errorCode,
      write: (errorCode & WRITE) !== 0,
      present: (errorCode & PRESENT) !== 0,
      fetch: (errorCode & FETCH) !== 0,
      user,
    });
  }

  private parseEnter(call: PerfCall): void {
    const { state, registers } = this;
    const { cursor, head } = state;
    // What stands behind the name of a call without arguments is another column.
    if (!WITHOUT_ARGUMENTS.has(call.name)) registers.read(cursor);
    if (cursor.expected !== null) return;
    const args = call.build(registers);
    const { pid, tid, time } = head;
    state.announceIfNew(tid);
    if (state.pending.has(tid)) state.tally.unfinished++;
    const inexact = registers.inexact !== 0 && hasInexactAddress(call.call, registers);
    state.pending.set(tid, { call, args, inexact, line: state.line, time });
    state.push({
      kind: 'syscall-start',
      pid,
      tid,
      time,
      file: state.tally.file,
      line: state.line,
      call: call.call,
      name: call.name,
      args,
    } as SyscallStartEvent);
  }

  private parseExit(call: PerfCall): void {
    const { state } = this;
    const { cursor, head } = state;
    const { pid, tid, time } = head;
    cursor.skipSpaces();
    const value = returnValue(cursor);
    if (cursor.expected !== null) return;
    state.announceIfNew(tid);
    const pending = state.pending.get(tid);
    if (pending === undefined || pending.call.name !== call.name) {
      // The calls that make tasks return twice; the child's return is told by its birth.
      if (pending === undefined && TASK_MAKERS.has(call.call)) state.tally.ignored++;
      else state.tally.unpaired++;
      return;
    }
    state.pending.delete(tid);
    const failed = value < 0;
    if (!failed && (cursor.inexact || pending.inexact)) {
      cursor.fail(TOO_LARGE);
      return;
    }
    state.push({
      kind: 'syscall',
      pid,
      tid,
      time,
      file: state.tally.file,
      line: state.line,
      call: call.call,
      name: call.name,
      args: pending.args,
      result: failed ? null : value,
      errno: failed ? errnoName(-value) : null,
      injected: false,
      startLine: pending.line,
      startTime: pending.time,
      duration: null,
    } as SyscallEvent);
  }

  private parseRare(tracepoint: RareTracepoint): void {
    const { cursor } = this.state;
    if (tracepoint.kind !== 'raw-syscall') readTaskLine(this.state, tracepoint.kind);
    else if (cursor.eat(OPEN)) this.parseEnter(tracepoint.call);
    else if (cursor.eatText(' -> ')) this.parseExit(tracepoint.call);
    else cursor.fail('"(" and arguments, or "->" and a result');
  }

  /** `CPU:1 [LOST 13 EVENTS]` of tracefs. */
  private parseLostLine(): void {
    const { state } = this;
    const { cursor, head } = state;
    while (!cursor.atEnd() && !cursor.eatText('LOST ')) cursor.pos++;
    const count = cursor.decimal('"[LOST n EVENTS]"');
    head.pid = 0;
    head.tid = 0;
    head.time = Number.NaN;
    lose(state, count);
  }

  /** `# os release : 6.18.44` of `perf script --header`; all other comments say nothing. */
  private parseComment(cursor: Cursor): void {
    this.state.tally.ignored++;
    if (cursor.startsWith('# os release : ')) this.kernel = cursor.text(cursor.pos + 15, cursor.end).trim();
  }
}

function isBlank(cursor: Cursor): boolean {
  for (let pos = cursor.pos; pos < cursor.end; pos++) {
    if (cursor.bytes[pos] !== SPACE) return false;
  }
  return true;
}

/** Reads a return value; -errno for the last 4095 values of 64 bits, which a number could not tell apart. */
function returnValue(cursor: Cursor): number {
  if (cursor.eat(MINUS)) return -cursor.decimal('a result');
  if (cursor.peek() === ZERO && cursor.peekAt(1) === LOWER_X) cursor.pos += 2;
  const start = cursor.pos;
  const value = cursor.hex('a result');
  if (value < KERNEL_HALF || cursor.pos - start !== 16) return value;
  for (let pos = start; pos < start + 13; pos++) {
    if (cursor.bytes[pos] !== LOWER_F) return value;
  }
  cursor.pos = start + 13;
  return cursor.hex('a result') - 4096;
}
