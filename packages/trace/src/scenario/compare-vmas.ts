import type { StateDifference } from './difference.js';
import type { StateRenaming } from './id-renaming.js';
import type { VmaRow } from './state.js';

/** The columns that are compared as they are; the others hold ids. */
const PLAIN_COLUMNS = [
  [2, 'vmas.prot'],
  [3, 'vmas.pgoff'],
  [6, 'vmas.flags'],
] as const;

/**
 * First difference of two lists of mappings, or `null`. With `lax`, a `null` that is expected stands for "not known".
 */
export function compareVmas(
  process: number,
  expected: readonly VmaRow[],
  actual: readonly VmaRow[],
  renaming: StateRenaming,
  lax: boolean,
): StateDifference | null {
  const count = Math.max(expected.length, actual.length);
  for (let i = 0; i < count; i++) {
    const want = expected[i];
    const have = actual[i];
    if (want === undefined || have === undefined || want[0] !== have[0] || want[1] !== have[1]) {
      return rangeDifference(process, want, have);
    }
    const difference = compareRows(process, want, have, renaming, lax);
    if (difference !== null) return difference;
  }
  return null;
}

function rangeDifference(process: number, want: VmaRow | undefined, have: VmaRow | undefined): StateDifference {
  return {
    field: 'vmas.range',
    where: `process ${process}`,
    expected: want === undefined ? 'no further mapping' : rangeText(want),
    actual: have === undefined ? 'no further mapping' : rangeText(have),
    process,
    page: (want ?? have)?.[0] ?? null,
  };
}

function rangeText(row: VmaRow): string {
  return `[${row[0]}, ${row[1]}) ${row[2]}`;
}

function compareRows(
  process: number,
  want: VmaRow,
  have: VmaRow,
  renaming: StateRenaming,
  lax: boolean,
): StateDifference | null {
  const differs = (field: string, expected: unknown, actual: unknown): StateDifference => {
    return { field, where: `process ${process}, mapping ${rangeText(want)}`, expected, actual, process, page: want[0] };
  };
  for (const [column, field] of PLAIN_COLUMNS) {
    if (want[column] !== have[column] && !(lax && want[column] === null)) {
      return differs(field, want[column], have[column]);
    }
  }
  if (!(lax && want[4] === null) && !sameIds([want[4]], [have[4]], renaming.anonVmas)) {
    return differs('vmas.anonVma', want[4], have[4]);
  }
  if (want[5] !== null && !sameIds(want[5], have[5] ?? [], renaming.anonVmas)) {
    return differs('vmas.chain', want[5], have[5]);
  }
  if (want.length === 9 || have.length === 9) {
    const wantFile = want.length === 9 ? want : null;
    const haveFile = have.length === 9 ? have : null;
    if (wantFile === null || haveFile === null) return differs('vmas.file', wantFile?.[7], haveFile?.[7]);
    if (!(lax && wantFile[7] === null) && !sameIds([wantFile[7]], [haveFile[7]], renaming.files)) {
      return differs('vmas.file', wantFile[7], haveFile[7]);
    }
    if (wantFile[8] !== haveFile[8] && !(lax && wantFile[8] === null)) {
      return differs('vmas.anonPgoff', wantFile[8], haveFile[8]);
    }
  }
  return null;
}

/** Whether two lists name the same objects in the same order; `null` only equals `null`. */
function sameIds(
  expected: readonly (number | null)[],
  actual: readonly (number | null)[],
  renaming: StateRenaming['anonVmas'],
): boolean {
  if (expected.length !== actual.length) return false;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i] as number | null;
    const have = actual[i] as number | null;
    if (want === null || have === null) {
      if (want !== have) return false;
    } else if (!renaming.matches(want, have)) {
      return false;
    }
  }
  return true;
}
