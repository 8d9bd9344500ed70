import type { Amount } from './amount.js';
import { type SourcePlace, formatError } from './format-error.js';
import { JsonFields, type JsonObject, shown } from './json-fields.js';
import {
  ADVICE_NAMES,
  MAP_FLAG_NAMES,
  MREMAP_FLAG_NAMES,
  type Operation,
  type OperationName,
  type ProtectionText,
  RLIMIT_NAMES,
  UFFD_MODES,
} from './operation.js';

/** One row of the table of operations: the keys it takes beside `op` and `p`, and how to read them. */
interface OperationShape {
  readonly keys: readonly string[];
  read(fields: JsonFields, p: number): Operation;
}

function protection(fields: JsonFields, fallback?: string): ProtectionText {
  const text = fields.string('prot', fallback);
  return /^[r-][w-][x-]$/.test(text) ? text : fields.refuse('prot', 'a protection such as "rw-"');
}

const RANGE = ['addr', 'len'] as const;

function range(fields: JsonFields): { readonly addr: Amount; readonly len: Amount } {
  return { addr: fields.address('addr'), len: fields.length('len') };
}

const SHAPES: Readonly<Record<OperationName, OperationShape>> = {
  mmap: {
    keys: ['addr', 'len', 'prot', 'flags', 'fd', 'off'],
    read: (fields, p) => ({
      op: 'mmap',
      p,
      addr: fields.optionalAddress('addr'),
      len: fields.length('len'),
      prot: protection(fields, 'rw-'),
      flags: fields.listOf('flags', MAP_FLAG_NAMES),
      fd: fields.has('fd') ? fields.integer('fd', -1) : null,
      off: fields.has('off') ? fields.length('off') : 0,
    }),
  },
  munmap: { keys: RANGE, read: (fields, p) => ({ op: 'munmap', p, ...range(fields) }) },
  mremap: {
    keys: ['addr', 'oldLen', 'newLen', 'flags', 'newAddr'],
    read: (fields, p) => ({
      op: 'mremap',
      p,
      addr: fields.address('addr'),
      oldLen: fields.length('oldLen'),
      newLen: fields.length('newLen'),
      flags: fields.listOf('flags', MREMAP_FLAG_NAMES, []),
      newAddr: fields.optionalAddress('newAddr'),
    }),
  },
  mprotect: {
    keys: [...RANGE, 'prot'],
    read: (fields, p) => ({ op: 'mprotect', p, ...range(fields), prot: protection(fields) }),
  },
  madvise: {
    keys: [...RANGE, 'advice'],
    read: (fields, p) => ({ op: 'madvise', p, ...range(fields), advice: fields.oneOf('advice', ADVICE_NAMES) }),
  },
  mlock: {
    keys: [...RANGE, 'onfault'],
    read: (fields, p) => ({ op: 'mlock', p, ...range(fields), onfault: fields.boolean('onfault', false) }),
  },
  munlock: { keys: RANGE, read: (fields, p) => ({ op: 'munlock', p, ...range(fields) }) },
  mseal: { keys: RANGE, read: (fields, p) => ({ op: 'mseal', p, ...range(fields) }) },
  touch: {
    keys: [...RANGE, 'write', 'stride', 'value'],
    read: (fields, p) => ({
      op: 'touch',
      p,
      ...range(fields),
      write: fields.boolean('write', true),
      stride: fields.integer('stride', 1, 1),
      value: fields.integer('value', 0, 1),
    }),
  },
  fork: { keys: ['child'], read: (fields, p) => ({ op: 'fork', p, child: fields.integer('child', 1) }) },
  exit: { keys: [], read: (_fields, p) => ({ op: 'exit', p }) },
  memfd: {
    keys: ['fd', 'len'],
    read: (fields, p) => ({ op: 'memfd', p, fd: fields.integer('fd'), len: fields.length('len') }),
  },
  pin: {
    keys: [...RANGE, 'write'],
    read: (fields, p) => ({ op: 'pin', p, ...range(fields), write: fields.boolean('write', true) }),
  },
  // A range may be given, and means nothing: unpin drops all pins of the process.
  unpin: { keys: RANGE, read: (_fields, p) => ({ op: 'unpin', p }) },
  rlimit: {
    keys: ['what', 'pages'],
    read: (fields, p) => ({
      op: 'rlimit',
      p,
      what: fields.oneOf('what', RLIMIT_NAMES),
      pages: fields.integer('pages'),
    }),
  },
  maplimit: { keys: ['vmas'], read: (fields, p) => ({ op: 'maplimit', p, vmas: fields.integer('vmas') }) },
  uffd: {
    keys: [...RANGE, 'mode', 'events', 'features'],
    read: (fields, p) => ({
      op: 'uffd',
      p,
      ...range(fields),
      mode: fields.oneOf('mode', UFFD_MODES),
      events: fields.boolean('events', false),
      features: fields.integer('features', 0, 0),
    }),
  },
  uffdwp: {
    keys: [...RANGE, 'protect'],
    read: (fields, p) => ({ op: 'uffdwp', p, ...range(fields), protect: fields.boolean('protect', true) }),
  },
  uffdpoison: { keys: RANGE, read: (fields, p) => ({ op: 'uffdpoison', p, ...range(fields) }) },
  clearrefs: { keys: [], read: (_fields, p) => ({ op: 'clearrefs', p }) },
  ksmscan: { keys: [], read: (_fields, p) => ({ op: 'ksmscan', p }) },
  failmove: { keys: ['n'], read: (fields, p) => ({ op: 'failmove', p, n: fields.integer('n', 1) }) },
  failreloc: { keys: ['n'], read: (fields, p) => ({ op: 'failreloc', p, n: fields.integer('n', 1) }) },
  words: {
    keys: [...RANGE, 'migrate'],
    read: (fields, p) => ({
      op: 'words',
      p,
      ...range(fields),
      migrate: fields.has('migrate') ? fields.integer('migrate') : null,
    }),
  },
};

const RESULT_KEYS = ['ret', 'err', 'at', 'trace', 'words', 'state'];

const KNOWN_KEYS: Readonly<Record<string, ReadonlySet<string>>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, new Set(['op', 'p', ...shape.keys, ...RESULT_KEYS])]),
);

export const OPERATION_NAMES: readonly OperationName[] = Object.keys(SHAPES) as OperationName[];

/** Reads the operation part of a line (golden/FORMAT.md "Operations"), defaults filled in. */
export function parseOperation(object: JsonObject, place: SourcePlace): Operation {
  const name = object['op'];
  const shape = typeof name === 'string' && Object.hasOwn(SHAPES, name) ? SHAPES[name as OperationName] : undefined;
  if (shape === undefined) {
    if (name === undefined) throw formatError(place, 'expected an operation with "op", or a header with "format"');
    throw formatError(place, `unknown operation ${shown(name)}, expected one of ${OPERATION_NAMES.join(', ')}`);
  }
  const fields = new JsonFields(object, name as string, place);
  fields.allowOnly(KNOWN_KEYS[name as string] as ReadonlySet<string>);
  return shape.read(fields, fields.integer('p'));
}
