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
import type { RecordingClock } from '../recording.js';

const DAY = 86_400;
/** Stamps of `-ttt` count from 1970, those of `-r` from the line before: nothing lies between a year and this. */
const FIRST_EPOCH_SECOND = 1e8;

/** Reads what stands before the call: `[PID] [TIME]` in all forms, and keeps the clock that the stamps imply. */
export class StraceHead {
  clock: RecordingClock = 'none';
  /** Thread of the line just read; 0 when it has no pid column. */
  tid = 0;
  /** Time of the line just read in seconds; NaN without stamps. */
  time: number = Number.NaN;
  private elapsed = 0;
  private lastOfDay = 0;
  private days = 0;

  /** Moves the cursor to the first byte of the call, signal or exit. */
  read(cursor: Cursor): void {
    this.tid = 0;
    let first = cursor.peek();
    if (first === SPACE) {
      cursor.skipSpaces();
      first = cursor.peek();
    }
    if (first === OPEN_BRACKET && cursor.eatText('[pid ')) {
      cursor.skipSpaces();
      this.readPid(cursor);
      cursor.need(CLOSE_BRACKET, 'the "]" behind the process id');
      cursor.skipSpaces();
      first = cursor.peek();
    } else if (isDigit(first) && this.startsWithPid(cursor)) {
      this.readPid(cursor);
      cursor.skipSpaces();
      first = cursor.peek();
    }
    if (isDigit(first)) this.readTime(cursor);
    else this.time = Number.NaN;
    while (cursor.peek() === OPEN_BRACKET) skipBracket(cursor);
  }

  /** A leading number is a pid unless a `.` or `:` makes it a time. */
  private startsWithPid(cursor: Cursor): boolean {
    const { bytes, end } = cursor;
    let pos = cursor.pos;
    while (pos < end && isDigit(bytes[pos] as number)) pos++;
    const next = bytes[pos];
    return next === SPACE || next === LESS;
  }

  /** `123`, or `123<comm>` of `--decode-pids=comm`. */
  private readPid(cursor: Cursor): void {
    this.tid = cursor.decimal('a process id');
    if (cursor.peek() === LESS) cursor.skipPast(GREATER, 'the ">" behind the name of the process');
  }

  private readTime(cursor: Cursor): void {
    const whole = cursor.decimal('a time');
    const next = cursor.peek();
    if (next === COLON) this.time = this.timeOfDay(cursor, whole);
    else {
      const time = cursor.eat(DOT) ? cursor.fraction(whole, 'the fraction of a second') : whole;
      this.time = time >= FIRST_EPOCH_SECOND ? this.realtime(time) : this.relative(time);
    }
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
