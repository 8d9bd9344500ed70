import {
  CLOSE,
  CLOSE_BRACKET,
  COLON,
  DOT,
  GREATER,
  LESS,
  OPEN,
  OPEN_BRACKET,
  SPACE,
  isDigit,
} from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import { LastText } from '../bytes/last-text.js';
import type { RecordingClock } from '../recording.js';

const DAY = 86_400;
/** Stamps of `-ttt` count from 1970, those of `-r` from the line before: nothing lies between a year and this. */
const FIRST_EPOCH_SECOND = 1e8;

/** Reads what stands before the call: `[PID] [TIME]` in all forms, and keeps the clock that the stamps imply. */
export class StraceHead {
  clock: RecordingClock = 'none';
  /** Thread of the line just read; 0 when it has no pid column. */
  tid = 0;
  /** Whether the line just read has a pid column. */
  hasColumn = false;
  /** Time of the line just read in seconds; NaN without stamps. */
  time: number = Number.NaN;
  /** `PID SECONDS.` of an earlier line with what it says. */
  private readonly lastWhole = new LastText();
  private lastTid = 0;
  private lastSecond = 0;
  private elapsed = 0;
  private lastOfDay = 0;
  private days = 0;

  /** Moves the cursor to the first byte of the call, signal or exit. */
  read(cursor: Cursor): void {
    if (this.lastWhole.isAt(cursor)) {
      this.readAgain(cursor);
      return;
    }
    this.tid = 0;
    this.hasColumn = false;
    const start = cursor.pos;
    cursor.skipSpaces();
    let first = cursor.peek();
    if (first === OPEN_BRACKET && cursor.eatText('[pid ')) {
      cursor.skipSpaces();
      this.tid = this.readPid(cursor, cursor.decimal('a process id'));
      cursor.need(CLOSE_BRACKET, 'the "]" behind the process id');
      cursor.skipSpaces();
      first = cursor.peek();
    }
    this.time = Number.NaN;
    if (isDigit(first)) {
      const number = cursor.decimal('a process id or a time');
      const next = cursor.peek();
      if (next === DOT || next === COLON) this.readTime(cursor, number);
      else {
        this.tid = this.readPid(cursor, number);
        cursor.skipSpaces();
        if (isDigit(cursor.peek())) {
          const whole = cursor.decimal('a time');
          if (cursor.peek() === DOT && whole >= FIRST_EPOCH_SECOND) this.rememberWhole(cursor, start, whole);
          this.readTime(cursor, whole);
        }
      }
    }
    while (cursor.peek() === OPEN_BRACKET) skipBracket(cursor);
  }

  /** The commonest form, `PID SECONDS.`, comes with the same pid and second on many lines in a row. */
  private rememberWhole(cursor: Cursor, start: number, whole: number): void {
    this.lastWhole.remember(cursor, start, cursor.pos + 1);
    this.lastTid = this.tid;
    this.lastSecond = whole;
  }

  /** {@link read} of a line that begins with the same pid and second as the one remembered. */
  private readAgain(cursor: Cursor): void {
    cursor.pos += this.lastWhole.length;
    this.tid = this.lastTid;
    this.hasColumn = true;
    this.time = cursor.fraction(this.lastSecond, 'the fraction of a second');
    this.leaveTime(cursor);
    while (cursor.peek() === OPEN_BRACKET) skipBracket(cursor);
  }

  /** Behind the digits of a pid: `<comm>` of `--decode-pids=comm`. */
  private readPid(cursor: Cursor, pid: number): number {
    this.hasColumn = true;
    if (cursor.peek() === LESS) cursor.skipPast(GREATER, 'the ">" behind the name of the process');
    return pid;
  }

  /** From behind the first number of a time, `whole`. */
  private readTime(cursor: Cursor, whole: number): void {
    const next = cursor.peek();
    if (next === COLON) this.time = this.timeOfDay(cursor, whole);
    else {
      const time = cursor.eat(DOT) ? cursor.fraction(whole, 'the fraction of a second') : whole;
      this.time = time >= FIRST_EPOCH_SECOND ? this.realtime(time) : this.relative(time);
    }
    this.leaveTime(cursor);
  }

  /** From behind the digits of a time to what follows. */
  private leaveTime(cursor: Cursor): void {
    if (cursor.peek() !== SPACE) {
      cursor.fail('a space behind the time');
      return;
    }
    cursor.skipSpaces();
    // `-r` together with another stamp: `(+     0.000012)`.
    if (cursor.peek() === OPEN) {
      cursor.skipPast(CLOSE, 'the ")" behind the relative time');
      cursor.skipSpaces();
    }
  }

  private realtime(time: number): number {
    this.clock = 'realtime';
    return time;
  }

  private relative(time: number): number {
    this.clock = 'relative';
    this.elapsed += time;
    return this.elapsed;
  }

  /** `12:34:56[.789]`: a day is added whenever the clock has gone back by more than half of one. */
  private timeOfDay(cursor: Cursor, hours: number): number {
    this.clock = 'time-of-day';
    cursor.pos++;
    const minutes = cursor.decimal('minutes');
    cursor.need(COLON, 'a ":" between minutes and seconds');
    const time = hours * 3600 + minutes * 60 + cursor.seconds('seconds');
    if (time < this.lastOfDay - DAY / 2) this.days++;
    this.lastOfDay = time;
    return this.days * DAY + time;
  }
}

/** `[00007f4ba3105000] ` of `-i`, `[   9] ` of `-n`. */
function skipBracket(cursor: Cursor): void {
  cursor.skipPast(CLOSE_BRACKET, 'the "]" that ends a column');
  cursor.skipSpaces();
}
