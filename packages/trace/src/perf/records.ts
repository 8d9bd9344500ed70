import { StringPool } from '../bytes/byte-map.js';
import {
  CLOSE,
  CLOSE_BRACKET,
  COLON,
  GREATER,
  KERNEL_HALF,
  LESS,
  LOWER_X,
  MINUS,
  OPEN,
  OPEN_BRACKET,
  SLASH,
  SPACE,
  isDigit,
} from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import { hexNumber } from './registers.js';

/* Readers of the PERF_RECORD_ lines: from behind the name of the record. */

const AT = 0x40;
const LOWER_R = 0x72;
const LOWER_W = 0x77;
const LOWER_S = 0x73;
const names = new StringPool(4096);

/** A process and a thread of it. */
export interface Task {
  readonly pid: number;
  readonly tid: number;
}

/** What a mapping record says; `pid` is -1 for the kernel's own. */
export interface MappingRecord extends Task {
  readonly start: number;
  readonly length: number;
  readonly pageOffsetBytes: number;
  readonly device: string | null;
  readonly inode: number | null;
  readonly prot: number | null;
  readonly shared: boolean;
  readonly name: string;
}

/**
 * `PID/TID: [START(LENGTH) @ PGOFF MAJ:MIN INODE GENERATION]: PROT NAME`, or `<BUILD-ID>` in place of the file's
 * numbers; the older record has neither. Null for a mapping of the kernel.
 */
export function readMapping(cursor: Cursor, older: boolean): MappingRecord | null {
  cursor.skipSpaces();
  const pid = integer(cursor);
  cursor.need(SLASH, 'a "/" between pid and tid');
  const tid = integer(cursor);
  cursor.need(COLON, 'a ":" behind the tid');
  cursor.skipSpaces();
  cursor.need(OPEN_BRACKET, 'a "[" and the address of the mapping');
  const start = hexNumber(cursor, 'the address of the mapping');
  if (start >= KERNEL_HALF) return null;
  cursor.need(OPEN, 'a "(" and the length of the mapping');
  const length = hexNumber(cursor, 'the length of the mapping');
  cursor.need(CLOSE, 'the ")" behind the length of the mapping');
  cursor.skipSpaces();
  cursor.need(AT, 'a "@" and the page offset');
  cursor.skipSpaces();
  const pageOffsetBytes = hexNumber(cursor, 'the page offset in bytes');
  let device: string | null = null;
  let inode: number | null = null;
  cursor.skipSpaces();
  if (cursor.peek() === LESS) cursor.skipPast(GREATER, 'the ">" behind the build id');
  else if (cursor.peek() !== CLOSE_BRACKET) {
    device = readDevice(cursor);
    inode = cursor.decimal('the inode of the file');
    cursor.skipPast(SPACE, 'a space behind the inode');
    cursor.decimal('the generation of the inode');
  }
  cursor.need(CLOSE_BRACKET, 'the "]" that ends the mapping');
  cursor.need(COLON, 'a ":" and the protection');
  cursor.skipSpaces();
  const width = older ? 1 : 4;
  const at = cursor.pos;
  if (cursor.peekAt(width) !== SPACE) cursor.fail('a protection such as "rw-p" and the name');
  const prot = older ? null : readProtection(cursor.bytes, at);
  const shared = !older && cursor.bytes[at + 3] === LOWER_S;
  const name = cursor.expected === null ? names.get(cursor.bytes, at + width + 1, cursor.end) : '';
  return { pid, tid, start, length, pageOffsetBytes, device, inode, prot, shared, name };
}

function readDevice(cursor: Cursor): string {
  const start = cursor.pos;
  cursor.skipPast(SPACE, 'the device of the file as "major:minor"');
  const end = cursor.expected === null ? cursor.pos - 1 : start;
  return names.get(cursor.bytes, start, end);
}

/** The `PROT_` bits of `rw-p` at `pos`. */
function readProtection(bytes: Uint8Array, pos: number): number {
  const read = bytes[pos] === LOWER_R ? 1 : 0;
  const write = bytes[pos + 1] === LOWER_W ? 2 : 0;
  const exec = bytes[pos + 2] === LOWER_X ? 4 : 0;
  return read | write | exec;
}

/** `(PID:TID):(PID:TID)` of the child (or the task that ends) and its parent. */
export function readTaskPair(cursor: Cursor): { readonly task: Task; readonly parent: Task } {
  const task = readTask(cursor);
  cursor.need(COLON, 'a ":" and the parent');
  return { task, parent: readTask(cursor) };
}

function readTask(cursor: Cursor): Task {
  cursor.need(OPEN, 'a "(" and the pid');
  const pid = integer(cursor);
  cursor.need(COLON, 'a ":" and the tid');
  const tid = integer(cursor);
  cursor.need(CLOSE, 'a ")" behind the tid');
  return { pid, tid };
}

/** ` exec: NAME:PID/TID` or ` NAME:PID/TID`; the name may contain anything. */
export function readComm(cursor: Cursor): { readonly task: Task; readonly comm: string; readonly exec: boolean } {
  cursor.skipSpaces();
  const exec = cursor.eatText('exec: ');
  const start = cursor.pos;
  let pos = cursor.end - 1;
  while (pos > start && cursor.bytes[pos] !== COLON) pos--;
  const comm = cursor.text(start, pos);
  cursor.pos = pos;
  cursor.need(COLON, 'a ":" and pid/tid');
  const pid = integer(cursor);
  cursor.need(SLASH, 'a "/" between pid and tid');
  return { task: { pid, tid: integer(cursor) }, comm, exec };
}

/** ` lost 13`. */
export function readLost(cursor: Cursor): number {
  while (!cursor.atEnd() && !isDigit(cursor.peek())) cursor.pos++;
  return cursor.decimal('the number of lost events');
}

/**
 * The value behind ` NAME=` where free text (a command, a path) comes before it: the last such place counts. Null when
 * there is none. Moves the cursor to the place, so that the text before it can be taken.
 */
export function readLastNumber(cursor: Cursor, name: string, hex: boolean): number | null {
  const label = ` ${name}=`;
  const from = cursor.pos;
  for (let pos = cursor.end - label.length; pos >= from; pos--) {
    cursor.pos = pos;
    if (!cursor.eatText(label)) continue;
    const value = hex ? hexNumber(cursor, `the value of ${name}`) : integer(cursor);
    cursor.pos = pos;
    return value;
  }
  cursor.pos = from;
  return null;
}

function integer(cursor: Cursor): number {
  return cursor.eat(MINUS) ? -cursor.decimal('a process id') : cursor.decimal('a process id');
}
