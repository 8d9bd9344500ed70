import { CLOSE, EQUALS, LESS, LOWER_X, MINUS, OPEN, QUESTION, SPACE, ZERO, isDigit } from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import { descriptorPath } from './values.js';
import type { DescriptorPath } from './values.js';

const UPPER_E = 0x45;
const descriptor: DescriptorPath = { path: null, deleted: false };

/** What stands behind the `)` of a call. */
export class CallResult {
  value: number | null = null;
  errno: string | null = null;
  injected = false;
  duration: number | null = null;

  /** Reads `   = RESULT[ ERRNO (text)][ (DELAYED)|(INJECTED)][ <0.000012>]`. */
  read(cursor: Cursor): void {
    this.clear();
    if (this.readAddress(cursor)) return;
    cursor.skipSpaces();
    cursor.need(EQUALS, 'a "=" and the result');
    cursor.skipSpaces();
    const first = cursor.peek();
    if (first === QUESTION) {
      cursor.pos++;
      if (cursor.peek() === SPACE && cursor.peekAt(1) === UPPER_E) this.readErrno(cursor);
    } else {
      const value = cursor.number('the result: a number, "?" or "-1 ERRNO"');
      const failed = first === MINUS && value === -1 && cursor.peek() === SPACE;
      if (failed && (cursor.peekAt(1) === UPPER_E || cursor.startsWith(' (errno '))) this.readErrno(cursor);
      else this.value = value;
    }
    if (!cursor.atEnd()) this.readTail(cursor);
  }

  /** The common case ` = 0x7f4ba33db000` with nothing behind it; else the cursor stays where it is. */
  private readAddress(cursor: Cursor): boolean {
    const { bytes, pos, end } = cursor;
    if (pos + 5 >= end || bytes[pos] !== SPACE || bytes[pos + 1] !== EQUALS || bytes[pos + 2] !== SPACE) return false;
    if (bytes[pos + 3] !== ZERO || bytes[pos + 4] !== LOWER_X) return false;
    cursor.pos = pos + 5;
    this.value = cursor.hex('the result: a number, "?" or "-1 ERRNO"');
    if (cursor.pos !== end) this.readTail(cursor);
    return true;
  }

  /** No result: the call did not come back. */
  clear(): void {
    this.value = null;
    this.errno = null;
    this.injected = false;
    this.duration = null;
  }

  private readErrno(cursor: Cursor): void {
    cursor.skipSpaces();
    if (cursor.eat(OPEN)) {
      const start = cursor.pos;
      cursor.skipPast(CLOSE, 'the ")" behind the error number');
      this.errno = cursor.text(start, cursor.pos - 1);
      return;
    }
    const start = cursor.pos;
    while (!cursor.atEnd() && cursor.peek() !== SPACE) cursor.pos++;
    this.errno = cursor.text(start, cursor.pos);
  }

  /** What may follow a result: a descriptor's path, the error's text, notes of the recorder, the time spent. */
  private readTail(cursor: Cursor): void {
    if (cursor.peek() === LESS) descriptorPath(cursor, descriptor);
    else if (cursor.startsWith(' /*')) this.readForeignPid(cursor);
    const { bytes } = cursor;
    for (; cursor.pos < cursor.end; cursor.pos++) {
      const byte = bytes[cursor.pos];
      if (byte === OPEN && cursor.startsWith('(INJECTED)')) this.injected = true;
      else if (byte === LESS) this.readAngle(cursor);
    }
  }

  /** `/* 12345 in strace's PID NS *\/`: the id by which strace knows the new task. */
  private readForeignPid(cursor: Cursor): void {
    cursor.pos += 3;
    cursor.skipSpaces();
    if (!isDigit(cursor.peek())) return;
    const pid = cursor.decimal('a process id');
    if (cursor.startsWith(" in strace's PID NS")) this.value = pid;
  }

  /** `<0.000012>` of `-T`, or `<unavailable>`. */
  private readAngle(cursor: Cursor): void {
    cursor.pos++;
    if (isDigit(cursor.peek())) this.duration = cursor.seconds('the time spent in the call');
  }
}
