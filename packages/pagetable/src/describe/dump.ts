import type { Arch, EntryWords } from '../arch.js';
import { EntryKind } from '../entry.js';
import type { LevelName } from '../geometry.js';
import type { PageTables } from '../page-tables.js';
import { type DecodedPage, type DecodedWord, decodeEntry, decodeWord } from './decode.js';
import { formatWord, readWord } from './word.js';

/** Level geometry, for the head of a dump. */
export interface DumpedLevel {
  readonly name: LevelName;
  readonly indexBits: number;
  /** Pages that one entry spans. */
  readonly span: number;
}

/** One or several entries of one table that say the same but for consecutive frames or swap offsets. */
export interface DumpedRun {
  readonly level: LevelName;
  /** First page that the first entry maps. */
  readonly page: number;
  /** Entries, at least 1. */
  readonly count: number;
  /** The first word, in hex. */
  readonly word: string;
  /** What the first word says; `gathered` if its contiguous block has marks that it lacks. */
  readonly what: DecodedWord;
}

/** The tables of one address space, over some pages. */
export interface TableDump {
  readonly arch: string;
  readonly pageSize: number;
  /** From the top. */
  readonly levels: readonly DumpedLevel[];
  /** In the order of a walk: an upper entry, then what is below it. Empty entries are left out. */
  readonly runs: readonly DumpedRun[];
}

/** Pages [start, end). */
export interface PageRange {
  readonly start: number;
  readonly end: number;
}

/** What the entries that map pages of `range` hold, every upper entry before what is below it. */
export function dumpTables(tables: PageTables, range: PageRange): TableDump {
  const { arch } = tables;
  const runs: DumpedRun[] = [];
  if (range.start < range.end) dumpTable(tables, tables.root, arch.topLevel, range, runs);
  return {
    arch: arch.name,
    pageSize: arch.pageSize,
    levels: arch.levels.map(({ name, indexBits, span }) => ({ name, indexBits, span })).reverse(),
    runs,
  };
}

function dumpTable(tables: PageTables, table: number, level: number, range: PageRange, runs: DumpedRun[]): void {
  const { arch, pool } = tables;
  const words = pool.words(table);
  const { span, tableSpan, name } = arch.level(level);
  // The pages of this table from its own start on: the range may begin before it or end after it.
  const first = range.start - (range.start % span);
  const end = Math.min(range.end, range.start - (range.start % tableSpan) + tableSpan);
  for (let page = first; page < end;) {
    const at = tables.entryAt(table, level, page);
    const kind = arch.kindOf(words, at, level);
    const single = kind === EntryKind.None || kind === EntryKind.Table;
    const count = single ? 1 : runLength(arch, words, at, level, Math.ceil((end - page) / span));
    if (kind !== EntryKind.None) runs.push({ level: name, page, count, ...describe(arch, words, at, level) });
    if (kind === EntryKind.Table) {
      const below = { start: Math.max(page, range.start), end: Math.min(page + span, range.end) };
      dumpTable(tables, arch.tableAt(words, at), level - 1, below, runs);
    }
    page += count * span;
  }
}

function describe(arch: Arch, words: EntryWords, at: number, level: number): Pick<DumpedRun, 'word' | 'what'> {
  const word = readWord(words, at);
  if (level !== 0 || !arch.isContiguous(words, at)) {
    return { word: formatWord(word), what: decodeEntry(arch, words, at, level) };
  }
  const first = arch.blockAt(at);
  const block = Array.from({ length: arch.contiguousEntries }, (_, index) => readWord(words, first + 2 * index));
  return { word: formatWord(word), what: decodeWord(arch, arch.level(level).name, word, { block }) };
}

/** How many entries from `at` on say the same, frames and swap offsets running on. */
function runLength(arch: Arch, words: EntryWords, at: number, level: number, limit: number): number {
  const { span } = arch.level(level);
  const first = describe(arch, words, at, level).what;
  let length = 1;
  while (length < limit && follows(first, describe(arch, words, at + 2 * length, level).what, length, span)) length++;
  return length;
}

function follows(first: DecodedWord, other: DecodedWord, distance: number, span: number): boolean {
  const advanced: Record<string, unknown> = { ...first };
  // Zero pages are all the same one.
  const step = (first as DecodedPage).zero === true ? 0 : distance;
  if (typeof advanced['pfn'] === 'number') advanced['pfn'] += step * span;
  if (typeof advanced['swapOffset'] === 'number' && advanced['marker'] === undefined) {
    advanced['swapOffset'] += advanced['pfn'] === undefined ? step : step * span;
  }
  const compared = other as unknown as Readonly<Record<string, unknown>>;
  const keys = Object.keys(advanced).filter((key) => key !== 'gathered');
  return (
    keys.length === Object.keys(compared).filter((key) => key !== 'gathered').length &&
    keys.every((key) => advanced[key] === compared[key])
  );
}

/** Renders a dump for people: the geometry, then one line a run, indented by level. */
export function renderDump(dump: TableDump): string {
  const levels = dump.levels.map(({ name, indexBits, span }) => `${name} ${2 ** indexBits} x ${span}`);
  const head = [`${dump.arch}: pages of ${dump.pageSize} bytes`, `entries x pages each: ${levels.join(', ')}`];
  const depth = new Map(dump.levels.map(({ name, span }, index) => [name, { indent: '  '.repeat(index), span }]));
  const lines = dump.runs.map(({ level, page, count, word, what }) => {
    const { indent = '', span = 1 } = depth.get(level) ?? {};
    const last = page + count * span - 1;
    const pages = last === page ? `${page}` : `${page}-${last}`;
    return `${indent}${level} ${pages}${count === 1 ? '' : ` x${count}`}  ${word}  ${renderWhat(what)}`;
  });
  return [...head, ...lines].join('\n');
}

/** Keys that follow from others in all but odd words. */
const IMPLIED: readonly string[] = ['table', 'present', 'transHuge', 'userAccessible', 'accessible', 'valid', 'user'];

/** Renders what a word says in one line: the kind, frame or swap slot, and what is true beyond the usual. */
export function renderWhat(what: DecodedWord): string {
  const record = what as unknown as Readonly<Record<string, unknown>>;
  const flags = Object.keys(record).filter((key) => record[key] === true && !IMPLIED.includes(key));
  const numbers = ['pfn', 'swapType', 'swapOffset', 'marker']
    .filter((key) => typeof record[key] === 'number')
    .map((key) => `${key} ${String(record[key])}`);
  const kind = 'table' in what ? 'table' : what.present ? 'page' : what.kind;
  return [kind, ...numbers, ...flags].join(' ');
}
