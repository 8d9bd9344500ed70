import { TraceInputError } from '../source/input-error.js';
import type { MapsEntry } from './entry.js';

const RANGE = '([0-9a-f]{4,16})-([0-9a-f]{4,16})';
const FILE = '([0-9a-f]{8,16}) ([0-9a-f]{2,}:[0-9a-f]{2,}) (\\d+)';
const ENTRY = new RegExp(`^${RANGE} ([r-])([w-])([x-])([sp]) ${FILE}(?: +(.*))?$`);
const NUMBER = /^ +\d+(?: kB)?$/;
const FLAGS = /^(?: [a-z0-9?]{2})* ?$/;
const VM_FLAGS = 'VmFlags';
const PAGE_DIGITS = 3;
const PAGE = 4096;
const CR = 0x0d;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;

interface OpenEntry extends MapsEntry {
  smaps: { names: readonly string[]; values: number[]; vmFlags: readonly string[] } | null;
}

/**
 * Parses the text of `/proc/PID/maps` or `/proc/PID/smaps`, in the order of the listing.
 *
 * @throws {@link TraceInputError} at the first line of another form, naming it: a listing with a hole in it cannot be
 * compared with anything.
 */
export function parseMaps(text: string, file = '(text)'): MapsEntry[] {
  return new ListingParser(file).parse(text);
}

class ListingParser {
  private readonly file: string;
  private line = 0;
  private readonly entries: OpenEntry[] = [];
  /** Names of the numbered lines of the first mapping; nearly always those of all others. */
  private readonly names: string[] = [];
  private readonly flagLists = new Map<string, readonly string[]>();

  constructor(file: string) {
    this.file = file;
  }

  parse(text: string): MapsEntry[] {
    for (let start = 0; start < text.length;) {
      const found = text.indexOf('\n', start);
      const next = found < 0 ? text.length : found;
      const stop = text.charCodeAt(next - 1) === CR ? next - 1 : next;
      this.line++;
      if (stop > start) this.parseLine(text.slice(start, stop));
      start = next + 1;
    }
    return this.entries;
  }

  private parseLine(content: string): void {
    const first = content.charCodeAt(0);
    if (first < UPPER_A || first > UPPER_Z) this.entries.push(this.parseEntry(content));
    else if (!this.parseDetail(content, this.entries.at(-1))) {
      this.refuse('expected "start-end perms offset device inode name" or a line of smaps');
    }
  }

  private parseEntry(content: string): OpenEntry {
    const match = ENTRY.exec(content);
    if (match === null) this.refuse('expected "start-end perms offset device inode name" or a line of smaps');
    if (match[10] === '[rollup]') this.refuse('is of smaps_rollup, which lists no mappings; give maps or smaps');
    const start = parseAddress(match[1] as string);
    const end = parseAddress(match[2] as string);
    if (start >= end) this.refuse('expected an end above the start');
    return {
      start,
      end,
      prot: (match[3] === 'r' ? 1 : 0) + (match[4] === 'w' ? 2 : 0) + (match[5] === 'x' ? 4 : 0),
      shared: match[6] === 's',
      offset: parseAddress(match[7] as string),
      device: match[8] as string,
      inode: Number(match[9]),
      name: match[10] ?? '',
      smaps: null,
    };
  }

  /** `Anonymous:            16 kB` or `VmFlags: rd wr `; false for another form. */
  private parseDetail(content: string, entry: OpenEntry | undefined): boolean {
    const colon = content.indexOf(':');
    if (entry === undefined || colon < 0) return false;
    const name = content.slice(0, colon);
    const rest = content.slice(colon + 1);
    entry.smaps ??= { names: this.names, values: [], vmFlags: [] };
    const { smaps } = entry;
    if (name === VM_FLAGS) {
      if (!FLAGS.test(rest)) return false;
      smaps.vmFlags = this.flagList(rest);
      return true;
    }
    if (!NUMBER.test(rest)) return false;
    const index = smaps.values.length;
    if (smaps.names[index] !== name) smaps.names = this.withName(smaps.names, index, name);
    smaps.values.push(Number.parseInt(rest, 10));
    return true;
  }

  /** `names` with `name` at `index`: the shared list grows with the first mapping, others get a list of their own. */
  private withName(names: readonly string[], index: number, name: string): readonly string[] {
    if (names === this.names && this.entries.length === 1) {
      this.names.push(name);
      return names;
    }
    return [...names.slice(0, index), name];
  }

  private flagList(text: string): readonly string[] {
    const known = this.flagLists.get(text);
    if (known !== undefined) return known;
    const list = text.split(' ').filter((name) => name !== '');
    this.flagLists.set(text, list);
    return list;
  }

  private refuse(problem: string): never {
    throw new TraceInputError(this.file, `line ${this.line}: ${problem}`, this.line);
  }
}

/** Page-aligned numbers of up to 64 bits are exact: their page number has 52 bits. */
function parseAddress(digits: string): number {
  const page = digits.slice(0, -PAGE_DIGITS);
  return (page === '' ? 0 : Number.parseInt(page, 16)) * PAGE + Number.parseInt(digits.slice(-PAGE_DIGITS), 16);
}
