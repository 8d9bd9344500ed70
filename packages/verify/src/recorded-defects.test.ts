import { expect, it } from 'vitest';
import { RecordedDefects } from './recorded-defects.js';
import { runScenario } from './run-scenario.js';
import { BUNDLED_SCENARIOS, scenariosOf } from './testing/golden-files.js';

const AS_USUAL = { repairs: ['partialLargeFolio', 'undoAfterMove'], inconsistent: null } as const;
const ALL = { ...AS_USUAL, repairs: ['pinned', 'shared', 'partialLargeFolio', 'swap', 'undoAfterMove'] } as const;

it('excuses a stray folio only after a call that tells that it left one', () => {
  const defects = new RecordedDefects(AS_USUAL);
  expect(defects.excuses('S4.8')).toBe(false);
  defects.see({ relocate: 1, smallFolioMoved: 8 });
  expect(defects.excuses('S4.8')).toBe(false);
  defects.see({ relocate: 1, pinnedSkipped: 1 });
  expect(['S4.1', 'S4.7', 'S4.8'].map((invariant) => defects.excuses(invariant))).toEqual([true, true, true]);
  expect(['S4.2', 'S4.9', 'S6.3'].map((invariant) => defects.excuses(invariant))).toEqual([false, false, false]);
});

it('excuses nothing that a repair covers', () => {
  const defects = new RecordedDefects(AS_USUAL);
  defects.see({ undoneAfterMoveFailure: 1, oddLargeFolio: 1, pteLargeFolioMoved: 1 });
  expect(defects.excuses('S4.8')).toBe(false);
  const repaired = new RecordedDefects(ALL);
  repaired.see({ pinnedSkipped: 1, sharedSkipped: 1 });
  expect(repaired.excuses('S4.8')).toBe(false);
});

it('excuses what no repair covers where the recording says so', () => {
  const defects = new RecordedDefects({ ...ALL, inconsistent: 'largeFolio' });
  defects.see({ pteLargeFolioMoved: 1 });
  expect(defects.excuses('S4.7')).toBe(true);
});

it('tells what was excused', async () => {
  const reports = (await scenariosOf(BUNDLED_SCENARIOS)).map((scenario) => runScenario(scenario, { check: true }));
  const excused = reports.filter(({ knownViolations }) => knownViolations.length > 0);
  expect(excused.map(({ scenario, knownViolations }) => `${scenario}: ${knownViolations.join()}`))
    .toMatchInlineSnapshot(`
    [
      "random/00356: S4.8",
    ]
  `);
});
