import { PG_ANON, PG_EXCLUSIVE, PG_HEAD, PG_KSM, PG_PARTIALLY_MAPPED, PG_SWAPCACHE } from '@vmakit/folio';
import { EntryKind, type EntryWords } from '@vmakit/pagetable';
import { maybeDmaPinned, maybeMappedShared } from '@vmakit/rmap';
import type { Mm } from '../mm.js';

const NOT_PRESENT: Readonly<Record<number, string>> = {
  [EntryKind.Swap]: 'swap',
  [EntryKind.Migration]: 'migration',
};

/**
 * What the page tables hold in [start, end), a line for each run that looks alike, in the letters of the golden
 * recordings: `16-20 pte wad ae 1` is pages 16 to 20, writable, accessed, dirty, of small anonymous exclusive folios
 * that are mapped once; large folios add `order+first page`. `zero`, `swap x`, `guard`, `marker` have no folio.
 */
export function pages(mm: Mm, start: number, end: number): string {
  const lines: { from: number; to: number; what: string; next: string }[] = [];
  for (let page = start; page < end;) {
    const { what, next, span } = describe(mm, page);
    const last = lines.at(-1);
    if (what === '') {
      page += span;
      continue;
    }
    if (last !== undefined && last.to === page && last.next === what) {
      last.to = page + span;
      last.next = next;
    } else {
      lines.push({ from: page, to: page + span, what, next });
    }
    page += span;
  }
  return lines.map(({ from, to, what }) => `${from}-${to} ${what}`).join('\n');
}

interface Described {
  readonly what: string;
  /** What the next page must look like to be part of the same run. */
  readonly next: string;
  readonly span: number;
}

function describe(mm: Mm, page: number): Described {
  const { arch } = mm.env;
  const table = mm.pages.lookup(0, page);
  if (table !== 0) {
    const words = mm.pages.pool.words(table);
    return describeEntry(mm, words, mm.pages.entryAt(table, 0, page), 0);
  }
  const pmdTable = mm.pages.lookup(1, page);
  if (pmdTable === 0) return { what: '', next: '', span: 1 };
  const entry = describeEntry(mm, mm.pages.pool.words(pmdTable), mm.pages.entryAt(pmdTable, 1, page), 1);
  return entry.what === '' ? { ...entry, span: 1 } : { ...entry, span: arch.pmdPages };
}

function describeEntry(mm: Mm, words: EntryWords, at: number, level: 0 | 1): Described {
  const { arch, memory } = mm.env;
  const kind = arch.kindOf(words, at, level);
  const name = level === 0 ? 'pte' : 'pmd';
  if (kind === EntryKind.None || kind === EntryKind.Table) return { what: '', next: '', span: 1 };
  if (kind !== EntryKind.Page) {
    const marker = kind === EntryKind.Marker ? ['', 'marker', 'poison', '', 'guard'][arch.markerBits(words, at)] : '';
    const exclusive = kind === EntryKind.Swap && arch.isExclusive(words, at) ? ' x' : '';
    const what = `${NOT_PRESENT[kind] ?? marker}${exclusive}`;
    return { what, next: what, span: 1 };
  }
  if (arch.isSpecial(words, at)) {
    const what = level === 0 ? 'zero' : 'zero-pmd';
    return { what, next: what, span: 1 };
  }
  const frame = arch.pfn(words, at, level);
  const head = memory.headOf(frame);
  const common = `${name} ${bitsOf(mm, words, at)} ${flagsOf(mm, head, frame)} ${memory.pageMapcount(frame)}`;
  if ((memory.flags[head]! & PG_HEAD) === 0) return { what: common, next: common, span: 1 };
  const place = (index: number): string => `${common} order ${memory.order[head]}+${index}`;
  return { what: place(frame - head), next: place(frame - head + 1), span: 1 };
}

function bitsOf(mm: Mm, words: EntryWords, at: number): string {
  const { arch } = mm.env;
  const bits =
    (arch.isWritable(words, at) ? 'w' : '') +
    (arch.isYoung(words, at) ? 'a' : '') +
    (arch.isDirty(words, at) ? 'd' : '') +
    (arch.isProtNone(words, at) ? 'n' : '');
  return bits === '' ? '-' : bits;
}

function flagsOf(mm: Mm, head: number, frame: number): string {
  const { memory } = mm.env;
  const flags = memory.flags[head]!;
  const text =
    ((flags & PG_ANON) !== 0 ? 'a' : '') +
    ((flags & PG_KSM) !== 0 ? 'k' : '') +
    ((memory.flags[frame]! & PG_EXCLUSIVE) !== 0 ? 'e' : '') +
    (maybeDmaPinned(memory, head) ? 'p' : '') +
    (maybeMappedShared(memory, head) ? 'm' : '') +
    ((flags & PG_SWAPCACHE) !== 0 ? 'c' : '') +
    ((flags & PG_PARTIALLY_MAPPED) !== 0 ? 't' : '');
  return text === '' ? '-' : text;
}
