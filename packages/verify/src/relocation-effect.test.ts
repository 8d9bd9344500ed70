import { largeFolio } from '@vmakit/policy-large-folio';
import { relocateAnon } from '@vmakit/policy-relocate-anon';
import type { Scenario } from '@vmakit/trace';
import { describe, expect, it } from 'vitest';
import { readKnownBugScenarios } from './inject/known-bugs.js';
import { relocationEffects } from './relocation-effect.js';
import { BUNDLED_SCENARIOS, GOLDEN_FILES, scenariosOf } from './testing/golden-files.js';

const CORRECTED = [relocateAnon(), largeFolio()];

/** What differs between each relocating call and the same without relocation, in a few words. */
function effectsOf(scenarios: readonly Scenario[], policies?: typeof CORRECTED): string[] {
  const options = policies === undefined ? {} : { policies };
  return scenarios.flatMap((scenario) =>
    relocationEffects(scenario, options).map(({ invariant, objects, operation }) => {
      return `${invariant} ${operation}: ${Object.values(objects).join(' | ')}`;
    }),
  );
}

describe('a relocating call, but for offsets, anon_vmas and where mappings are cut, does what it does without', () => {
  it('in the bundled recordings', { timeout: 60_000 }, async () => {
    const scenarios = await scenariosOf(BUNDLED_SCENARIOS);
    expect(effectsOf(scenarios, CORRECTED)).toEqual([]);
    expect(effectsOf(scenarios)).toEqual([]);
  });

  it('in the scenarios made for bugs, with everything repaired', async () => {
    expect(effectsOf(await readKnownBugScenarios(), CORRECTED)).toEqual([]);
  });

  const curated = GOLDEN_FILES.filter((file) => file.endsWith('/curated.jsonl.gz'));
  it.skipIf(curated.length === 0)(
    'in every curated recording (skipped: no ../shared/golden)',
    { timeout: 120_000 },
    async () => {
      expect(effectsOf(await scenariosOf(curated[0]!), CORRECTED)).toEqual([]);
    },
  );
});

it('the series as posted changes what programs find', async () => {
  const own = await readKnownBugScenarios();
  const effects = effectsOf(own, [relocateAnon({ variant: 'v1' }), largeFolio()]);
  expect(effects.join('\n')).toMatchInlineSnapshot(`
    "S8.8 operation 47 of known-bugs/merged-with-source: committed | 24 | 28
    S8.8 operation 52 of known-bugs/kept-source: process 0, page 24 | 1048691 1 | 1056883 1
    S8.8 operation 52 of known-bugs/kept-source: process 0, page 25 | 1048691 1 | 1056883 1
    S8.8 operation 52 of known-bugs/kept-source: process 0, page 26 | 1048691 1 | 1056883 1
    S8.8 operation 61 of known-bugs/watched: process 0, page 56 | 1048691 1 | 1052787 registered 1
    S8.8 operation 61 of known-bugs/watched: process 0, page 57 | 1048691 1 | 1052787 registered 1
    S8.8 operation 61 of known-bugs/watched: process 0, page 58 | 1048691 1 | 1052787 registered 1"
  `);
});
