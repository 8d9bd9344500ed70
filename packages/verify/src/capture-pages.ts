import { VM_HUGETLB } from '@vmakit/base';
import { walkEntries } from '@vmakit/check';
import { PG_ANON, PG_KSM, PG_PARTIALLY_MAPPED, PG_SWAPCACHE, type PhysicalMemory } from '@vmakit/folio';
import type { Mm } from '@vmakit/mm';
import { type Arch, EntryKind, type EntryWords, MARKER_GUARD } from '@vmakit/pagetable';
import { isAnonExclusive, maybeDmaPinned, maybeMappedShared } from '@vmakit/rmap';
import type { BarePageRow, EntryKind as EntryKindName, FolioPageRow, PageRow } from '@vmakit/trace';
import type { StateNames } from './state-names.js';

/** Rows are built here and handed out as read-only ones. */
type Open<T extends readonly unknown[]> = { -readonly [K in keyof T]: T[K] };

/**
 * What the page tables of `mm` hold in [start, end), as golden/FORMAT.md ("State", `pages`) has it: pages and offsets
 * are relative to `start`. Mappings of hugetlb are left out.
 */
export function capturePages(mm: Mm, start: number, end: number, names: StateNames): PageRow[] {
  const collector = new PageCollector(mm, start, names);
  walkEntries(mm.pages, start, end, (level, page, words, at) => collector.add(level, page, words, at));
  return collector.rows;
}

class PageCollector {
  readonly rows: PageRow[] = [];
  readonly #mm: Mm;
  readonly #arch: Arch;
  readonly #memory: PhysicalMemory;
  readonly #origin: number;
  readonly #names: StateNames;

  constructor(mm: Mm, origin: number, names: StateNames) {
    this.#mm = mm;
    this.#arch = mm.env.arch;
    this.#memory = mm.env.memory;
    this.#origin = origin;
    this.#names = names;
  }

  add(level: number, page: number, words: EntryWords, at: number): void {
    const vma = this.#mm.tree.at(page);
    if (vma !== null && (vma.flags & VM_HUGETLB) !== 0) return;
    const kind = this.#arch.kindOf(words, at, level);
    if (kind === EntryKind.Page) this.#addPresent(level, page, words, at);
    else this.#addBare(page, this.#pagesOf(level), this.#kindName(kind, words, at), this.#absentBits(kind, words, at));
  }

  #pagesOf(level: number): number {
    return level === 0 ? 1 : this.#arch.level(level).span;
  }

  #addPresent(level: number, page: number, words: EntryWords, at: number): void {
    const memory = this.#memory;
    const frame = this.#arch.pfn(words, at, level);
    const bits = this.#presentBits(level, words, at);
    if (frame === memory.zeroFrame) this.#addBare(page, 1, 'zero', bits);
    else if (level > 0 && frame === memory.hugeZeroFrame) this.#addBare(page, this.#pagesOf(level), 'zero-pmd', bits);
    else if (this.#isOfHugeZero(frame)) this.#addBare(page, 1, 'zero', bits);
    else this.#addFolio(level, page, frame, bits);
  }

  /** A page of the huge zero page, mapped by itself. */
  #isOfHugeZero(frame: number): boolean {
    const first = this.#memory.hugeZeroFrame;
    return first >= 0 && frame >= first && frame < first + this.#arch.pmdPages;
  }

  #presentBits(level: number, words: EntryWords, at: number): string {
    const arch = this.#arch;
    let bits = arch.isWritable(words, at) ? 'w' : '';
    if (arch.isYoung(words, at)) bits += 'a';
    if (arch.isDirty(words, at)) bits += 'd';
    if (arch.isSoftDirty(words, at)) bits += 's';
    // Recordings do not say it of huge entries.
    return level === 0 && arch.isProtNone(words, at) ? `${bits}n` : bits;
  }

  #absentBits(kind: EntryKind, words: EntryWords, at: number): string {
    const arch = this.#arch;
    const exclusive = kind === EntryKind.Swap && arch.isExclusive(words, at) ? 'x' : '';
    return arch.isSoftDirty(words, at) ? `${exclusive}s` : exclusive;
  }

  #kindName(kind: EntryKind, words: EntryWords, at: number): EntryKindName {
    if (kind === EntryKind.Swap) return 'swap';
    if (kind === EntryKind.Migration) return 'migration';
    return kind === EntryKind.Marker && this.#arch.markerBits(words, at) === MARKER_GUARD ? 'guard' : 'marker';
  }

  #addBare(page: number, count: number, kind: EntryKindName, bits: string): void {
    const first = page - this.#origin;
    const last = this.rows.at(-1) as Open<BarePageRow> | undefined;
    // A swap entry has a row of its own: it stands for a slot of its own.
    const joins = last !== undefined && kind !== 'swap' && last[2] === kind && last[3] === bits;
    if (joins && last[0] + last[1] === first) last[1] += count;
    else this.rows.push([first, count, kind, bits]);
  }

  #addFolio(level: number, page: number, frame: number, bits: string): void {
    const memory = this.#memory;
    const head = memory.headOf(frame);
    const order = memory.order[frame] as number;
    const flags = memory.flags[head] as number;
    const mapping = memory.mapping[head] as number;
    const isKsm = (flags & PG_KSM) !== 0;
    const name = this.#names.folio(head, memory.generation[head] as number);
    const index = memory.index[head] as number;
    const row: Open<FolioPageRow> = [
      page - this.#origin,
      level === 0 ? 1 : this.#pagesOf(level),
      level === 0 ? 'pte' : 'pmd',
      bits,
      name,
      order,
      frame - head,
      isKsm ? null : mapping > 0 ? index - this.#origin : index,
      isKsm || mapping <= 0 ? null : this.#names.anonVma(mapping),
      this.#folioFlags(head, level === 0 ? frame : head),
      memory.pageMapcount(frame),
      memory.folioMapcount(head),
    ];
    if (level > 0 || !this.#joinsLast(row)) this.rows.push(row);
  }

  #folioFlags(head: number, frame: number): string {
    const memory = this.#memory;
    const flags = memory.flags[head] as number;
    let text = (flags & (PG_ANON | PG_KSM)) === 0 ? '' : 'a';
    if ((flags & PG_KSM) !== 0) text += 'k';
    if (isAnonExclusive(memory, frame)) text += 'e';
    if (maybeDmaPinned(memory, head)) text += 'p';
    if (maybeMappedShared(memory, head)) text += 'm';
    if ((flags & PG_SWAPCACHE) !== 0) text += 'c';
    return (flags & PG_PARTIALLY_MAPPED) === 0 ? text : `${text}t`;
  }

  /** Makes the last row one entry longer if `row` continues it. */
  #joinsLast(row: FolioPageRow): boolean {
    const last = this.rows.at(-1) as Open<FolioPageRow> | undefined;
    if (last === undefined || last.length !== 12 || last[2] !== 'pte') return false;
    const count = last[1];
    if (last[0] + count !== row[0] || last[3] !== row[3] || last[5] !== row[5] || last[8] !== row[8]) return false;
    if (last[9] !== row[9] || last[10] !== row[10] || last[11] !== row[11]) return false;
    const continues =
      row[5] === 0
        ? last[4] + count === row[4] && last[7] !== null && last[7] + count === row[7]
        : last[4] === row[4] && last[6] + count === row[6];
    if (continues) last[1]++;
    return continues;
  }
}
