import { describe, expect, it } from 'vitest';
import { compareStates } from './compare-states.js';
import { StateRenaming } from './id-renaming.js';
import type { AnonVmaRow, PageRow, ScenarioState, VmaRow } from './state.js';

/** One process with these mappings, entries and anon_vmas. */
function state(
  vmas: readonly VmaRow[],
  pages: readonly PageRow[] = [],
  anonVmas: readonly AnonVmaRow[] = [],
): ScenarioState {
  return { procs: [{ p: 0, mm: [8, 0, 8], vmas, pages }], anonVmas };
}

/** A faulted mapping of 8 pages under one anon_vma. */
function faulted(anonVma: number, firstFolio: number): ScenarioState {
  return state(
    [[16, 24, 'rw-p', 16, anonVma, [anonVma], 'ac']],
    [[16, 8, 'pte', 'wad', firstFolio, 0, 0, 16, anonVma, 'ae', 1, 1]],
    [[anonVma, anonVma, anonVma, 1, 1, 1, [[0, 16]]]],
  );
}

/** Two mappings, the second under the anon_vma `second`. */
function two(second: number): ScenarioState {
  return state([
    [0, 4, 'rw-p', 0, 1, [1], ''],
    [8, 12, 'rw-p', 8, second, [second], ''],
  ]);
}

/** A mapping of a forked child whose parent is gone: nothing but its own anon_vma names the root. */
function family(child: number, root: number): ScenarioState {
  const rows: AnonVmaRow[] = [
    [root, root, root, 2, 0, 2, []],
    [child, root, root, 0, 1, 1, [[0, 0]]],
  ];
  return state([[0, 4, 'rw-p', 0, child, [child], '']], [], child < root ? rows.toReversed() : rows);
}

describe('comparing states', () => {
  it('finds states equal that differ in names only', () => {
    expect(compareStates(faulted(1, 1), faulted(7, 40), new StateRenaming())).toEqual([]);
  });

  it('keeps what the names stood for in earlier states', () => {
    const renaming = new StateRenaming();
    compareStates(faulted(1, 1), faulted(7, 40), renaming);
    const [difference] = compareStates(faulted(1, 1), faulted(8, 40), renaming);
    expect(difference).toMatchObject({
      field: 'vmas.anonVma',
      where: 'process 0, mapping [16, 24) rw-p',
      expected: 1,
      actual: 8,
    });
  });

  it('does not take one object for two', () => {
    expect(compareStates(two(2), two(2), new StateRenaming())).toEqual([]);
    expect(compareStates(two(2), two(1), new StateRenaming())[0]?.field).toBe('vmas.anonVma');
  });

  it('compares pages, not runs', () => {
    const whole = state([], [[16, 8, 'pte', 'wad', 1, 0, 0, 16, null, 'ae', 1, 1]]);
    const cut = state(
      [],
      [
        [16, 3, 'pte', 'wad', 11, 0, 0, 16, null, 'ae', 1, 1],
        [19, 5, 'pte', 'wad', 4, 0, 0, 19, null, 'ae', 1, 1],
      ],
    );
    expect(compareStates(whole, cut, new StateRenaming())).toEqual([]);
    const large: PageRow = [16, 8, 'pte', 'wad', 1, 3, 0, 16, null, 'ae', 1, 8];
    const halves = state(
      [],
      [
        [16, 4, 'pte', 'wad', 2, 3, 0, 16, null, 'ae', 1, 8],
        [20, 4, 'pte', 'wad', 2, 3, 4, 16, null, 'ae', 1, 8],
      ],
    );
    expect(compareStates(state([], [large]), halves, new StateRenaming())).toEqual([]);
  });

  it('names the first page that differs, and what is there', () => {
    const present: PageRow = [16, 8, 'pte', 'wad', 1, 0, 0, 16, null, 'ae', 1, 1];
    const short: PageRow = [16, 6, 'pte', 'wad', 1, 0, 0, 16, null, 'ae', 1, 1];
    const [missing] = compareStates(state([], [present]), state([], [short]), new StateRenaming());
    expect(missing).toMatchObject({ field: 'pages.missing', page: 22, actual: 'nothing there' });
    const readOnly: PageRow = [16, 8, 'pte', 'ad', 1, 0, 0, 16, null, 'ae', 1, 1];
    const [bits] = compareStates(state([], [present]), state([], [readOnly]), new StateRenaming());
    expect(bits).toMatchObject({ field: 'pages.bits', where: 'process 0, page 16', expected: 'wad', actual: 'ad' });
  });

  it('pairs anon_vmas that nothing but a descendant names', () => {
    expect(compareStates(family(1, 2), family(9, 4), new StateRenaming())).toEqual([]);
  });

  it('gives the first difference of each part', () => {
    const other: ScenarioState = { ...faulted(1, 1), procs: [{ ...faulted(1, 1).procs[0]!, mm: [9, 0, 8], vmas: [] }] };
    const fields = compareStates(faulted(1, 1), other, new StateRenaming()).map((difference) => difference.field);
    expect(fields).toEqual(['vmas.range', 'mm.total']);
  });
});
