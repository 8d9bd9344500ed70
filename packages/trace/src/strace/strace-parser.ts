import {
  CLOSE,
  COLON,
  COMMA,
  CR,
  Cursor,
  GREATER,
  LESS,
  MINUS,
  OPEN,
  OPEN_BRACKET,
  PLUS,
  QUESTION,
  SPACE,
  plainBytes,
} from '../bytes/cursor.js';
import type { RecordedEvent, SyscallEvent, SyscallStartEvent } from '../events.js';
import type { LineParser } from '../line-parser.js';
import type { RecordingClock } from '../recording.js';
import type { Tally } from '../source/tally.js';
import type { SyscallArgs, SyscallName } from '../syscall-args.js';
import { StraceCalls } from './calls.js';
import type { StraceCall } from './calls.js';
import { StraceHead } from './head.js';
import { Speaker } from './speaker.js';
import type { Family } from './speaker.js';
import { readEnd, readSignal } from './notes.js';
import { CallResult } from './result.js';
import { TaskOrder } from './task-order.js';
import { isNameByte } from './values.js';

const PERCENT = 0x25;
const UPPER_P = 0x50;
const LOWER_D = 0x64;
const LOWER_S = 0x73;
const NOTE = 'strace: ';
const UNFINISHED = '<unfinished ...>';
const DETACHED = '<detached ...>';
const DIED_INSIDE = '<unfinished ...>) = ?';
/** A thread that calls execve goes on under its leader's id. */
const PID_CHANGED = /<pid changed to \d+ \.\.\.>$/;
const TOO_LARGE = 'addresses and lengths below 2^53, or page-aligned ones';

/** A call that has begun and not completed. */
interface Pending {
  readonly call: StraceCall;
  readonly args: SyscallArgs[SyscallName];
  /** The arguments as printed so far, for calls that print more at completion. */
  readonly printed: Uint8Array;
  readonly inexact: boolean;
  readonly line: number;
  readonly time: number;
}

/** Reads the text of `strace`, in all forms of its options that keep one event a line. */
export class StraceParser implements LineParser, Family {
  readonly format = 'strace';
  readonly kernel: string | null = null;
  private readonly cursor = new Cursor();
  private readonly head = new StraceHead();
  private readonly calls = new StraceCalls();
  private readonly result = new CallResult();
  private readonly order: TaskOrder;
  private readonly tally: Tally;
  private readonly speaker = new Speaker();
  private readonly pending = new Map<number, Pending>();
  /** Beginning of a line into which strace printed a note; the next line goes on with it. */
  private torn: Uint8Array | null = null;
  /** Within the table of counts that `strace -C` prints at the end. */
  private inSummary = false;

  constructor(tally: Tally, attachedPid: number | undefined) {
    this.tally = tally;
    this.order = new TaskOrder(attachedPid);
  }

  get clock(): RecordingClock {
    return this.head.clock;
  }

  take(): RecordedEvent[] {
    return this.order.take();
  }

  finish(): void {
    if (this.torn !== null) this.tally.unfinished++;
    this.order.finish();
    this.tally.unfinished += this.pending.size;
    this.pending.clear();
  }

  parseLine(given: Uint8Array, from: number, to: number, line: number): void {
    const { cursor } = this;
    let bytes = given;
    let start = from;
    let end = to > from && given[to - 1] === CR ? to - 1 : to;
    cursor.reset(given, from, end);
    if (this.inSummary || cursor.peek() === PERCENT) {
      this.skipSummary();
      return;
    }
    if (isNote(cursor)) {
      this.parseNote(line, from);
      return;
    }
    if (this.torn !== null) {
      bytes = plainBytes(Buffer.concat([this.torn, given.subarray(start, end)]));
      start = 0;
      end = bytes.length;
      this.torn = null;
      cursor.reset(bytes, start, end);
    }
    if (isSilent(cursor)) {
      this.tally.ignored++;
      return;
    }
    if (bytes[end - 1] === LOWER_D && this.tears(line)) return;
    this.head.read(cursor);
    this.parseBody(line);
    if (cursor.expected !== null) this.tally.refuse(line, cursor.expected, bytes, start, end);
  }

  /** From `% time     seconds  usecs/call     calls    errors syscall` to `100.00    0.001 ...   351  total`. */
  private skipSummary(): void {
    const { cursor } = this;
    this.tally.ignored++;
    this.inSummary = !endsWith(cursor, ' total');
  }

  /** Whether another task than the root may speak: see {@link Speaker}. */
  mayBeChild(tid: number): boolean {
    const resumesRoot = this.cursor.startsWith('<... ') && this.pending.has(0) && !this.pending.has(tid);
    return !resumesRoot && this.order.mayBeChild(tid);
  }

  /** `clone(child_stack=NULLstrace: Process 123 attached`: a note in the middle of a line; its rest comes next. */
  private tears(line: number): boolean {
    const { cursor } = this;
    const rest = cursor.bytes.subarray(cursor.pos, cursor.end);
    const at = Buffer.from(rest.buffer, rest.byteOffset, rest.length).lastIndexOf(NOTE);
    if (at < 0 || !/^strace: Process \d+ (?:at|de)tached$/.test(cursor.text(cursor.pos + at, cursor.end))) return false;
    this.speaker.begin();
    this.torn = rest.slice(0, at);
    this.parseNote(line, cursor.pos + at);
    return true;
  }

  private parseBody(line: number): void {
    const { cursor, head } = this;
    head.tid = head.hasColumn ? this.speaker.withColumn(head.tid, this) : this.speaker.withoutColumn();
    const first = cursor.peek();
    if (isNameByte(first)) this.parseCall(line);
    else if (first === LESS && cursor.eatText('<... ')) this.parseResumed(line);
    else if (first === PLUS && cursor.startsWith('+++')) this.parseEnd(line);
    else if (first === MINUS && cursor.startsWith('---')) this.parseSignal(line);
    else cursor.fail('a system call, "<... NAME resumed>", "---" or "+++"');
  }

  private parseCall(line: number): void {
    const { cursor } = this;
    const { bytes, end } = cursor;
    const start = cursor.pos;
    let pos = start;
    while (pos < end && isNameByte(bytes[pos] as number)) pos++;
    if (pos >= end || bytes[pos] !== OPEN) {
      cursor.fail(bytes[pos] === COLON ? 'a line of strace' : 'the name of a call and "("');
      return;
    }
    const call = this.calls.find(cursor, start, pos);
    cursor.pos = pos + 1;
    const last = bytes[end - 1];
    const mark = last === GREATER ? unfinishedMark(cursor) : 0;
    if (mark > 0) this.begin(call, line, mark);
    else if (last === QUESTION && endsWith(cursor, DIED_INSIDE)) this.dieInside(call, line);
    else {
      const args = call.read(cursor);
      cursor.need(CLOSE, 'the ")" that ends the arguments');
      this.result.read(cursor);
      if (cursor.expected === null) this.complete(call, args, line, line, this.head.time);
    }
  }

  /** `NAME(ARGS-SO-FAR <unfinished ...>`; `mark`: length of what stands for the rest. */
  private begin(call: StraceCall, line: number, mark: number): void {
    const { cursor, head } = this;
    const from = cursor.pos;
    const detached = endsWith(cursor, DETACHED);
    cursor.end -= mark;
    const args = this.readPartial(call);
    if (cursor.expected !== null) return;
    if (detached) this.tally.unfinished++;
    else {
      if (this.pending.has(head.tid)) this.tally.unfinished++;
      this.pending.set(head.tid, {
        call,
        args,
        printed: cursor.bytes.slice(from, cursor.end),
        inexact: cursor.inexact,
        line,
        time: head.time,
      });
    }
    this.order.push({
      kind: 'syscall-start',
      pid: this.order.pidOf(head.tid),
      tid: head.tid,
      time: head.time,
      file: this.tally.file,
      line,
      call: call.call,
      name: call.name,
      args,
    } as SyscallStartEvent);
  }

  /** `NAME(ARGS-SO-FAR <unfinished ...>) = ?`: the task was killed in the call. */
  private dieInside(call: StraceCall, line: number): void {
    const { cursor } = this;
    cursor.end -= DIED_INSIDE.length;
    const args = this.readPartial(call);
    if (cursor.expected !== null) return;
    this.result.clear();
    this.complete(call, args, line, line, this.head.time);
  }

  private readPartial(call: StraceCall): SyscallArgs[SyscallName] {
    const { cursor } = this;
    if (cursor.end > cursor.pos && cursor.bytes[cursor.end - 1] === SPACE) cursor.end--;
    cursor.partial = true;
    const args = call.read(cursor);
    while (cursor.peek() === COMMA || cursor.peek() === SPACE) cursor.pos++;
    if (!cursor.atEnd() && cursor.expected === null) cursor.fail(`another argument of ${call.name}`);
    return args;
  }

  /** From behind `<... `: `NAME resumed>REST) = RESULT`. */
  private parseResumed(line: number): void {
    const { cursor, head } = this;
    const start = cursor.pos;
    cursor.skipPast(SPACE, 'the name of a call and "resumed>"');
    const nameEnd = cursor.pos - 1;
    if (!cursor.eatText('resumed>')) {
      cursor.fail('"resumed>"');
      return;
    }
    const pending = this.pending.get(head.tid) ?? this.supersede(cursor.text(start, nameEnd), line);
    if (pending === undefined) {
      this.tally.unpaired++;
      return;
    }
    if (this.calls.find(cursor, start, nameEnd) !== pending.call) {
      cursor.fail(`the resumption of ${pending.call.name}, which thread ${head.tid} began in line ${pending.line}`);
      return;
    }
    this.pending.delete(head.tid);
    let args = pending.args;
    if (isClosed(cursor)) {
      cursor.skipSpaces();
      cursor.inexact = pending.inexact;
    } else {
      args = this.readJoined(pending);
    }
    cursor.need(CLOSE, 'the ")" that ends the arguments');
    this.result.read(cursor);
    if (cursor.expected === null) this.complete(pending.call, args, line, pending.line, pending.time);
  }

  /**
   * The execve of another thread of the process completes as that of its first one; with `-qqq` strace does not say
   * so. Gives that thread's call.
   */
  private supersede(name: string, line: number): Pending | undefined {
    const { head, order, pending } = this;
    if (!name.startsWith('execve')) return undefined;
    const pid = order.pidOf(head.tid);
    for (const [byTid, call] of pending) {
      if (call.call.name !== name || order.pidOf(byTid) !== pid) continue;
      pending.delete(byTid);
      order.push({ kind: 'superseded', pid, tid: head.tid, time: head.time, file: this.tally.file, line, byTid });
      return call;
    }
    return undefined;
  }

  /** The call printed more arguments at its completion: reads all of them from both lines together. */
  private readJoined(pending: Pending): SyscallArgs[SyscallName] {
    const { cursor } = this;
    const rest = cursor.bytes.subarray(cursor.pos, cursor.end);
    const joined = plainBytes(Buffer.concat([pending.printed, rest]));
    cursor.reset(joined, 0, joined.length);
    return pending.call.read(cursor);
  }

  private complete(
    call: StraceCall,
    args: SyscallArgs[SyscallName],
    line: number,
    startLine: number,
    startTime: number,
  ): void {
    const { head, result, cursor } = this;
    if (cursor.inexact && result.errno === null) {
      cursor.fail(TOO_LARGE);
      return;
    }
    this.order.push({
      kind: 'syscall',
      pid: this.order.pidOf(head.tid),
      tid: head.tid,
      time: head.time,
      file: this.tally.file,
      line,
      call: call.call,
      name: call.name,
      args,
      result: result.value,
      errno: result.errno,
      injected: result.injected,
      startLine,
      startTime,
      duration: result.duration,
    } as SyscallEvent);
  }

  private parseSignal(line: number): void {
    const note = readSignal(this.cursor);
    if (note === null || this.cursor.expected !== null) return;
    const { tid, time } = this.head;
    const pid = this.order.pidOf(tid);
    this.order.push({ kind: 'signal', pid, tid, time, file: this.tally.file, line, ...note });
  }

  private parseEnd(line: number): void {
    const note = readEnd(this.cursor);
    if (note === null || this.cursor.expected !== null) return;
    const { tid, time } = this.head;
    const base = { pid: this.order.pidOf(tid), tid, time, file: this.tally.file, line };
    this.speaker.ended(note.kind === 'superseded' ? note.byTid : tid);
    if (note.kind === 'superseded') {
      const pending = this.pending.get(note.byTid);
      this.pending.delete(note.byTid);
      if (pending !== undefined) this.pending.set(tid, pending);
      this.order.push({ kind: 'superseded', ...base, byTid: note.byTid });
      return;
    }
    if (this.pending.delete(tid)) this.tally.unfinished++;
    const status = note.kind === 'exited' ? note.status : null;
    const signal = note.kind === 'killed' ? note.signal : null;
    this.order.push({ kind: 'exit', ...base, status, signal, lastThread: null });
  }

  /** Of the notes of strace, those matter that name a process and those that tell its word size. */
  private parseNote(line: number, start: number): void {
    const { cursor } = this;
    const text = cursor.text(start, cursor.end);
    const attached = /Process (\d+) attached(?: with \d+ threads)?/.exec(text);
    const size = /\[ Process PID=(\d+) runs in (32|64|x32) bit mode/.exec(text);
    if (size === null) this.tally.ignored++;
    if (attached !== null) {
      const tid = Number(attached[1]);
      this.speaker.attached(tid);
      if (attached[0].endsWith('threads')) this.order.attachTo(tid);
    }
    if (size === null) return;
    const tid = Number(size[1]);
    const bits = size[2] === '64' ? 64 : 32;
    const pid = this.order.pidOf(tid);
    this.order.push({ kind: 'word-size', pid, tid, time: Number.NaN, file: this.tally.file, line, bits });
  }
}

/** Blank, or a line of a stack trace (`-k`): ` > /lib/libc.so.6(mmap+0x13) [0x10ef93]`. */
function isSilent(cursor: Cursor): boolean {
  if (cursor.atEnd()) return true;
  if (cursor.peek() !== SPACE) return false;
  if (cursor.startsWith(' > ')) return true;
  for (let pos = cursor.pos; pos < cursor.end; pos++) {
    if (cursor.bytes[pos] !== SPACE) return false;
  }
  return true;
}

/** Whether the line is a note of strace itself. */
function isNote(cursor: Cursor): boolean {
  const first = cursor.peek();
  if (first === LOWER_S) return cursor.startsWith(NOTE);
  if (first === UPPER_P) return cursor.startsWith('Process ');
  return first === OPEN_BRACKET && cursor.startsWith('[ Process PID=');
}

/** Whether only the `)` is left of the arguments. */
function isClosed(cursor: Cursor): boolean {
  let pos = cursor.pos;
  while (pos < cursor.end && cursor.bytes[pos] === SPACE) pos++;
  return cursor.bytes[pos] === CLOSE;
}

/** Length of the mark at the end of a line whose call goes on, 0 without one. */
function unfinishedMark(cursor: Cursor): number {
  if (endsWith(cursor, UNFINISHED)) return UNFINISHED.length;
  if (endsWith(cursor, DETACHED)) return DETACHED.length;
  const from = Math.max(cursor.pos, cursor.end - 40);
  return PID_CHANGED.exec(cursor.text(from, cursor.end))?.[0].length ?? 0;
}

function endsWith(cursor: Cursor, text: string): boolean {
  const from = cursor.end - text.length;
  if (from < cursor.pos) return false;
  for (let i = 0; i < text.length; i++) {
    if (cursor.bytes[from + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
