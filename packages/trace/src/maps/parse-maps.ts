import { TraceInputError } from '../source/input-error.js';
import type { MapsEntry, SmapsDetail } from './entry.js';

const ENTRY = /^([0-9a-f]{4,16})-([0-9a-f]{4,16}) ([r-])([w-])([x-])([sp]) ([0-9a-f]{8,16}) ([0-9a-f]{2,}:[0-9a-f]{2,}) (\d+)(?: +(.*))?$/;
const FIELD = /^([A-Za-z_]+): +(\d+)(?: kB)?$/;
const VM_FLAGS = /^VmFlags:((?: +[a-z0-9?]{2})*) *$/;
const PAGE_DIGITS = 3;
const PAGE = 4096;

interface OpenEntry extends Omit<MapsEntry, 'smaps'> {
  fields: Map<string, number> | null;
  vmFlags: string[];
}

/**
 * Parses the text of `/proc/PID/maps` or `/proc/PID/smaps`, in the order of the listing.
 *
 * @throws {@link TraceInputError} at the first line of another form, naming it: a listing with a hole in it cannot be
 * compared with anything.
 */
export function parseMaps(text: string, file = '(text)'): MapsEntry[] {
  const entries: OpenEntry[] = [];
  let line = 0;
  for (const content of text.split('\n')) {
    line++;
    if (content === '') continue;
    const entry = parseEntry(content, file, line);
    if (entry !== null) entries.push(entry);
    else parseDetail(content, entries.at(-1), file, line);
  }
  return entries.map(finish);
}

function parseEntry(content: string, file: string, line: number): OpenEntry | null {
  const match = ENTRY.exec(content);
  if (match === null) return null;
  const start = parseAddress(match[1] as string);
  const end = parseAddress(match[2] as string);
  if (start >= end) throw new TraceInputError(file, `line ${line}: expected an end above the start`, line);
  return {
    start,
    end,
    prot: (match[3] === 'r' ? 1 : 0) + (match[4] === 'w' ? 2 : 0) + (match[5] === 'x' ? 4 : 0),
    shared: match[6] === 's',
    offset: parseAddress(match[7] as string),
    device: match[8] as string,
    inode: Number(match[9]),
    name: match[10] ?? '',
    fields: null,
    vmFlags: [],
  };
}

function parseDetail(content: string, entry: OpenEntry | undefined, file: string, line: number): void {
  const expected = 'expected "start-end perms offset device inode name"';
  if (entry === undefined) throw new TraceInputError(file, `line ${line}: ${expected}`, line);
  const flags = VM_FLAGS.exec(content);
  const field = FIELD.exec(content);
  entry.fields ??= new Map();
  if (flags !== null) entry.vmFlags = (flags[1] as string).split(' ').filter((name) => name !== '');
  else if (field !== null) entry.fields.set(field[1] as string, Number(field[2]));
  else throw new TraceInputError(file, `line ${line}: ${expected}, or a line of smaps`, line);
}

function finish(entry: OpenEntry): MapsEntry {
  const { fields, vmFlags, ...rest } = entry;
  const smaps: SmapsDetail | null = fields === null ? null : { fields, vmFlags };
  return { ...rest, smaps };
}

/** Page-aligned numbers of up to 64 bits are exact: their page number has 52 bits. */
function parseAddress(digits: string): number {
  const page = digits.slice(0, -PAGE_DIGITS);
  return (page === '' ? 0 : Number.parseInt(page, 16)) * PAGE + Number.parseInt(digits.slice(-PAGE_DIGITS), 16);
}
