import { PICTURE_KINDS, type ProcessPicture } from '@vmakit/replay';
import { count } from '../numbers.js';
import { Markup, html } from './markup.js';

const WIDTH = 1200;
const ROW = 34;
const BAR = 18;
/** A larger hole begins a new row. Pages: 16 MiB. */
const HOLE = 4096;
/** More rectangles than this say no more. */
const MOST_CELLS = 3000;
/** Rows of a picture. */
const MOST_ROWS = 24;
const SHIFT = 4096;

/** What is drawn as one rectangle: a VMA, or in a large address space several in a row. */
interface Cell {
  readonly start: number;
  readonly end: number;
  readonly kind: number;
  readonly vmas: number;
  /** It touches the cell before it, and both are touched anonymous memory: neighbours that did not merge. */
  readonly seam: boolean;
}

/** What the colours of a strip mean. */
export function stripLegend(): Markup {
  const words: Readonly<Record<(typeof PICTURE_KINDS)[number], string>> = {
    touched: 'anonymous, touched',
    untouched: 'anonymous, untouched',
    heap: 'heap',
    stack: 'stack',
    inaccessible: 'no access, untouched',
    file: 'private file',
    shared: 'shared',
    special: 'vdso, vvar',
  };
  const items = PICTURE_KINDS.map((kind) => html`<span><i class="${kind}"></i>${words[kind]}</span>`);
  return html`<p class="legend">${items}</p>
    <p class="dim">
      Each block is a VMA; its width grows with the root of its size. A red seam: touched anonymous memory on both sides
      that did not merge. A row ends at a hole of more than 16 MiB.
    </p>`;
}

/** The address space of a process at its end, from low to high addresses. */
export function vmaStrip(picture: ProcessPicture): Markup {
  const rows = cutRows(cellsOf(picture));
  const shown = rows.slice(0, MOST_ROWS);
  const widest = Math.max(...shown.map((row) => row.reduce((sum, cell) => sum + widthOf(cell), 0)), 1);
  const lines = shown.map((row, index) => drawRow(row, index * ROW, WIDTH / widest));
  const height = Math.max(1, shown.length) * ROW;
  const more = rows.length - shown.length;
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="address space of process ${picture.pid}">
      ${lines}</svg
    >${more > 0 ? html`<p class="dim">and ${count(more)} rows more</p>` : null}`;
}

function cellsOf({ starts, ends, kinds }: ProcessPicture): Cell[] {
  const perCell = Math.ceil(starts.length / MOST_CELLS);
  const touched = PICTURE_KINDS.indexOf('touched');
  const cells: Cell[] = [];
  let at = 0;
  while (at < starts.length) {
    const kind = kinds[at] as number;
    let to = at + 1;
    while (to < starts.length && to - at < perCell && kinds[to] === kind && starts[to] === ends[to - 1]) to++;
    const last = cells.at(-1);
    const start = starts[at] as number;
    cells.push({
      start,
      end: ends[to - 1] as number,
      kind,
      vmas: to - at,
      seam: last !== undefined && last.end === start && last.kind === touched && kind === touched,
    });
    at = to;
  }
  return cells;
}

function cutRows(cells: readonly Cell[]): Cell[][] {
  const rows: Cell[][] = [];
  for (const cell of cells) {
    const row = rows.at(-1);
    const last = row?.at(-1);
    if (row === undefined || last === undefined || cell.start - last.end > HOLE) rows.push([cell]);
    else row.push(cell);
  }
  return rows;
}

function widthOf({ start, end }: Cell): number {
  return Math.sqrt(end - start);
}

function drawRow(row: readonly Cell[], y: number, scale: number): Markup {
  const parts: Markup[] = [html`<text x="0" y="${y + 9}">${hex(row[0]?.start ?? 0)}</text>`];
  let x = 0;
  for (const cell of row) {
    const width = Math.max(0.4, widthOf(cell) * scale);
    const what = PICTURE_KINDS[cell.kind] as string;
    const several = cell.vmas > 1 ? `, ${count(cell.vmas)} VMAs` : '';
    const title = `${hex(cell.start)}-${hex(cell.end)} ${what}, ${count(cell.end - cell.start)} pages${several}`;
    const [left, wide] = [x.toFixed(2), Math.max(0.3, width - 0.4).toFixed(2)];
    parts.push(
      html`<rect x="${left}" y="${y + 12}" width="${wide}" height="${BAR}" class="${what}"
        ><title>${title}</title></rect
      > `,
    );
    if (cell.seam) {
      parts.push(html`<line x1="${left}" x2="${left}" y1="${y + 10}" y2="${y + 14 + BAR}" class="seam" /> `);
    }
    x += width;
  }
  return new Markup(parts.map(({ text }) => text).join(''));
}

function hex(page: number): string {
  return (page * SHIFT).toString(16);
}
