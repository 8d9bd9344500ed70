import type { Scenario } from '@vmakit/trace';
import { describe, expect, it } from 'vitest';
import { BUNDLED_SCENARIOS, GOLDEN_FILES, scenariosOf } from '../testing/golden-files.js';
import { injectScenario } from './inject-scenario.js';

/** What breaks beyond what the plain kernel breaks too, in a few words. */
function findingsOf(scenario: Scenario): string[] {
  return injectScenario(scenario)
    .findings.filter(({ plainDefect }) => plainDefect === null)
    .map(
      ({ step, point, n, breaks, what }) =>
        `${scenario.header.name} #${step} ${point} ${n}: ${breaks.join(' ')} ${what}`,
    );
}

/** Random scenarios touch thousands of pages, each an occurrence that the whole scenario is run again for. */
function isCurated({ header }: Scenario): boolean {
  return header.seed === null;
}

describe('every injection point, failing once at every occurrence', () => {
  it('leaves a possible kernel, in the bundled curated scenarios', { timeout: 120_000 }, async () => {
    const scenarios = (await scenariosOf(BUNDLED_SCENARIOS)).filter(isCurated);
    expect(scenarios.length).toBeGreaterThan(30);
    const findings = scenarios.flatMap(findingsOf);
    expect(findings).toEqual([]);
  });

  const curated = GOLDEN_FILES.filter((file) => file.endsWith('/curated.jsonl.gz'));
  it.skipIf(curated.length === 0)(
    'leaves a possible kernel, in every curated scenario (skipped: no ../shared/golden)',
    { timeout: 300_000 },
    async () => {
      const findings = (await scenariosOf(curated[0]!)).flatMap(findingsOf);
      expect(findings).toEqual([]);
    },
  );
});
