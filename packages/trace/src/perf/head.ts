import { CLOSE_BRACKET, COLON, DOT, MINUS, OPEN_BRACKET, SLASH, SPACE, isDigit } from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import { LastText } from '../bytes/last-text.js';

/** What stands before the event in a line of `perf script`, raw tracefs or trace-cmd. */
export interface EventHead {
  /** Process; -1 when the line names the thread only. */
  pid: number;
  tid: number;
  /** Seconds. */
  time: number;
  /** Moves the cursor to the name of the event. */
  read(cursor: Cursor): void;
}

/** Width of perf's column for the command name, right-aligned. */
const COMM_WIDTH = 16;
const EXPECTED = 'a line of perf script: "comm pid/tid time: event: fields"';
const LOOSE = /^\s*(?:.*?\s+)?(-?\d+)(?:\/(-?\d+))?\s+(?:\[-?\d+\]\s+)?(\d+\.\d+):\s/;

/** `comm pid/tid [cpu] time: period `: all but a task and the time may be missing. */
export class PerfHead implements EventHead {
  pid = 0;
  tid = 0;
  time = 0;
  /** `comm pid/tid SECONDS.` of an earlier line: it is the same on many lines in a row. */
  private readonly lastWhole = new LastText();
  private lastPid = 0;
  private lastTid = 0;
  private lastSecond = 0;

  read(cursor: Cursor): void {
    const start = cursor.pos;
    if (this.lastWhole.isAt(cursor)) {
      cursor.pos = start + this.lastWhole.length;
      this.pid = this.lastPid;
      this.tid = this.lastTid;
      this.time = cursor.fraction(this.lastSecond, EXPECTED);
      if (cursor.eat(COLON)) {
        skipPeriod(cursor);
        return;
      }
    } else if (cursor.peekAt(COMM_WIDTH) === SPACE) {
      cursor.pos = start + COMM_WIDTH;
      if (this.readColumns(cursor, start)) return;
    }
    cursor.expected = null;
    cursor.pos = start;
    this.readLoose(cursor);
  }

  /** From the end of the comm column; false when the columns are not where they should be. */
  private readColumns(cursor: Cursor, start: number): boolean {
    cursor.skipSpaces();
    const pid = signed(cursor);
    if (cursor.eat(SLASH)) {
      this.pid = pid;
      this.tid = signed(cursor);
    } else {
      this.pid = -1;
      this.tid = pid;
    }
    if (cursor.peek() !== SPACE) return false;
    cursor.skipSpaces();
    if (cursor.peek() === OPEN_BRACKET) {
      cursor.skipPast(CLOSE_BRACKET, EXPECTED);
      cursor.skipSpaces();
    }
    if (!isDigit(cursor.peek())) return false;
    const whole = cursor.decimal(EXPECTED);
    if (!cursor.eat(DOT)) return false;
    this.lastWhole.remember(cursor, start, cursor.pos);
    this.lastPid = this.pid;
    this.lastTid = this.tid;
    this.lastSecond = whole;
    this.time = cursor.fraction(whole, EXPECTED);
    if (!cursor.eat(COLON)) return false;
    skipPeriod(cursor);
    return cursor.expected === null;
  }

  /** The same without fixed columns: the text may have lost its indentation. */
  private readLoose(cursor: Cursor): void {
    const match = LOOSE.exec(latin1(cursor));
    if (match === null) {
      cursor.fail(EXPECTED);
      return;
    }
    this.pid = match[2] === undefined ? -1 : Number(match[1]);
    this.tid = Number(match[2] ?? match[1]);
    this.time = Number(match[3]);
    cursor.pos += match[0].length;
    skipPeriod(cursor);
  }
}

const TRACEFS_EXPECTED = 'a line of tracefs: "comm-tid [cpu] flags time: event: fields"';
const TRACEFS = /^\s*(.*)-(\d+)\s+(?:\(\s*(-+|\d+)\)\s+)?\[\d+\]\s+(?:\S+\s+)?(\d+\.\d+):\s/;

/** `comm-tid [cpu] flags time: ` of tracefs and trace-cmd; `(tgid)` before the cpu with `options/record-tgid`. */
export class TracefsHead implements EventHead {
  pid = 0;
  tid = 0;
  time = 0;

  read(cursor: Cursor): void {
    const match = TRACEFS.exec(latin1(cursor));
    if (match === null) {
      cursor.fail(TRACEFS_EXPECTED);
      return;
    }
    this.tid = Number(match[2]);
    this.pid = match[3] === undefined || match[3].startsWith('-') ? -1 : Number(match[3]);
    this.time = Number(match[4]);
    cursor.pos += match[0].length;
    cursor.skipSpaces();
  }
}

/** The number of events that a line stands for (`-F period`) comes before the event's name. */
function skipPeriod(cursor: Cursor): void {
  cursor.skipSpaces();
  if (!isDigit(cursor.peek())) return;
  while (isDigit(cursor.peek())) cursor.pos++;
  cursor.skipSpaces();
}

function signed(cursor: Cursor): number {
  return cursor.eat(MINUS) ? -cursor.decimal(EXPECTED) : cursor.decimal(EXPECTED);
}

/** The rest of the line, one character a byte: offsets in it are offsets in the line. */
function latin1(cursor: Cursor): string {
  const { bytes } = cursor;
  return Buffer.from(bytes.buffer, bytes.byteOffset + cursor.pos, cursor.end - cursor.pos).toString('latin1');
}
