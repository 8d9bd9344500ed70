import type { VisibleKind, VisibleProcess } from '../state/visible-state.js';

/** What stands for a page: by what its entry is. A mapped page without an entry is a dot, an unmapped one a blank. */
const MARKS: Readonly<Record<VisibleKind, string>> = {
  anon: '#',
  file: 'f',
  zero: 'z',
  swap: 's',
  guard: 'g',
  marker: 'm',
};

export const PICTURE_LEGEND =
  '| border of a mapping, # page, f page of a file, z zero page, s swapped, g guard, m marker, . no page';

/** Longer gaps are cut out of the picture, and so is the middle of longer stretches between two borders. */
const LONGEST_RUN = 12;

interface Row {
  readonly label: string;
  readonly process: VisibleProcess | null;
}

/**
 * Draws the mappings of one process under two names, one above the other, page under page.
 *
 * @example
 * //         16  18      24
 * // live   | # # | . . . |
 * // model  | # # . . . . |
 */
export function drawBeside(rows: readonly Row[]): string {
  const columns = chooseColumns(rows);
  const borders = new Set<number>();
  for (const { process } of rows) {
    for (const mapping of process?.mappings ?? []) borders.add(mapping.start).add(mapping.end);
  }
  const width = Math.max(...rows.map((row) => row.label.length));
  const lines = [`${' '.repeat(width)} ${ruler(columns, borders)}`];
  for (const row of rows) lines.push(`${row.label.padEnd(width)} ${drawRow(row.process, columns, borders)}`);
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** A page to draw, or null for a cut. */
type Column = number | null;

/** The pages to draw: every page near a border or of a short stretch; cuts for the rest. */
function chooseColumns(rows: readonly Row[]): Column[] {
  const marks = new Set<number>();
  for (const { process } of rows) {
    for (const mapping of process?.mappings ?? []) marks.add(mapping.start).add(mapping.end);
  }
  const sorted = [...marks].sort((a, b) => a - b);
  const columns: Column[] = [];
  for (let i = 0; i + 1 < sorted.length; i++) {
    const start = sorted[i] ?? 0;
    const end = sorted[i + 1] ?? 0;
    if (end - start <= LONGEST_RUN) {
      for (let page = start; page < end; page++) columns.push(page);
      continue;
    }
    for (let page = start; page < start + 3; page++) columns.push(page);
    columns.push(null);
    for (let page = end - 3; page < end; page++) columns.push(page);
  }
  const last = sorted.at(-1);
  if (last !== undefined) columns.push(last);
  return columns;
}

function drawRow(process: VisibleProcess | null, columns: readonly Column[], borders: ReadonlySet<number>): string {
  if (process === null) return '(the process is gone)';
  const pages = new Map(process.pages.map((page) => [page.page, MARKS[page.kind]]));
  const isMapped = (page: number): boolean =>
    process.mappings.some((mapping) => mapping.start <= page && page < mapping.end);
  const isBorder = (page: number): boolean =>
    process.mappings.some((mapping) => mapping.start === page || mapping.end === page);
  let line = '';
  columns.forEach((page, index) => {
    if (page === null) {
      const before = columns[index - 1];
      line += before !== null && before !== undefined && isMapped(before) ? '..' : '  ';
      return;
    }
    if (borders.has(page)) line += isBorder(page) ? '|' : isMapped(page) ? ' ' : ' ';
    if (index < columns.length - 1) line += isMapped(page) ? (pages.get(page) ?? '.') : ' ';
  });
  return line;
}

/** Page numbers above the borders, as many as have room. */
function ruler(columns: readonly Column[], borders: ReadonlySet<number>): string {
  let line = '';
  let at = 0;
  columns.forEach((page) => {
    if (page === null) {
      at += 2;
      return;
    }
    if (borders.has(page)) {
      if (line.length === 0 || line.length < at) line = line.padEnd(at) + String(page);
      at++;
    }
    at++;
  });
  return line;
}

/** The mappings of one process as lines of text. */
export function listMappings(process: VisibleProcess): string[] {
  return process.mappings.map((mapping) => {
    const range = `[${mapping.start}, ${mapping.end})`;
    const file = mapping.file === null ? '' : ` file ${mapping.file} +${mapping.offset ?? '?'}`;
    const flags = mapping.flags === null ? '' : ` ${mapping.flags}`;
    return `${range.padEnd(13)} ${mapping.prot}${file}${flags}`;
  });
}
