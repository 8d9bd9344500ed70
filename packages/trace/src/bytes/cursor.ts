/** 2^53: from here on a JavaScript number no longer holds every integer. */
export const EXACT_LIMIT: number = 2 ** 53;
/** 2^63: addresses from here on are the kernel's. */
export const KERNEL_HALF: number = 2 ** 63;

/** The last three hexadecimal digits of an address are its offset in a page of 4 KiB. */
const PAGE_DIGITS = 3;
const PAGE = 4096;

const POWERS_OF_16: readonly number[] = Array.from({ length: 8 }, (_, digits) => 16 ** digits);

const SCALES: readonly number[] = Array.from({ length: 16 }, (_, digits) => 10 ** digits);

/** Value of a hexadecimal digit by its byte, -1 for any other byte. */
const HEX_VALUE: Int8Array = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  HEX_VALUE[text.charCodeAt(0)] = digit;
  HEX_VALUE[text.toUpperCase().charCodeAt(0)] = digit;
}

export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const OPEN = 0x28;
export const CLOSE = 0x29;
export const STAR = 0x2a;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const LESS = 0x3c;
export const EQUALS = 0x3d;
export const GREATER = 0x3e;
export const QUESTION = 0x3f;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const LOWER_X = 0x78;

/**
 * The same memory as a plain `Uint8Array`. All hot loops see this one class, never `Buffer` beside it: element access
 * stays monomorphic, and `slice` means a copy.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether a byte is one of `0`..`9`. */
export function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** A set of bytes as a table, for loops over many bytes. */
export function byteSet(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1;
  return table;
}

/**
 * A place in a line of bytes, with readers that move it.
 *
 * A reader that does not find what it needs notes it in `expected` (the first one wins) and moves to the end, so that
 * everything after it fails fast and quietly: callers read a whole form and look at `expected` once. No exceptions.
 */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  /** The same bytes, to look at several at a time. */
  view: DataView = new DataView(this.bytes.buffer);
  pos = 0;
  end = 0;
  /** What should have been at the place where reading stopped; null while all is well. */
  expected: string | null = null;
  /** A number that does not fit (2^53 or more, and no multiple of 4096) was read since the last {@link reset}. */
  inexact = false;
  /** The form may end early: its rest stands on a later line (strace `<unfinished ...>`). */
  partial = false;

  /** Starts reading `bytes[start, end)`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.pos = start;
    this.end = end;
    this.expected = null;
    this.inexact = false;
    this.partial = false;
  }

  /** Notes what was expected and stops. */
  fail(expected: string): void {
    if (this.expected === null) this.expected = expected;
    this.pos = this.end;
  }

  /** The byte here, or -1 at the end. */
  peek(): number {
    return this.pos < this.end ? (this.bytes[this.pos] as number) : -1;
  }

  /** The byte `distance` further on, or -1 past the end. */
  peekAt(distance: number): number {
    const at = this.pos + distance;
    return at < this.end ? (this.bytes[at] as number) : -1;
  }

  atEnd(): boolean {
    return this.pos >= this.end;
  }

  skipSpaces(): void {
    const { bytes, end } = this;
    let pos = this.pos;
    while (pos < end && bytes[pos] === SPACE) pos++;
    this.pos = pos;
  }

  /** Moves past `byte` if it is here. */
  eat(byte: number): boolean {
    if (this.pos >= this.end || this.bytes[this.pos] !== byte) return false;
    this.pos++;
    return true;
  }

  /** Moves past `byte`, or fails. */
  need(byte: number, expected: string): void {
    if (!this.eat(byte)) this.fail(expected);
  }

  /** Whether the ASCII `text` is here. */
  startsWith(text: string): boolean {
    const { bytes, pos } = this;
    const length = text.length;
    if (pos + length > this.end) return false;
    for (let i = 0; i < length; i++) {
      if (bytes[pos + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Moves past the ASCII `text` if it is here. */
  eatText(text: string): boolean {
    if (!this.startsWith(text)) return false;
    this.pos += text.length;
    return true;
  }

  /** Moves behind the next `byte`, or fails. */
  skipPast(byte: number, expected: string): void {
    const { bytes, end } = this;
    let pos = this.pos;
    while (pos < end && bytes[pos] !== byte) pos++;
    if (pos < end) this.pos = pos + 1;
    else this.fail(expected);
  }

  /** Reads hexadecimal digits without `0x`; fails when there is none. */
  hex(expected: string): number {
    const { bytes, pos: start, end } = this;
    // Seven digits fit a small integer: groups of them keep the work out of floating point.
    let pos = start;
    let stop = end - pos > 7 ? pos + 7 : end;
    let value = 0;
    let digit = 0;
    while (pos < stop && (digit = HEX_VALUE[bytes[pos] as number] as number) >= 0) {
      value = (value << 4) | digit;
      pos++;
    }
    while (pos === stop && pos < end) {
      const from = pos;
      stop = end - pos > 7 ? pos + 7 : end;
      let group = 0;
      while (pos < stop && (digit = HEX_VALUE[bytes[pos] as number] as number) >= 0) {
        group = (group << 4) | digit;
        pos++;
      }
      value = value * (POWERS_OF_16[pos - from] as number) + group;
    }
    if (pos === start) this.fail(expected);
    else this.pos = pos;
    return value < EXACT_LIMIT ? value : this.largeHex(start, pos);
  }

  /**
   * The number of `[start, pos)`, 2^53 or more: a page-aligned address of up to 64 bits is still exact, since its 52
   * leading bits are; any other loses its offset in the page, never its page.
   */
  private largeHex(start: number, pos: number): number {
    const pageDigits = pos - PAGE_DIGITS;
    let page = 0;
    for (let i = start; i < pageDigits; i++) page = page * 16 + (HEX_VALUE[this.bytes[i] as number] as number);
    for (let i = pageDigits; i < pos; i++) {
      if (this.bytes[i] !== ZERO) this.inexact = true;
    }
    if (page >= EXACT_LIMIT) this.inexact = true;
    return page * PAGE;
  }

  /** Reads decimal digits; fails when there is none. */
  decimal(expected: string): number {
    const { bytes, pos: start, end } = this;
    // Nine digits fit a 32-bit integer.
    const stop = end - start > 9 ? start + 9 : end;
    let pos = start;
    let value = 0;
    let digit = 0;
    while (pos < stop && (digit = (bytes[pos] as number) - ZERO) >= 0 && digit <= 9) {
      value = value * 10 + digit;
      pos++;
    }
    if (pos - start === 9) {
      while (pos < end && (digit = (bytes[pos] as number) - ZERO) >= 0 && digit <= 9) {
        value = value * 10 + digit;
        pos++;
      }
      if (value >= EXACT_LIMIT) this.inexact = true;
    }
    if (pos === start) this.fail(expected);
    else this.pos = pos;
    return value;
  }

  /** Reads `SECONDS[.FRACTION]`; fails when there is no digit. */
  seconds(expected: string): number {
    const whole = this.decimal(expected);
    return this.eat(DOT) ? this.fraction(whole, expected) : whole;
  }

  /** Reads the digits behind the dot of a number whose integer part is `whole`; fails when there is none. */
  fraction(whole: number, expected: string): number {
    const start = this.pos;
    const digits = this.decimal(expected);
    const scale = SCALES[this.pos - start] ?? 10 ** (this.pos - start);
    // One rounding only, as long as the digits together stay below 2^53.
    return (whole * scale + digits) / scale;
  }

  /** Reads a number as C writes it: `-12`, `0x1f`, `0600`, `18`; fails when there is none. */
  number(expected: string): number {
    const negative = this.eat(MINUS);
    let value: number;
    if (this.peek() === ZERO && this.pos + 1 < this.end) {
      const next = this.peekAt(1);
      if (next === LOWER_X) {
        this.pos += 2;
        value = this.hex(expected);
      } else if (isDigit(next)) {
        value = this.octal();
      } else {
        this.pos++;
        value = 0;
      }
    } else {
      value = this.decimal(expected);
    }
    return negative ? -value : value;
  }

  /** Text of `[start, end)` of the line, read as UTF-8. */
  text(start: number, end: number): string {
    const { bytes } = this;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, end - start)).toString('utf8');
  }

  private octal(): number {
    let value = 0;
    for (let byte = this.peek(); byte >= ZERO && byte < ZERO + 8; byte = this.peek()) {
      value = value * 8 + (byte - ZERO);
      this.pos++;
    }
    if (value >= EXACT_LIMIT) this.inexact = true;
    return value;
  }
}
