import type { StateDifference } from './difference.js';
import type { IdRenaming } from './id-renaming.js';
import type { AnonVmaRow } from './state.js';

const COUNT_COLUMNS = [
  [3, 'anonVmas.numChildren'],
  [4, 'anonVmas.numActiveVmas'],
  [5, 'anonVmas.refcount'],
] as const;

/** First difference of two lists of anon_vmas, or `null`. Both may be in any order: rows are paired by the renaming. */
export function compareAnonVmas(
  expected: readonly AnonVmaRow[],
  actual: readonly AnonVmaRow[],
  renaming: IdRenaming,
): StateDifference | null {
  const actualById = new Map<number, AnonVmaRow>();
  for (const row of actual) actualById.set(row[0], row);
  let waiting = expected;
  // A parent or root that nothing else names gets its partner from the row of a descendant, so rows without one wait.
  while (waiting.length > 0) {
    const later: AnonVmaRow[] = [];
    for (const want of waiting) {
      const partner = renaming.actualOf(want[0]);
      if (partner === undefined) {
        later.push(want);
        continue;
      }
      const have = actualById.get(partner);
      if (have === undefined) return difference('anonVmas.missing', want, want, 'no such anon_vma');
      actualById.delete(partner);
      const found = compareRows(want, have, renaming);
      if (found !== null) return found;
    }
    if (later.length === waiting.length) {
      return difference('anonVmas.missing', later[0] as AnonVmaRow, later[0], 'no such anon_vma');
    }
    waiting = later;
  }
  for (const extra of actualById.values()) return difference('anonVmas.extra', extra, 'no such anon_vma', extra);
  return null;
}

function compareRows(want: AnonVmaRow, have: AnonVmaRow, renaming: IdRenaming): StateDifference | null {
  if (!renaming.matches(want[1], have[1])) return difference('anonVmas.root', want, want[1], have[1]);
  if (!renaming.matches(want[2], have[2])) return difference('anonVmas.parent', want, want[2], have[2]);
  for (const [column, field] of COUNT_COLUMNS) {
    if (want[column] !== have[column]) return difference(field, want, want[column], have[column]);
  }
  if (!samePairs(want[6], have[6])) return difference('anonVmas.vmas', want, want[6], have[6]);
  return null;
}

function samePairs(want: AnonVmaRow[6], have: AnonVmaRow[6]): boolean {
  if (want.length !== have.length) return false;
  return want.every((pair, i) => pair[0] === have[i]?.[0] && pair[1] === have[i]?.[1]);
}

function difference(field: string, row: AnonVmaRow, expected: unknown, actual: unknown): StateDifference {
  const [process, page] = row[6][0] ?? [null, null];
  return { field, where: `anon_vma ${row[0]}`, expected, actual, process, page };
}
