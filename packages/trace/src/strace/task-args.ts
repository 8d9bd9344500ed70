import { ARCH, CLONE, CLONE_SIGNAL_MASK, CLONE_VFORK, CLONE_VM, PERSONA, PR } from '../abi/flags.js';
import type { Symbols } from '../abi/symbols.js';
import { CLOSE_BRACE, COMMA, EQUALS, OPEN_BRACE, OPEN_BRACKET, QUOTE, isDigit } from '../bytes/cursor.js';
import type { Cursor } from '../bytes/cursor.js';
import type {
  ArchPrctlArgs,
  CloneArgs,
  ExecArgs,
  ExitArgs,
  OtherArgs,
  PersonalityArgs,
  PrctlArgs,
  ProcessVmArgs,
} from '../syscall-args.js';
import {
  address,
  comma,
  fieldName,
  integer,
  isNameByte,
  ranges,
  skipArguments,
  skipValue,
  text,
  textList,
} from './values.js';

/* Readers of the arguments of calls about tasks: from behind the "(" to the ")". */

const FORK_ARGS: CloneArgs = { flags: 0, stack: 0 };
const VFORK_ARGS: CloneArgs = { flags: CLONE_VM + CLONE_VFORK, stack: 0 };
const CLONE_FIELDS = ['flags', 'child_stack', 'stack'] as const;

export function readFork(cursor: Cursor): CloneArgs {
  cursor.skipSpaces();
  return FORK_ARGS;
}

export function readVfork(cursor: Cursor): CloneArgs {
  cursor.skipSpaces();
  return VFORK_ARGS;
}

/** `clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD, child_tidptr=0x...)`. */
export function readClone(cursor: Cursor): CloneArgs {
  return readCloneFields(cursor);
}

/** `clone3({flags=..., stack=0x..., ...} => {parent_tid=[22710]}, 88)`; the struct may be a pointer. */
export function readClone3(cursor: Cursor): CloneArgs {
  if (!cursor.eat(OPEN_BRACE)) {
    skipArguments(cursor);
    return { flags: null, stack: null };
  }
  const args = readCloneFields(cursor);
  cursor.need(CLOSE_BRACE, 'the "}" that ends the struct of clone3');
  if (!cursor.atEnd()) skipArguments(cursor);
  return args;
}

function readCloneFields(cursor: Cursor): CloneArgs {
  let flags: number | null = null;
  let stack: number | null = null;
  while (!cursor.atEnd()) {
    const field = fieldName(cursor, CLONE_FIELDS);
    if (field === 'flags') flags = withoutSignal(CLONE.read(cursor));
    else if (field === 'child_stack' || field === 'stack') stack = address(cursor, 'the address of a stack');
    else skipValue(cursor);
    if (cursor.peek() !== COMMA) break;
    comma(cursor);
  }
  return { flags, stack };
}

function withoutSignal(flags: number): number {
  return flags - (flags & CLONE_SIGNAL_MASK);
}

export function readExecve(cursor: Cursor): ExecArgs {
  const path = text(cursor, 'the path of a program');
  comma(cursor);
  const argv = textList(cursor, 'the list of arguments');
  if (!cursor.atEnd()) skipArguments(cursor);
  return { path, argv };
}

/** `execveat(AT_FDCWD</srv>, "hello", ["hello"], 0x..., 0)`. */
export function readExecveat(cursor: Cursor): ExecArgs {
  skipValue(cursor);
  comma(cursor);
  return readExecve(cursor);
}

export function readExit(cursor: Cursor): ExitArgs {
  return { status: integer(cursor, 'an exit status') };
}

/** `prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0x7f0000000000, 4096, "name")`. */
export function readPrctl(cursor: Cursor): PrctlArgs {
  const values: (number | null)[] = [];
  let found: string | null = null;
  while (!cursor.atEnd()) {
    if (cursor.peek() === QUOTE) {
      found = text(cursor, 'a string');
      values.push(null);
    } else {
      values.push(symbolOrNumber(cursor, PR));
    }
    if (cursor.peek() !== COMMA) break;
    comma(cursor);
  }
  // Unused arguments hold whatever the registers held.
  cursor.inexact = false;
  return {
    option: values[0] ?? null,
    arg2: values[1] ?? null,
    arg3: values[2] ?? null,
    arg4: values[3] ?? null,
    arg5: values[4] ?? null,
    text: found,
  };
}

export function readArchPrctl(cursor: Cursor): ArchPrctlArgs {
  const code = symbolOrNumber(cursor, ARCH);
  if (cursor.peek() !== COMMA) return { code, address: null };
  comma(cursor);
  const value = symbolOrNumber(cursor, ARCH);
  if (!cursor.atEnd()) skipArguments(cursor);
  cursor.inexact = false;
  return { code, address: value };
}

export function readPersonality(cursor: Cursor): PersonalityArgs {
  return { persona: PERSONA.read(cursor) };
}

export function readProcessVmWritev(cursor: Cursor): ProcessVmArgs {
  const targetPid = integer(cursor, 'a process id');
  comma(cursor);
  const local = ranges(cursor);
  comma(cursor);
  integer(cursor, 'the number of local ranges');
  comma(cursor);
  const remote = ranges(cursor);
  skipArguments(cursor);
  return { targetPid, local, remote };
}

/** Any call that is not modelled: the text of its arguments. */
export function readOther(cursor: Cursor): OtherArgs {
  const from = cursor.pos;
  skipArguments(cursor);
  cursor.inexact = false;
  return { text: cursor.text(from, cursor.pos) };
}

/** A number, the number of a known symbol, or null for anything else. */
function symbolOrNumber(cursor: Cursor, table: Symbols): number | null {
  const first = cursor.peek();
  if (first === OPEN_BRACKET || first === OPEN_BRACE || first === EQUALS) {
    skipValue(cursor);
    return null;
  }
  if (isDigit(first) || !isNameByte(first) || cursor.startsWith('NULL')) return address(cursor, 'an argument');
  const from = cursor.pos;
  skipValue(cursor);
  return table.find(cursor.text(from, cursor.pos)) ?? null;
}
