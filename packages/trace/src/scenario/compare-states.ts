import { compareAnonVmas } from './compare-anon-vmas.js';
import { comparePages } from './compare-pages.js';
import { compareVmas } from './compare-vmas.js';
import type { StateDifference } from './difference.js';
import type { StateRenaming } from './id-renaming.js';
import type { ProcessState, ScenarioState } from './state.js';

export interface CompareOptions {
  /** `null` in the expected state stands for "not known" (recordings with `"recorder":"basic"`). */
  readonly nullIsUnknown?: boolean;
}

/**
 * Compares two states of a scenario up to the names of objects. What two ids have been taken for in earlier states is
 * kept in `renaming`, so that the same object must stay the same object.
 *
 * @returns the first difference of each part (processes, VMAs, pages, anon_vmas, mm), empty when the states are equal
 */
export function compareStates(
  expected: ScenarioState,
  actual: ScenarioState,
  renaming: StateRenaming,
  options: CompareOptions = {},
): StateDifference[] {
  const lax = options.nullIsUnknown ?? false;
  const processes = compareProcessLists(expected, actual);
  if (processes !== null) return [processes];
  const differences: StateDifference[] = [];
  const first = (compare: (expected: ProcessState, actual: ProcessState) => StateDifference | null): void => {
    for (let i = 0; i < expected.procs.length; i++) {
      const difference = compare(expected.procs[i] as ProcessState, actual.procs[i] as ProcessState);
      if (difference === null) continue;
      differences.push(difference);
      return;
    }
  };
  first((e, a) => compareVmas(e.p, e.vmas, a.vmas, renaming, lax));
  first((e, a) => (e.pages === null ? null : comparePages(e.p, e.pages, a.pages ?? [], renaming)));
  if (expected.anonVmas !== null) {
    const difference = compareAnonVmas(expected.anonVmas, actual.anonVmas ?? [], renaming.anonVmas);
    if (difference !== null) differences.push(difference);
  }
  first(compareMm);
  return differences;
}

function compareProcessLists(expected: ScenarioState, actual: ScenarioState): StateDifference | null {
  const expectedNumbers = expected.procs.map((process) => process.p).join(', ');
  const actualNumbers = actual.procs.map((process) => process.p).join(', ');
  if (expectedNumbers === actualNumbers) return null;
  return {
    field: 'procs',
    where: 'living processes',
    expected: expectedNumbers,
    actual: actualNumbers,
    process: null,
    page: null,
  };
}

const MM_FIELDS = ['mm.total', 'mm.locked', 'mm.data'] as const;

function compareMm(expected: ProcessState, actual: ProcessState): StateDifference | null {
  if (expected.mm === null) return null;
  for (let i = 0; i < MM_FIELDS.length; i++) {
    const have = actual.mm === null ? null : actual.mm[i];
    if (expected.mm[i] === have) continue;
    return {
      field: MM_FIELDS[i] as string,
      where: `process ${expected.p}`,
      expected: expected.mm[i],
      actual: have,
      process: expected.p,
      page: null,
    };
  }
  return null;
}
