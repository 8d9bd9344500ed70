/**
 * A system call other than mremap begins on one address space. `call` is its name; `start` and `pages` are the range
 * that it is about (page numbers; 0 pages where it has none). Begin and end always pair.
 */
export interface CallBeginEvent {
  readonly type: 'call.begin';
  readonly process: number;
  readonly call: string;
  readonly start: number;
  readonly pages: number;
}

/** The call is over: it gave `result` (null: it was refused), or `errno` and `rule` say why not. */
export interface CallEndEvent {
  readonly type: 'call.end';
  readonly process: number;
  readonly call: string;
  readonly result: number | null;
  readonly errno: string | null;
  readonly rule: string | null;
}

/** What the calls on an address space tell of themselves. */
export type CallEvent = CallBeginEvent | CallEndEvent;
