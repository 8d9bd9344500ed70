import type { Cursor } from '../bytes/cursor.js';
import { CLOSE_BRACE, COMMA } from '../bytes/cursor.js';
import { address } from './values.js';

/** `--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---`, or `--- stopped by SIGSTOP ---`. */
export interface SignalNote {
  readonly signal: string;
  readonly code: string | null;
  readonly address: number | null;
}

/** Reads the line from its `---` on; null when it is of another form, with the cursor failed. */
export function readSignal(cursor: Cursor): SignalNote | null {
  cursor.pos += 3;
  cursor.skipSpaces();
  cursor.eatText('stopped by ');
  const signal = word(cursor);
  if (!signal.startsWith('SIG')) {
    cursor.fail('the name of a signal');
    return null;
  }
  const code = valueOf(cursor, 'si_code=');
  const at = seek(cursor, 'si_addr=') ? address(cursor, 'an address') : null;
  return { signal, code, address: cursor.inexact ? null : at };
}

/** What a `+++ ... +++` line says. */
export type EndNote =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'superseded'; readonly byTid: number };

/** Reads the line from its `+++` on; null when it is of another form, with the cursor failed. */
export function readEnd(cursor: Cursor): EndNote | null {
  cursor.pos += 3;
  cursor.skipSpaces();
  if (cursor.eatText('exited with ')) return { kind: 'exited', status: cursor.number('an exit status') };
  if (cursor.eatText('killed by ')) return { kind: 'killed', signal: word(cursor) };
  if (cursor.eatText('superseded by execve in pid ')) return { kind: 'superseded', byTid: cursor.decimal('a pid') };
  cursor.fail('"exited with", "killed by" or "superseded by"');
  return null;
}

/** Up to the next space. */
function word(cursor: Cursor): string {
  const start = cursor.pos;
  while (!cursor.atEnd() && cursor.peek() !== 0x20) cursor.pos++;
  return cursor.text(start, cursor.pos);
}

/** The text behind `name` up to a comma or brace; null when it is not there. Does not move the cursor. */
function valueOf(cursor: Cursor, name: string): string | null {
  const from = cursor.pos;
  let value: string | null = null;
  if (seek(cursor, name)) {
    const start = cursor.pos;
    while (!cursor.atEnd() && cursor.peek() !== COMMA && cursor.peek() !== CLOSE_BRACE) cursor.pos++;
    value = cursor.text(start, cursor.pos);
  }
  cursor.pos = from;
  return value;
}

/** Moves behind the next `name`; stays put when it is not there. */
function seek(cursor: Cursor, name: string): boolean {
  const from = cursor.pos;
  for (; cursor.pos < cursor.end; cursor.pos++) {
    if (cursor.eatText(name)) return true;
  }
  cursor.pos = from;
  return false;
}
