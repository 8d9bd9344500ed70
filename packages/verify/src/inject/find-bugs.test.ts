import { readFile } from 'node:fs/promises';
import { InvariantChecker } from '@vmakit/check';
import type { Variant } from '@vmakit/policy-relocate-anon';
import { type Scenario, StateRenaming, compareResults, compareStates } from '@vmakit/trace';
import { describe, expect, it } from 'vitest';
import { perform } from '../perform.js';
import { BUNDLED_SCENARIOS, scenariosOf } from '../testing/golden-files.js';
import { type BugReport, findBugs } from './find-bugs.js';
import { CORRECTED, prepared, tryInjection } from './inject-scenario.js';
import { KNOWN_BUGS, KNOWN_BUG_SCENARIOS, readKnownBugScenarios } from './known-bugs.js';

function rowOf({ bug, sighting }: BugReport): string {
  const name = bug.repair === null ? bug.id : `${bug.id} ${bug.repair}`;
  if (bug.unseen !== null) return `${name}: not to be seen`;
  if (sighting === null) return `${name}: NOT SHOWN`;
  const { scenario, step, injection, breaks, inVariant } = sighting;
  const where = `${scenario.replace('known-bugs/', '')} #${step}`;
  return `${name}: ${where}, ${injection} -> ${breaks.join(' ')}${inVariant ? '' : ' NOT IN THE VARIANT'}`;
}

async function tableOf(variant: Variant): Promise<string> {
  return findBugs(variant, { own: await readKnownBugScenarios() })
    .map(rowOf)
    .join('\n');
}

describe('the known bugs of the posted series show in scenarios made for them', () => {
  it('in the last posted state', { timeout: 30_000 }, async () => {
    expect(await tableOf('v1')).toMatchInlineSnapshot(`
      "R1: not to be seen
      R2: not to be seen
      R4 listUndo: locked-twice #2, folio-trylock 5, then folio-trylock 6 -> S4.8
      R5 swap: absent-entries #2, page 1 of the range is in migration -> S5.2
      R5 swap: absent-entries #2, page 1 of the range is in swap cache -> S4.9
      R8: not-exclusive #4, none -> assertion
      R9: not to be seen
      R11: not to be seen
      A1 pinned: pinned #3, none -> S4.8
      A1 shared: not to be seen
      A2 refusalUncharges: refused #3, none -> S6.3
      A3 undoKeepsAccounts: taken-back #2, anon-vma-chain-alloc 1 -> S6.3
      A4 undoAfterMove: tables-fail #3, move-step 2 -> S4.8
      A5 followSource: merged-with-source #3, none -> S6.3
      A5 keepSourceApart: kept-source #3, none -> S8.1 S6.2
      A6 userfaultLateMerge: watched #7, none -> S5.9
      A7 splitUnlocked: cut-in-the-family #2, none -> outcome
      06.3 fileBacked: dev-zero #2, the range is /dev/zero from page 0 on -> S8.2
      B1 partialLargeFolio: odd-place #3, none -> S4.1 S4.7
      B2 partialLargeFolio: first-page-gone #3, none -> S4.7
      B3 partialLargeFolio: walks-past-the-end #3, none -> S4.7 S4.8
      B3 entryByEntry: other-folios-between #4, none -> S4.8
      B4: not to be seen
      B5 tryHugeFolioLock: blocking-huge-lock #2, none -> C1
      B6 everyMapping: half-elsewhere #4, none -> S4.1
      B7 sharedLarge: not to be seen
      B8: not to be seen
      07.2 cutHugeEntry: cut-huge-page #2, none -> outcome"
    `);
  });

  it('in the posting of April 2025', { timeout: 30_000 }, async () => {
    expect(await tableOf('rfc-v2')).toMatchInlineSnapshot(`
      "R1: not to be seen
      R2: not to be seen
      R3 rootAwareSharing: not to be seen
      R4 listUndo: locked-twice #2, relocate-entry 5, then folio-pinned 5 -> S4.8
      R5 swap: absent-entries #2, page 1 of the range is in migration -> S5.2
      R5 swap: absent-entries #2, page 1 of the range is in swap cache -> S4.9
      R6 tryFolioLock: blocking-lock #2, none -> C1
      R7 balancedRmapLocks: unbalanced-unlock #3, none -> S7
      R8: not-exclusive #4, none -> assertion
      R9: not to be seen
      R10 largeSharing: not to be seen
      R11: not to be seen
      A1 pinned: pinned #3, none -> S4.8
      A1 shared: not to be seen
      A2 refusalUncharges: refused #3, none -> S6.3
      A3 undoKeepsAccounts: taken-back #2, anon-vma-chain-alloc 1 -> S6.3
      A4 undoAfterMove: tables-fail #3, move-step 2 -> S4.8
      A5 followSource: merged-with-source #3, none -> S6.3
      A5 keepSourceApart: kept-source #3, none -> S8.1 S6.2
      A6 userfaultLateMerge: watched #7, none -> S5.9
      A7 splitUnlocked: cut-in-the-family #2, none -> outcome
      06.3 fileBacked: dev-zero #2, the range is /dev/zero from page 0 on -> S8.2
      B1 partialLargeFolio: odd-place #3, none -> S4.1 S4.7
      B2 partialLargeFolio: first-page-gone #3, none -> S4.7
      B3 partialLargeFolio: walks-past-the-end #3, none -> S4.7 S4.8
      B3 entryByEntry: other-folios-between #4, none -> S4.8
      B4: not to be seen
      B5 tryHugeFolioLock: blocking-huge-lock #2, none -> C1
      B6 everyMapping: half-elsewhere #4, none -> S4.1
      B7 sharedLarge: not to be seen
      B8: not to be seen
      07.2 cutHugeEntry: cut-huge-page #2, none -> outcome"
    `);
  });

  it('and none of them with everything repaired', async () => {
    const found = findBugs('corrected', { own: await readKnownBugScenarios() });
    // What no repair is about: a warning that means nothing.
    expect(found.map(rowOf).filter((row) => !row.endsWith('not to be seen'))).toEqual([
      'R8: not-exclusive #4, none -> assertion',
    ]);
  });

  it('also in recordings, where they have what it takes', { timeout: 60_000 }, async () => {
    const own = await readKnownBugScenarios();
    const others = await scenariosOf(BUNDLED_SCENARIOS);
    const sightings = findBugs('v1', { own, others }).filter(({ bug }) => bug.repair === 'pinned');
    expect(sightings[0]?.sighting).toMatchObject({ breaks: ['S4.8'], inVariant: true });
    expect(sightings[0]?.sighting?.scenario).not.toContain('known-bugs/');
  });
});

it('every scenario made for a bug is of one that is known', async () => {
  const known = new Set(KNOWN_BUGS.filter(({ unseen }) => unseen === null).map(({ id }) => id));
  const groups = new Set((await readKnownBugScenarios()).map(({ header }) => header.group));
  expect(groups).toEqual(known);
  expect(await readFile(KNOWN_BUG_SCENARIOS, 'utf8')).toMatch(/^\{"format":"mm-scenario\/1"/);
});

/** The first operation after which the two differ. */
function firstDifference(scenario: Scenario, repair: string): string | null {
  const machines = [CORRECTED, { variant: 'corrected', repairs: { [repair]: false } } as const].map((target) => {
    return prepared(scenario, target, 0)!;
  });
  const renaming = new StateRenaming();
  for (const [step, { operation }] of scenario.steps.entries()) {
    const [should, is] = machines.map((machine) => [perform(machine, operation).outcome, machine.capture()] as const);
    const difference = compareResults(should![0], is![0]) ?? compareStates(should![1], is![1], renaming)[0];
    if (difference !== undefined) return `${scenario.header.name} #${step}: ${difference.field}`;
  }
  return null;
}

describe('what is said not to be seen', () => {
  const repairs = KNOWN_BUGS.filter(({ unseen, repair }) => unseen !== null && repair !== null).map(
    ({ repair }) => repair!,
  );

  it.each(repairs)('%s makes no difference to any of the bundled scenarios', { timeout: 60_000 }, async (repair) => {
    const scenarios = await scenariosOf(BUNDLED_SCENARIOS);
    const found = scenarios.map((scenario) => firstDifference(scenario, repair));
    expect(found.filter((difference) => difference !== null)).toEqual([]);
  });
});

it('a circumstance by itself breaks nothing', async () => {
  const [scenario] = await scenariosOf(KNOWN_BUG_SCENARIOS, 'absent-entries', true);
  for (const point of ['in-migration', 'in-swap-cache', 'dev-zero'] as const) {
    for (const n of [1, 2, 8]) {
      expect(tryInjection(scenario!, CORRECTED, { step: 2, point, n }).finding).toBeNull();
    }
  }
  const machine = prepared(scenario!, CORRECTED, 3)!;
  expect(new InvariantChecker(machine.kernel).check()).toEqual([]);
});
