import { errnoName } from '../abi/errno-names.js';
import { COLON, CR, Cursor, KERNEL_HALF, LF, LOWER_X, MINUS, OPEN, SPACE, ZERO } from '../bytes/cursor.js';
import type { RecordedEvent, SyscallEvent, SyscallStartEvent } from '../events.js';
import type { LineParser } from '../line-parser.js';
import type { RecordingClock } from '../recording.js';
import type { Tally } from '../source/tally.js';
import { TASK_MAKERS } from '../strace/calls.js';
import type { SyscallArgs, SyscallName } from '../syscall-args.js';
import { hasInexactAddress } from './args.js';
import type { PerfCall } from './args.js';
import { PerfBirths } from './births.js';
import { PerfHead, TracefsHead } from './head.js';
import type { EventHead } from './head.js';
import { readComm, readLastNumber, readLost, readMapping, readTaskPair } from './records.js';
import type { Task } from './records.js';
import { Registers, hexNumber } from './registers.js';
import { Tracepoints } from './tracepoints.js';
import type { RareTracepoint } from './tracepoints.js';

const HASH = 0x23;
const LOWER_F = 0x66;
const TOO_LARGE = 'addresses and lengths below 2^53, or page-aligned ones';
const WRITE = 1 << 1;
const PRESENT = 1 << 0;
const FETCH = 1 << 4;

/** A call that has begun and not completed. */
interface Pending {
  readonly call: PerfCall;
  readonly args: SyscallArgs[SyscallName];
  readonly inexact: boolean;
  readonly line: number;
  readonly time: number;
}

/** Reads the text of `perf script`, of raw tracefs and of trace-cmd. */
export class PerfParser implements LineParser {
  readonly format: 'perf' | 'tracefs';
  readonly clock: RecordingClock = 'monotonic';
  kernel: string | null = null;
  private readonly cursor = new Cursor();
  private readonly head: EventHead;
  private readonly tracepoints = new Tracepoints();
  private readonly registers = new Registers();
  private readonly births = new PerfBirths();
  private readonly pending = new Map<number, Pending>();
  private readonly tally: Tally;
  private readonly task: Task = { pid: 0, tid: 0 };
  private readonly parent: Task = { pid: 0, tid: 0 };
  private out: RecordedEvent[] = [];
  private line = 0;

  constructor(format: 'perf' | 'tracefs', tally: Tally) {
    this.format = format;
    this.tally = tally;
    this.head = format === 'perf' ? new PerfHead() : new TracefsHead();
  }

  take(): RecordedEvent[] {
    const events = this.out;
    this.out = [];
    return events;
  }

  finish(): void {
    this.tally.unfinished += this.pending.size;
    this.pending.clear();
  }

  parseLine(bytes: Uint8Array, start: number, end: number, line: number): void {
    const { cursor, head } = this;
    cursor.reset(bytes, start, end > start && bytes[end - 1] === CR ? end - 1 : end);
    this.line = line;
    if (cursor.peek() === HASH || isBlank(cursor)) this.parseComment();
    else if (cursor.startsWith('CPU:')) this.parseLostLine();
    else {
      head.read(cursor);
      if (cursor.expected === null) this.parseEvent();
    }
    if (cursor.expected !== null) this.tally.refuse(line, cursor.expected, bytes, start, end);
  }

  private parseEvent(): void {
    const { cursor, head } = this;
    const tracepoint = this.tracepoints.read(cursor);
    if (cursor.expected !== null) return;
    if (head.pid < 0) head.pid = this.births.pidOf(head.tid);
    if (tracepoint.kind === 'fault') this.parseFault(tracepoint.user);
    else if (tracepoint.kind === 'enter') this.parseEnter(tracepoint.call);
    else if (tracepoint.kind === 'exit') this.parseExit(tracepoint.call);
    else this.parseRare(tracepoint);
  }

  /** ` address=0x7f8873343008 ip=0x7f885535323e error_code=0x6`. */
  private parseFault(user: boolean): void {
    const { cursor, head } = this;
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
      this.tally.ignored++;
      return;
    }
    this.announceIfNew(head.tid);
    this.out.push({
      kind: 'page-fault',
      pid: head.pid,
      tid: head.tid,
      time: head.time,
      file: this.tally.file,
      line: this.line,
      address,
      errorCode,
      write: (errorCode & WRITE) !== 0,
      present: (errorCode & PRESENT) !== 0,
      fetch: (errorCode & FETCH) !== 0,
      user,
    });
  }

  private parseEnter(call: PerfCall): void {
    const { cursor, head, registers } = this;
    registers.read(cursor);
    if (cursor.expected !== null) return;
    const args = call.build(registers);
    const { pid, tid, time } = head;
    this.announceIfNew(tid);
    if (this.pending.has(tid)) this.tally.unfinished++;
    const inexact = registers.inexact !== 0 && hasInexactAddress(call.call, registers);
    this.pending.set(tid, { call, args, inexact, line: this.line, time });
    this.out.push({
      kind: 'syscall-start',
      pid,
      tid,
      time,
      file: this.tally.file,
      line: this.line,
      call: call.call,
      name: call.name,
      args,
    } as SyscallStartEvent);
  }

  private parseExit(call: PerfCall): void {
    const { cursor, head } = this;
    const { pid, tid, time } = head;
    cursor.skipSpaces();
    const value = returnValue(cursor);
    if (cursor.expected !== null) return;
    this.announceIfNew(tid);
    const pending = this.pending.get(tid);
    if (pending === undefined || pending.call.name !== call.name) {
      // The calls that make tasks return twice; the child's return is told by its birth.
      if (pending === undefined && TASK_MAKERS.has(call.call)) this.tally.ignored++;
      else this.tally.unpaired++;
      return;
    }
    this.pending.delete(tid);
    const failed = value < 0;
    if (!failed && (cursor.inexact || pending.inexact)) {
      cursor.fail(TOO_LARGE);
      return;
    }
    this.out.push({
      kind: 'syscall',
      pid,
      tid,
      time,
      file: this.tally.file,
      line: this.line,
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
    const { cursor } = this;
    switch (tracepoint.kind) {
      case 'raw-syscall':
        if (cursor.eat(OPEN)) this.parseEnter(tracepoint.call);
        else if (cursor.eatText(' -> ')) this.parseExit(tracepoint.call);
        else cursor.fail('"(" and arguments, or "->" and a result');
        return;
      case 'mmap2':
      case 'mmap':
        return this.parseMapping(tracepoint.kind === 'mmap');
      case 'comm':
        return this.parseComm();
      case 'fork':
        return this.parseFork();
      case 'exit-record':
        return this.parseExitRecord();
      case 'new-task':
        return this.parseNewTask();
      case 'task-fork':
        return this.parseTaskFork();
      case 'task-exec':
        return this.parseTaskExec();
      case 'task-exit':
        return this.parseTaskExit();
      case 'lost':
        return this.lose(readLost(cursor));
      case 'unknown':
        this.tally.ignored++;
        return;
    }
  }

  private parseMapping(older: boolean): void {
    const { cursor } = this;
    const colon = cursor.eat(COLON);
    if (colon) cursor.skipSpaces();
    const record = readMapping(cursor, older);
    if (cursor.expected !== null) return;
    if (record === null || record.pid < 0) {
      this.tally.ignored++;
      return;
    }
    if (cursor.inexact) {
      cursor.fail(TOO_LARGE);
      return;
    }
    this.announceIfNew(record.tid);
    this.out.push({
      kind: 'mmap2',
      pid: record.pid,
      tid: record.tid,
      time: this.head.time,
      file: this.tally.file,
      line: this.line,
      start: record.start,
      length: record.length,
      pageOffsetBytes: record.pageOffsetBytes,
      prot: record.prot,
      shared: record.shared,
      device: record.device,
      inode: record.inode,
      name: record.name,
    });
  }

  private parseComm(): void {
    const { comm, exec } = readComm(this.cursor, this.task);
    if (this.cursor.expected !== null) return;
    this.announceIfNew(this.task.tid);
    this.out.push({ kind: 'comm', ...this.base(this.task), comm, exec });
  }

  private parseFork(): void {
    const { task, parent } = this;
    readTaskPair(this.cursor, task, parent);
    if (this.cursor.expected !== null) return;
    this.announceIfNew(parent.tid);
    this.out.push({ kind: 'fork-record', ...this.base(task), parentPid: parent.pid, parentTid: parent.tid });
    this.births.fork(task.tid, task.pid, parent.pid, parent.tid);
  }

  private parseExitRecord(): void {
    readTaskPair(this.cursor, this.task, this.parent);
    if (this.cursor.expected === null) this.end(this.task, null);
  }

  /** ` pid=14021 comm=g++ clone_flags=4100 oom_score_adj=0`: the parent speaks. */
  private parseNewTask(): void {
    const { cursor, head } = this;
    const start = cursor.pos;
    const flags = readLastNumber(cursor, 'clone_flags', true);
    cursor.pos = start;
    cursor.skipSpaces();
    if (flags === null || !cursor.eatText('pid=')) {
      cursor.fail('"pid=" and "clone_flags="');
      return;
    }
    const childTid = cursor.decimal('the id of the new task');
    if (cursor.expected !== null) return;
    this.announceIfNew(head.tid);
    const base = this.base(head);
    this.out.push({ kind: 'new-task', ...base, childTid, flags });
    const birth = this.births.newTask(childTid, flags, head.pid, head.tid, base);
    if (birth !== null) this.out.push(birth);
  }

  /** ` comm=hello pid=2761 child_comm=hello child_pid=2762` (tracefs): no flags. */
  private parseTaskFork(): void {
    const { cursor, head } = this;
    const tid = readLastNumber(cursor, 'child_pid', false);
    if (tid === null) cursor.fail('"child_pid="');
    if (tid === null || cursor.expected !== null) return;
    this.announceIfNew(head.tid);
    const task = { pid: -1, tid };
    this.out.push({ kind: 'fork-record', ...this.base(task), parentPid: head.pid, parentTid: head.tid });
    this.births.fork(tid, -1, head.pid, head.tid);
  }

  /** ` filename=/usr/bin/env pid=14020 old_pid=14020`. */
  private parseTaskExec(): void {
    const { cursor, head } = this;
    cursor.skipSpaces();
    const start = cursor.pos;
    const oldTid = readLastNumber(cursor, 'old_pid', false);
    cursor.pos = start;
    const tid = readLastNumber(cursor, 'pid', false);
    const stop = cursor.pos;
    cursor.pos = start;
    if (oldTid === null || tid === null || !cursor.eatText('filename=')) {
      cursor.fail('"filename=", "pid=" and "old_pid="');
      return;
    }
    const filename = cursor.text(cursor.pos, stop);
    const pending = this.pending.get(oldTid);
    if (oldTid !== tid && pending !== undefined) {
      this.pending.delete(oldTid);
      this.pending.set(tid, pending);
    }
    this.announceIfNew(tid);
    this.out.push({ kind: 'exec', ...this.base(head), filename, oldTid });
  }

  /** ` comm=env pid=14020 prio=120 group_dead=true`. */
  private parseTaskExit(): void {
    const { cursor, head } = this;
    const start = cursor.pos;
    if (readLastNumber(cursor, 'pid', false) === null) {
      cursor.pos = start;
      cursor.fail('"pid="');
      return;
    }
    const rest = cursor.text(cursor.pos, cursor.end);
    const dead = /group_dead=(true|false|1|0)/.exec(rest)?.[1];
    this.end(head, dead === undefined ? null : dead === 'true' || dead === '1');
  }

  private end(task: Task, lastThread: boolean | null): void {
    const { tid } = task;
    const pending = this.pending.get(tid);
    if (pending !== undefined) {
      this.pending.delete(tid);
      if (pending.call.call !== 'exit' && pending.call.call !== 'exit_group') this.tally.unfinished++;
    }
    this.announceIfNew(tid);
    this.out.push({ kind: 'exit', ...this.base(task), status: null, signal: null, lastThread });
    this.births.exit(tid);
  }

  /** `CPU:1 [LOST 13 EVENTS]` of tracefs. */
  private parseLostLine(): void {
    const { cursor } = this;
    while (!cursor.atEnd() && !cursor.eatText('LOST ')) cursor.pos++;
    const count = cursor.decimal('"[LOST n EVENTS]"');
    this.head.pid = 0;
    this.head.tid = 0;
    this.head.time = Number.NaN;
    if (cursor.expected === null) this.lose(count);
  }

  private lose(count: number): void {
    if (this.cursor.expected !== null) return;
    this.tally.lost += count;
    this.out.push({ kind: 'lost', ...this.base(this.head), count });
  }

  /** `# os release : 6.18.44` of `perf script --header`; all other comments say nothing. */
  private parseComment(): void {
    const { cursor } = this;
    this.tally.ignored++;
    if (cursor.startsWith('# os release : ')) this.kernel = cursor.text(cursor.pos + 15, cursor.end).trim();
  }

  private base(task: Task): { pid: number; tid: number; time: number; file: string; line: number } {
    return { pid: task.pid, tid: task.tid, time: this.head.time, file: this.tally.file, line: this.line };
  }

  /** The birth of a task whose fork record had no `task_newtask` behind it goes out before its first own event. */
  private announceIfNew(tid: number): void {
    if (!this.births.mayWait(tid)) return;
    const args = this.pending.get(this.births.parentTid(tid))?.args;
    const flags = args !== undefined && 'stack' in args ? args.flags : null;
    const birth = this.births.firstEvent(tid, flags, this.base(this.head));
    if (birth !== null) this.out.push(birth);
  }
}

function isBlank(cursor: Cursor): boolean {
  for (let pos = cursor.pos; pos < cursor.end; pos++) {
    const byte = cursor.bytes[pos];
    if (byte !== SPACE && byte !== LF) return false;
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
