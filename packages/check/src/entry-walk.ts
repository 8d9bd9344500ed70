import type { EntryWords, PageTables } from '@vmakit/pagetable';

/**
 * Told of one entry: `level` is the index of its level, `page` the first page that it maps, `words[at]` its low half.
 */
export type EntryVisitor = (level: number, page: number, words: EntryWords, at: number) => void;

/** Told of one table entry on the way down, before what lies below it. */
export type TableVisitor = (level: number, page: number, words: EntryWords, at: number, table: number) => void;

/**
 * Visits every entry of [start, end) that is neither empty nor leads to a table, in order of addresses. An entry above
 * the lowest level is visited when any of its pages is in the range.
 *
 * @param onTable is told of every table entry as well: `table` is the id of the table that it leads to
 */
export function walkEntries(
  tables: PageTables,
  start: number,
  end: number,
  visit: EntryVisitor,
  onTable: TableVisitor | null = null,
): void {
  walkTable(tables, tables.root, tables.arch.topLevel, start, end, visit, onTable);
}

function walkTable(
  tables: PageTables,
  table: number,
  level: number,
  start: number,
  end: number,
  visit: EntryVisitor,
  onTable: TableVisitor | null,
): void {
  const { arch, pool } = tables;
  const { span, tableSpan, entries } = arch.level(level);
  const words = pool.words(table);
  const base = pool.base(table);
  const firstPage = start - (start % tableSpan);
  const from = Math.floor((start - firstPage) / span);
  const to = Math.min(entries, Math.ceil((end - firstPage) / span));
  for (let i = from; i < to; i++) {
    const at = base + 2 * i;
    if (words[at] === 0 && words[at + 1] === 0) continue;
    const page = firstPage + i * span;
    if (level === 0 || !arch.isTable(words, at)) {
      if (!arch.isNone(words, at)) visit(level, page, words, at);
      continue;
    }
    const below = arch.tableAt(words, at);
    if (onTable !== null) onTable(level, page, words, at, below);
    walkTable(tables, below, level - 1, Math.max(start, page), Math.min(end, page + span), visit, onTable);
  }
}
