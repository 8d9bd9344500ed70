import { pagesInto } from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { type Arch, EntryKind, type PageTables } from '@vmakit/pagetable';
import { type Leaf, LeafKind } from './leaf.js';
import type { PageRuns } from './page-runs.js';
import { LEAF_AGAIN, LEAF_FAIL } from './policy.js';

/** Receives the entries of a walk; an object rather than a closure, since it is called for every page. */
export interface LeafSink {
  /** The table whose lock the walk holds; a visitor that had to give it back sets 0. */
  lockedTable: number;
  /** Answers as `PolicyHooks.leaf` does. */
  visit(leaf: Leaf): number;
  /** Many small folios at once, or null: see {@link PageRuns}. */
  readonly runs: PageRuns | null;
  /** The entries of one table are through. `entries`: how many were not empty. */
  tableDone(start: number, end: number, entries: number): void;
}

/** The range of a walk. Pages. */
export interface WalkRange {
  readonly start: number;
  readonly end: number;
  /** What to add to a source page to have its place in the destination. */
  readonly shift: number;
}

/**
 * Visits every entry of a range that is not empty, ascending. Extents go by the source's tables alone (spec 06 section
 * 4, the walk).
 *
 * @returns false as soon as the sink answers LEAF_FAIL.
 */
export function walkLeaves(mm: Mm, range: WalkRange, leaf: Leaf, sink: LeafSink): boolean {
  const { arch } = mm.env;
  const { pages } = mm;
  const pmd = arch.level(arch.pmdLevel);
  const upper = arch.topLevel > arch.pmdLevel ? arch.level(arch.pmdLevel + 1) : null;
  leaf.shift = range.shift;
  let page = range.start;
  while (page < range.end) {
    const stop = Math.min(range.end, page - pagesInto(page, pmd.span) + pmd.span);
    const entries = pages.lookup(0, page);
    if (entries !== 0) {
      leaf.page = page;
      if (!walkPtes(mm, entries, (stop - page) | 0, leaf, sink)) return false;
    } else if (upper !== null && isEmptyAt(pages, arch.pmdLevel + 1, page)) {
      page = Math.min(range.end, page - pagesInto(page, upper.span) + upper.span);
      continue;
    } else if (!walkBelowPmd(mm, page, stop, leaf, sink)) {
      return false;
    }
    page = stop;
  }
  return true;
}

/** Whether nothing is mapped at `page` by an entry of `level` or below it. */
function isEmptyAt(pages: PageTables, level: number, page: number): boolean {
  const table = pages.lookup(level, page);
  return table === 0 || pages.arch.isNone(pages.pool.words(table), pages.entryAt(table, level, page));
}

/** One huge entry, or the entries of one table. After something was split the entry is looked at again. */
function walkBelowPmd(mm: Mm, start: number, stop: number, leaf: Leaf, sink: LeafSink): boolean {
  const { arch, memory } = mm.env;
  const { pages } = mm;
  const level = arch.pmdLevel;
  for (;;) {
    const table = pages.lookup(level, start);
    if (table === 0) return true;
    const words = pages.pool.words(table);
    const at = pages.entryAt(table, level, start);
    const kind = arch.kindOf(words, at, level);
    if (kind === EntryKind.None) return true;
    leaf.page = start;
    if (kind === EntryKind.Table) return walkPtes(mm, pages.lookup(0, start), (stop - start) | 0, leaf, sink);
    leaf.pages = stop - start;
    leaf.offset = 0;
    leaf.frame = -1;
    leaf.head = -1;
    leaf.order = 0;
    if (kind === EntryKind.Page) {
      const frame = arch.pfn(words, at, level);
      leaf.frame = frame;
      if (arch.isSpecial(words, at) || frame === memory.hugeZeroFrame) {
        leaf.kind = LeafKind.HugeZeroPage;
      } else {
        leaf.kind = LeafKind.HugePage;
        leaf.order = memory.order[frame] as number;
        leaf.head = frame - pagesInto(frame, 1 << leaf.order);
      }
    } else {
      leaf.kind = LeafKind.HugeMigration;
      leaf.offset = arch.swapOffset(words, at);
    }
    const answer = sink.visit(leaf);
    if (answer === LEAF_FAIL) return false;
    if (answer !== LEAF_AGAIN) return true;
  }
}

/**
 * `count` entries of `table`, of the lowest level, from that for the page of `leaf` on: neither that page nor the last
 * is handed over, since the engine makes an object of each number above 2^31 that is.
 */
function walkPtes(mm: Mm, table: number, count: number, leaf: Leaf, sink: LeafSink): boolean {
  const { arch, memory, locks } = mm.env;
  const start = leaf.page;
  const { pages } = mm;
  if (locks.enabled) locks.acquire('page-table', table, 'write');
  sink.lockedTable = table;
  const words = pages.pool.words(table);
  const first = pages.entryAt(table, 0, start);
  let entries = 0;
  let complete = true;
  leaf.pages = 1;
  leaf.offset = 0;
  const { runs } = sink;
  for (let slot = 0; slot < count;) {
    const at = first + 2 * slot;
    if (runs !== null) {
      const taken = runs.take(words, at, count - slot, start + slot);
      if (taken > 0) {
        slot += taken;
        continue;
      }
    }
    if (arch.isNone(words, at)) {
      slot++;
      continue;
    }
    leaf.page = start + slot;
    if (arch.isPresent(words, at)) {
      const frame = arch.pfn(words, at, 0);
      const order = memory.order[frame] as number;
      leaf.frame = frame;
      leaf.order = order;
      leaf.head = order === 0 ? frame : frame & -(1 << order);
      leaf.kind = LeafKind.Page;
      if (arch.isSpecial(words, at)) describeZeroPage(leaf);
    } else {
      describeAbsent(arch, words, at, leaf);
    }
    const answer = sink.visit(leaf);
    if (answer > 0) {
      entries++;
      slot += answer;
    } else if (answer === LEAF_FAIL) {
      complete = false;
      break;
    } else if (sink.lockedTable === 0) {
      // Something was split without the lock; the entry is looked at again.
      if (locks.enabled) locks.acquire('page-table', table, 'write');
      sink.lockedTable = table;
    }
  }
  if (locks.enabled && sink.lockedTable !== 0) locks.release('page-table', table);
  sink.lockedTable = 0;
  sink.tableDone(start, start + count, entries);
  return complete;
}

function describeZeroPage(leaf: Leaf): void {
  leaf.kind = LeafKind.ZeroPage;
  leaf.head = -1;
  leaf.order = 0;
}

const KIND_OF_ABSENT: Readonly<Record<number, LeafKind>> = {
  [EntryKind.Swap]: LeafKind.Swap,
  [EntryKind.Migration]: LeafKind.Migration,
  [EntryKind.Device]: LeafKind.Migration,
};

/** A small entry without a page. Device memory counts as in migration: its folio is not where it seems. */
function describeAbsent(arch: Arch, words: Int32Array, at: number, leaf: Leaf): void {
  const kind = arch.kindOf(words, at, 0);
  leaf.kind = KIND_OF_ABSENT[kind] ?? LeafKind.Marker;
  leaf.frame = kind === EntryKind.Migration ? arch.migrationPfn(words, at) : -1;
  leaf.offset = arch.swapOffset(words, at);
  leaf.head = -1;
  leaf.order = 0;
}
