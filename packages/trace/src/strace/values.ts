import {
  BACKSLASH,
  CLOSE,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  DOT,
  EQUALS,
  GREATER,
  LESS,
  LOWER_X,
  MINUS,
  NINE,
  OPEN,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SLASH,
  SPACE,
  STAR,
  ZERO,
  byteSet,
} from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import { StringPool } from '../bytes/byte-map.js';
import { skipComment } from '../abi/symbols.js';
import type { RangeArgs } from '../syscall-args.js';

const UPPER_N = 0x4e;
const paths = new StringPool(4096);

/** Reads the `, ` between two arguments. */
export function comma(cursor: Cursor): void {
  const { bytes, pos, end } = cursor;
  if (pos >= end || bytes[pos] !== COMMA) {
    cursor.fail('a comma and the next argument');
    return;
  }
  cursor.pos = pos + 1;
  if (pos + 2 < end && bytes[pos + 1] === SPACE && bytes[pos + 2] !== SPACE) cursor.pos = pos + 2;
  else cursor.skipSpaces();
}

/** Reads an address, `NULL` or a number. */
export function address(cursor: Cursor, expected: string): number {
  const { bytes, pos, end } = cursor;
  let value: number;
  if (pos + 2 < end && bytes[pos] === ZERO && bytes[pos + 1] === LOWER_X) {
    cursor.pos = pos + 2;
    value = cursor.hex(expected);
  } else {
    value = nullOrNumber(cursor, expected);
  }
  if (cursor.peek() === SPACE) skipComment(cursor);
  return value;
}

/** Reads a number, `NULL`, or a product such as `4096*4` (older strace). */
export function integer(cursor: Cursor, expected: string): number {
  const { bytes, pos, end } = cursor;
  let value: number;
  if (pos < end && (bytes[pos] as number) > ZERO && (bytes[pos] as number) <= NINE) value = cursor.decimal(expected);
  else value = nullOrNumber(cursor, expected);
  const next = cursor.peek();
  if (next === STAR) {
    cursor.pos++;
    value *= cursor.number(expected);
  }
  if (next === SPACE) skipComment(cursor);
  return value;
}

function nullOrNumber(cursor: Cursor, expected: string): number {
  return cursor.peek() === UPPER_N && cursor.eatText('NULL') ? 0 : cursor.number(expected);
}

/** What follows the number of a file descriptor with `-y`: `</path>`, `</path>(deleted)`, `<TCP:[...]>`. */
export interface DescriptorPath {
  path: string | null;
  deleted: boolean;
}

/** Reads the path behind a descriptor's number, if there is one, into `into`. */
export function descriptorPath(cursor: Cursor, into: DescriptorPath): void {
  into.path = null;
  into.deleted = false;
  if (cursor.peek() !== LESS) return;
  const start = cursor.pos + 1;
  const stop = closingAngle(cursor, start);
  if (stop < 0) {
    cursor.fail('the ">" that ends the path of a descriptor');
    return;
  }
  into.path = pathText(cursor, start, stop);
  cursor.pos = stop + 1;
  into.deleted = cursor.eatText('(deleted)');
}

/** Place of the `>` that belongs to a `<` just before `start`; `->` of a socket's text does not count. -1: none. */
function closingAngle(cursor: Cursor, start: number): number {
  const { bytes, end } = cursor;
  const isPath = bytes[start] === SLASH;
  let depth = 1;
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte === LESS) depth++;
    else if (byte === GREATER && (isPath || bytes[pos - 1] !== MINUS) && --depth === 0) return pos;
  }
  return -1;
}

/** The path between the angles: without a trailing `<char 1:5>` of `-yy`, escapes resolved. */
function pathText(cursor: Cursor, start: number, stop: number): string {
  const { bytes } = cursor;
  let end = stop;
  for (let pos = start; pos < stop; pos++) {
    if (bytes[pos] === LESS) {
      end = pos;
      break;
    }
  }
  for (let pos = start; pos < end; pos++) {
    if (bytes[pos] === BACKSLASH) return unescape(cursor.text(start, end));
  }
  return paths.get(bytes, start, end);
}

/** Resolves C escapes of text that strace printed. */
export function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  const bytes: number[] = [];
  const source = Buffer.from(text, 'utf8');
  for (let i = 0; i < source.length;) {
    const byte = source[i++] as number;
    if (byte !== BACKSLASH || i >= source.length) {
      bytes.push(byte);
      continue;
    }
    const rest = source.toString('latin1', i, i + 4);
    const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
    const hex = /^x[0-9a-fA-F]{1,2}/.exec(rest)?.[0];
    if (octal !== undefined) {
      bytes.push(Number.parseInt(octal, 8) & 0xff);
      i += octal.length;
    } else if (hex !== undefined) {
      bytes.push(Number.parseInt(hex.slice(1), 16));
      i += hex.length;
    } else {
      const control = 'abtnvfr'.indexOf(rest.charAt(0));
      bytes.push(control >= 0 && rest !== '' ? control + 7 : (source[i] as number));
      i++;
    }
  }
  return Buffer.from(bytes).toString('utf8');
}

/** Reads a quoted string, with the `...` behind it when strace cut it; null when a pointer is printed instead. */
export function text(cursor: Cursor, expected: string): string | null {
  if (cursor.peek() !== QUOTE) {
    address(cursor, expected);
    return null;
  }
  const start = cursor.pos + 1;
  if (!skipString(cursor)) return null;
  const stop = cursor.pos - 1;
  cursor.eatText('...');
  return unescape(cursor.text(start, stop));
}

/** Moves past a quoted string. */
function skipString(cursor: Cursor): boolean {
  const { bytes, end } = cursor;
  for (let pos = cursor.pos + 1; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte === BACKSLASH) pos++;
    else if (byte === QUOTE) {
      cursor.pos = pos + 1;
      return true;
    }
  }
  cursor.fail('the closing quote of a string');
  return false;
}

/** Reads `["a", "b", ...]`; null when a pointer is printed instead. */
export function textList(cursor: Cursor, expected: string): string[] | null {
  if (!cursor.eat(OPEN_BRACKET)) {
    address(cursor, expected);
    return null;
  }
  const list: string[] = [];
  while (!cursor.atEnd() && !cursor.eat(CLOSE_BRACKET)) {
    if (cursor.peek() === DOT) cursor.eatText('...');
    else {
      const item = text(cursor, expected);
      if (item !== null) list.push(item);
    }
    if (cursor.peek() !== CLOSE_BRACKET) comma(cursor);
  }
  return list;
}

/** Reads `[{iov_base=0x..., iov_len=4096}, ...]`; null when the addresses are not printed. */
export function ranges(cursor: Cursor): RangeArgs[] | null {
  const start = cursor.pos;
  const list: RangeArgs[] = [];
  if (!cursor.eat(OPEN_BRACKET)) return skipped(cursor, start);
  while (!cursor.atEnd() && !cursor.eat(CLOSE_BRACKET)) {
    if (!cursor.eatText('{iov_base=') || cursor.peek() === QUOTE) return skipped(cursor, start);
    const base = address(cursor, 'an address');
    if (!cursor.eatText(', iov_len=')) return skipped(cursor, start);
    list.push({ address: base, length: integer(cursor, 'a length') });
    cursor.need(CLOSE_BRACE, 'the "}" that ends an iovec');
    if (cursor.peek() === COMMA) comma(cursor);
  }
  return list;
}

function skipped(cursor: Cursor, start: number): null {
  cursor.pos = start;
  skipValue(cursor);
  return null;
}

/** Moves past one value, up to the comma or bracket that ends it on its own level. */
export function skipValue(cursor: Cursor): void {
  let depth = 0;
  while (!cursor.atEnd()) {
    const byte = cursor.peek();
    if (byte === QUOTE) {
      if (!skipString(cursor)) return;
      continue;
    }
    if (isOpening(byte)) depth++;
    else if (isClosing(byte)) {
      if (depth === 0) return;
      depth--;
    } else if (byte === COMMA && depth === 0) return;
    else if (byte === LESS) {
      skipAngle(cursor);
      continue;
    } else if (byte === SPACE && cursor.startsWith(' /*')) {
      skipComment(cursor);
      continue;
    }
    cursor.pos++;
  }
}

/** At a `<`: moves past a descriptor's path, or past the operator when it is a shift. */
function skipAngle(cursor: Cursor): void {
  if (cursor.peekAt(1) === LESS) {
    cursor.pos += 2;
    return;
  }
  const stop = closingAngle(cursor, cursor.pos + 1);
  cursor.pos = stop < 0 ? cursor.pos + 1 : stop + 1;
}

/** Moves to the parenthesis that ends the arguments; fails when there is none and the call is not unfinished. */
export function skipArguments(cursor: Cursor): void {
  for (;;) {
    skipValue(cursor);
    if (cursor.peek() === COMMA) {
      cursor.pos++;
      continue;
    }
    if (cursor.peek() === CLOSE) return;
    if (cursor.atEnd()) {
      if (!cursor.partial) cursor.fail('the ")" that ends the arguments');
      return;
    }
    cursor.pos++;
  }
}

/** Reads `name=` if it is here and says which of `names` it is; "" for another name, null when there is no name. */
export function fieldName<Name extends string>(cursor: Cursor, names: readonly Name[]): Name | '' | null {
  const { bytes, end } = cursor;
  let pos = cursor.pos;
  while (pos < end && isNameByte(bytes[pos] as number)) pos++;
  if (pos === cursor.pos || bytes[pos] !== EQUALS || pos >= end) return null;
  const found = cursor.text(cursor.pos, pos);
  cursor.pos = pos + 1;
  return names.find((name) => name === found) ?? '';
}

/** Bytes that can stand in the name of a call or a field. */
const NAME_BYTES = byteSet('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_');

/** Whether a byte can stand in the name of a call or a field; false for -1. */
export function isNameByte(byte: number): boolean {
  return NAME_BYTES[byte] === 1;
}

function isOpening(byte: number): boolean {
  return byte === OPEN || byte === OPEN_BRACKET || byte === OPEN_BRACE;
}

function isClosing(byte: number): boolean {
  return byte === CLOSE || byte === CLOSE_BRACKET || byte === CLOSE_BRACE;
}
