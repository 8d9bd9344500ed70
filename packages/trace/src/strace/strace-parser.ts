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
import { readEnd, readSignal } from './notes.js';
import { CallResult } from './result.js';
import { TaskOrder } from './task-order.js';
import { isNameByte } from './values.js';

const UNFINISHED = '<unfinished ...>';
const DETACHED = '<detached ...>';
const DIED_INSIDE = '<unfinished ...>) = ?';
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
export class StraceParser implements LineParser {
  readonly format = 'strace';
  readonly kernel: string | null = null;
  private readonly cursor = new Cursor();
  private readonly head = new StraceHead();
  private readonly calls = new StraceCalls();
  private readonly result = new CallResult();
  private readonly order: TaskOrder;
  private readonly tally: Tally;
  private readonly pending = new Map<number, Pending>();

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
    this.order.finish();
    this.tally.unfinished += this.pending.size;
    this.pending.clear();
  }

  parseLine(bytes: Uint8Array, start: number, end: number, line: number): void {
    const { cursor } = this;
    cursor.reset(bytes, start, end > start && bytes[end - 1] === CR ? end - 1 : end);
    if (isSilent(cursor)) {
      this.tally.ignored++;
      return;
    }
    const note = noteStart(cursor);
    if (note >= 0) this.parseNote(line, note);
    else {
      this.head.read(cursor);
      this.parseBody(line);
    }
    if (cursor.expected !== null) this.tally.refuse(line, cursor.expected, bytes, start, end);
  }

  private parseBody(line: number): void {
    const { cursor } = this;
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
    if (last === GREATER && (endsWith(cursor, UNFINISHED) || endsWith(cursor, DETACHED))) this.begin(call, line);
    else if (last === QUESTION && endsWith(cursor, DIED_INSIDE)) this.dieInside(call, line);
    else {
      const args = call.read(cursor);
      cursor.need(CLOSE, 'the ")" that ends the arguments');
      this.result.read(cursor);
      if (cursor.expected === null) this.complete(call, args, line, line, this.head.time);
    }
  }

  /** `NAME(ARGS-SO-FAR <unfinished ...>`. */
  private begin(call: StraceCall, line: number): void {
    const { cursor, head } = this;
    const from = cursor.pos;
    const detached = endsWith(cursor, DETACHED);
    cursor.end -= (detached ? DETACHED : UNFINISHED).length;
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
    const pending = this.pending.get(head.tid);
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

  /** `strace: [ Process PID=30933 runs in 32 bit mode. ]`; all other notes of strace say nothing about memory. */
  private parseNote(line: number, start: number): void {
    const { cursor } = this;
    const match = /\[ Process PID=(\d+) runs in (32|64|x32) bit mode/.exec(cursor.text(start, cursor.end));
    if (match === null) {
      this.tally.ignored++;
      return;
    }
    const tid = Number(match[1]);
    const bits = match[2] === '64' ? 64 : 32;
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

/** Where a note of strace itself begins, -1 when the line is none. */
function noteStart(cursor: Cursor): number {
  const first = cursor.peek();
  if (first === 0x73 && cursor.startsWith('strace: ')) return cursor.pos + 8;
  if (first === 0x50 && cursor.startsWith('Process ')) return cursor.pos;
  return first === 0x5b && cursor.startsWith('[ Process PID=') ? cursor.pos : -1;
}

/** Whether only the `)` is left of the arguments. */
function isClosed(cursor: Cursor): boolean {
  let pos = cursor.pos;
  while (pos < cursor.end && cursor.bytes[pos] === SPACE) pos++;
  return cursor.bytes[pos] === CLOSE;
}

function endsWith(cursor: Cursor, text: string): boolean {
  const from = cursor.end - text.length;
  if (from < cursor.pos) return false;
  for (let i = 0; i < text.length; i++) {
    if (cursor.bytes[from + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
