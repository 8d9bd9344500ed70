import { CLOSE, COLON, COMMA, type Cursor, EXACT_LIMIT, LOWER_X, OPEN, QUOTE, SPACE, ZERO } from '../bytes/cursor.js';

/** A system call has at most six arguments. */
const MOST = 6;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;

/** The arguments of a call as the kernel's tracepoint prints them: up to six 64-bit numbers. */
export class Registers {
  readonly values: Float64Array = new Float64Array(MOST);
  count = 0;
  /** Bit `index` is set when that argument does not fit a number and was cut to its page. */
  inexact = 0;

  /** Reads `addr: 0x7f..., len: 0x00002000, ...` up to the end of the line or a `)`. */
  read(cursor: Cursor): void {
    this.count = 0;
    this.inexact = 0;
    cursor.skipSpaces();
    while (!cursor.atEnd() && cursor.peek() !== CLOSE) {
      cursor.skipPast(COLON, 'a ":" behind the name of an argument');
      cursor.skipSpaces();
      const value = hexNumber(cursor, 'the value of an argument');
      if (cursor.inexact) this.inexact |= 1 << this.count;
      cursor.inexact = false;
      if (this.count === MOST) cursor.fail('at most six arguments');
      else this.values[this.count++] = value;
      skipShown(cursor);
      if (!cursor.eat(COMMA)) break;
      cursor.skipSpaces();
    }
    cursor.skipSpaces();
  }

  /** Argument `index` as it is; 0 when the line had fewer. */
  word(index: number): number {
    return index < this.count ? (this.values[index] as number) : 0;
  }

  /** Argument `index` as a signed 32-bit number: -1 may be printed as 0xffffffff or with all 64 bits. */
  int(index: number): number {
    const value = this.word(index);
    if (value >= EXACT_LIMIT) return -1;
    const low = value % TWO_32;
    return low >= TWO_31 ? low - TWO_32 : low;
  }

  /** Argument `index`; null when the line had fewer. */
  optional(index: number): number | null {
    return index < this.count ? (this.values[index] as number) : null;
  }
}

/** Reads hexadecimal digits, with `0x` or without (raw tracefs). */
export function hexNumber(cursor: Cursor, expected: string): number {
  if (cursor.peek() === ZERO && cursor.peekAt(1) === LOWER_X) cursor.pos += 2;
  return cursor.hex(expected);
}

/** Newer kernels show what a pointer points to: `filename: 0x7ffe... "/usr/bin/env"`, or a flag's name in `(...)`. */
function skipShown(cursor: Cursor): void {
  if (cursor.peek() !== SPACE) return;
  let quoted = false;
  let depth = 0;
  for (; cursor.pos < cursor.end; cursor.pos++) {
    const byte = cursor.bytes[cursor.pos];
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted) continue;
    else if (byte === OPEN) depth++;
    else if (byte === CLOSE && depth-- === 0) return;
    else if (byte === COMMA && depth === 0) return;
  }
}
