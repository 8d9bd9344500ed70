import { ByteMap } from '../bytes/byte-map.js';
import { LastText } from '../bytes/last-text.js';
import { SPACE, byteSet } from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';

const BAR = 0x7c;
const TWO_32 = 2 ** 32;
const ENDS_SYMBOLS = byteSet(',) }]=');

/** Adds `bits` to a flag word of up to 53 bits. */
export function unite(value: number, bits: number): number {
  if (value < TWO_32 && bits < TWO_32) return (value | bits) >>> 0;
  const low = (value | bits) >>> 0;
  const high = Math.floor(value / TWO_32) | Math.floor(bits / TWO_32);
  return high * TWO_32 + low;
}

/**
 * The names of one kind of argument (`PROT_READ`, ...), and a reader of what strace prints for it: names and numbers
 * joined by `|`, numbers decimal, octal or hexadecimal, `21<<MAP_HUGE_SHIFT`, with a comment or without.
 * Each distinct text is worked out once and then known by its bytes.
 */
export class Symbols {
  /** What one of them is called in messages, for example `a PROT_ flag`. */
  readonly what: string;
  private readonly values: ReadonlyMap<string, number>;
  private readonly known = new ByteMap<number>(4096);
  private readonly last = new LastText();
  private lastValue = 0;

  constructor(what: string, values: Readonly<Record<string, number>>) {
    this.what = what;
    this.values = new Map(Object.entries(values));
  }

  /** Value of a printed flag word; undefined when a name in it is not known. */
  find(text: string): number | undefined {
    let value = 0;
    for (const token of text.split('|')) {
      const bits = this.parseToken(token);
      if (bits === undefined) return undefined;
      value = bits < 0 ? bits : unite(value, bits);
    }
    return value;
  }

  /** Reads the flag word at the cursor; fails at a name that is not known. */
  read(cursor: Cursor): number {
    const { bytes, end } = cursor;
    const start = cursor.pos;
    if (this.last.isAt(cursor)) {
      const stop = start + this.last.length;
      if (stop < end && ENDS_SYMBOLS[bytes[stop] as number] === 1) {
        cursor.pos = stop;
        return bytes[stop] === SPACE ? this.readOn(cursor, this.lastValue) : this.lastValue;
      }
    }
    let pos = start;
    while (pos < end && ENDS_SYMBOLS[bytes[pos] as number] === 0) pos++;
    const value = this.lookUp(cursor, pos);
    return cursor.peek() === SPACE ? this.readOn(cursor, value) : value;
  }

  /** Behind a part of the word: its comment, and further parts (`0x100 /* CLONE_VM *\/|17 /* SIGCHLD *\/`). */
  private readOn(cursor: Cursor, value: number): number {
    skipComment(cursor);
    return cursor.eat(BAR) ? unite(value, this.read(cursor)) : value;
  }

  /** The value of the text from the cursor to `stop`, where the cursor is moved. */
  private lookUp(cursor: Cursor, stop: number): number {
    const { bytes, pos: start } = cursor;
    let value = this.known.get(bytes, start, stop);
    if (value === undefined) {
      value = this.find(cursor.text(start, stop));
      if (value === undefined) {
        cursor.fail(this.what);
        return 0;
      }
      this.known.add(bytes, start, stop, value);
    }
    this.last.remember(cursor, start, stop);
    this.lastValue = value;
    cursor.pos = stop;
    return value;
  }

  private parseToken(token: string): number | undefined {
    const named = this.values.get(token);
    if (named !== undefined) return named;
    const [left, right] = token.split('<<');
    if (left !== undefined && right !== undefined) {
      const base = parseNumber(left);
      const shift = this.values.get(right) ?? parseNumber(right);
      return base === undefined || shift === undefined ? undefined : base * 2 ** shift;
    }
    return parseNumber(token);
  }
}

function parseNumber(text: string): number | undefined {
  if (/^-?(0x[0-9a-f]+|[1-9][0-9]*|0)$/i.test(text)) return Number(text);
  return /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

/** Moves past ` /* ... *\/` if it is here; strace puts one into another (`0x28 /* 0x8 /* MAP_??? *\/|... *\/`). */
export function skipComment(cursor: Cursor): void {
  if (!cursor.startsWith(' /*')) return;
  cursor.pos += 3;
  let depth = 1;
  for (; !cursor.atEnd(); cursor.pos++) {
    if (cursor.startsWith('/*')) depth++;
    else if (cursor.startsWith('*/') && --depth === 0) break;
  }
  if (!cursor.eatText('*/')) cursor.fail('the end of a comment, "*/"');
}
