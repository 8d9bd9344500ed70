import type { StateDifference } from './difference.js';
import type { StateRenaming } from './id-renaming.js';
import { type FolioPageRow, type PageRow, isFolioRow } from './state.js';

/**
 * First difference of two lists of page-table entries, or `null`. The lists may cut their runs differently: what is
 * compared is each page.
 */
export function comparePages(
  process: number,
  expected: readonly PageRow[],
  actual: readonly PageRow[],
  renaming: StateRenaming,
): StateDifference | null {
  let wantRow = 0;
  let haveRow = 0;
  let wantSkip = 0;
  let haveSkip = 0;
  while (wantRow < expected.length || haveRow < actual.length) {
    const want = expected[wantRow];
    const have = actual[haveRow];
    const wantPage = want === undefined ? Infinity : want[0] + wantSkip;
    const havePage = have === undefined ? Infinity : have[0] + haveSkip;
    if (want === undefined || have === undefined || wantPage !== havePage) {
      return presenceDifference(process, want, wantPage, have, havePage);
    }
    const count = Math.min(want[1] - wantSkip, have[1] - haveSkip);
    const difference = compareRuns(process, want, wantSkip, have, haveSkip, count, renaming);
    if (difference !== null) return difference;
    wantSkip += count;
    haveSkip += count;
    if (wantSkip === want[1]) {
      wantRow++;
      wantSkip = 0;
    }
    if (haveSkip === have[1]) {
      haveRow++;
      haveSkip = 0;
    }
  }
  return null;
}

function presenceDifference(
  process: number,
  want: PageRow | undefined,
  wantPage: number,
  have: PageRow | undefined,
  havePage: number,
): StateDifference {
  const missing = wantPage < havePage;
  const page = missing ? wantPage : havePage;
  return {
    field: missing ? 'pages.missing' : 'pages.extra',
    where: `process ${process}, page ${page}`,
    expected: missing ? want : 'nothing there',
    actual: missing ? 'nothing there' : have,
    process,
    page,
  };
}

/** Columns of a folio's row that are the same for the whole run. */
const RUN_COLUMNS = [
  [2, 'pages.level'],
  [3, 'pages.bits'],
  [5, 'pages.order'],
  [9, 'pages.flags'],
  [10, 'pages.mapcount'],
  [11, 'pages.folioMapcount'],
] as const;

/** Compares `count` entries that begin `wantSkip` and `haveSkip` entries into the two runs. */
function compareRuns(
  process: number,
  want: PageRow,
  wantSkip: number,
  have: PageRow,
  haveSkip: number,
  count: number,
  renaming: StateRenaming,
): StateDifference | null {
  const differs = (field: string, expected: unknown, actual: unknown, offset = 0): StateDifference => {
    const page = want[0] + wantSkip + offset;
    return { field, where: `process ${process}, page ${page}`, expected, actual, process, page };
  };
  if (!isFolioRow(want) || !isFolioRow(have)) {
    if (want[2] !== have[2]) return differs('pages.kind', want[2], have[2]);
    return want[3] === have[3] ? null : differs('pages.bits', want[3], have[3]);
  }
  for (const [column, field] of RUN_COLUMNS) {
    if (want[column] !== have[column]) return differs(field, want[column], have[column]);
  }
  const folio = folioDifference(want, wantSkip, have, haveSkip, count, renaming);
  if (folio >= 0) {
    return differs('pages.folio', folioAt(want, wantSkip + folio), folioAt(have, haveSkip + folio), folio);
  }
  // The columns that go up along a run: index in the folio for a large one, offset for single pages.
  const wantStep = want[5] === 0 ? 0 : wantSkip;
  const haveStep = have[5] === 0 ? 0 : haveSkip;
  if (want[6] + wantStep !== have[6] + haveStep) return differs('pages.index0', want[6] + wantStep, have[6] + haveStep);
  const wantOffset = offsetAt(want, wantSkip);
  const haveOffset = offsetAt(have, haveSkip);
  if (wantOffset !== haveOffset) return differs('pages.pgoff', wantOffset, haveOffset);
  if (!sameAnonVma(want, have, renaming)) return differs('pages.anonVma', want[8], have[8]);
  return null;
}

/** Id of the folio that the entry `skip` entries into the run maps. */
function folioAt(row: FolioPageRow, skip: number): number {
  return row[5] === 0 ? row[4] + skip : row[4];
}

function offsetAt(row: FolioPageRow, skip: number): number | null {
  return row[7] === null || row[5] !== 0 ? row[7] : row[7] + skip;
}

/** How many entries on the first one lies that maps another folio than expected; -1 for none. */
function folioDifference(
  want: FolioPageRow,
  wantSkip: number,
  have: FolioPageRow,
  haveSkip: number,
  count: number,
  renaming: StateRenaming,
): number {
  const distinct = want[5] === 0 ? count : 1;
  for (let i = 0; i < distinct; i++) {
    if (!renaming.folios.matches(folioAt(want, wantSkip + i), folioAt(have, haveSkip + i))) return i;
  }
  return -1;
}

function sameAnonVma(want: FolioPageRow, have: FolioPageRow, renaming: StateRenaming): boolean {
  if (want[8] === null || have[8] === null) return want[8] === have[8];
  return renaming.anonVmas.matches(want[8], have[8]);
}
