import { expect, test } from 'vitest';
import type { VisibleMapping, VisiblePage, VisibleProcess } from '../state/visible-state.js';
import { drawBeside } from './picture.js';

const page = (number: number, kind: VisiblePage['kind'] = 'anon'): VisiblePage => ({
  page: number,
  kind,
  frame: null,
  mappedOnce: true,
  softDirty: false,
  uffdWp: false,
  content: null,
  mapcount: null,
});

const mapping = (start: number, end: number): VisibleMapping => ({
  start,
  end,
  prot: 'rw-p',
  file: null,
  offset: null,
  flags: 'ac',
});

const process = (mappings: readonly VisibleMapping[], pages: readonly VisiblePage[] = []): VisibleProcess => ({
  process: 0,
  total: 0,
  data: 0,
  locked: null,
  mappings,
  pages,
});

test('two sides stand page under page, with the borders that each has', () => {
  const live = process([mapping(16, 18), mapping(18, 24)], [page(16), page(17), page(20, 'zero')]);
  const model = process([mapping(16, 24)], [page(16), page(17), page(20, 'guard')]);
  expect(
    drawBeside([
      { label: 'live', process: live },
      { label: 'model', process: model },
    ]),
  ).toMatchInlineSnapshot(`
    "      16 18     24
    live  |##|..z...|
    model |## ..g...|"
  `);
});

test('long stretches that are all alike are cut', () => {
  const far = process([mapping(0, 2), mapping(1000, 1600)], [page(0), page(1000)]);
  expect(drawBeside([{ label: 'live', process: far }])).toMatchInlineSnapshot(`
    "     0  2        1000     1600
    live |#.|        |#.......|"
  `);
});

test('a process that one side does not have is said to be gone', () => {
  const live = process([mapping(4, 6)]);
  expect(
    drawBeside([
      { label: 'live', process: live },
      { label: 'model', process: null },
    ]),
  ).toMatchInlineSnapshot(`
    "      4  6
    live  |..|
    model (the process is gone)"
  `);
});
