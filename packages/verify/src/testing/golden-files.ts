import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Scenario, readScenarios } from '@vmakit/trace';

/** About a hundred golden scenarios of all kinds, and words of all kinds, that come with the repository. */
export const BUNDLED_SCENARIOS: string = fileURLToPath(
  new URL('../../fixtures/golden-subset.jsonl.gz', import.meta.url),
);
export const BUNDLED_WORDS: string = fileURLToPath(
  new URL('../../fixtures/golden-words-subset.jsonl.gz', import.meta.url),
);

const GOLDEN = fileURLToPath(new URL('../../../../../shared/golden/', import.meta.url));

/** The full set, where `../shared/golden` is beside the repository; else empty. */
export const GOLDEN_FILES: readonly string[] = existsSync(GOLDEN)
  ? readdirSync(GOLDEN)
      .filter((name) => name.endsWith('.jsonl.gz'))
      .map((name) => GOLDEN + name)
  : [];

/** All scenarios of a file, or those whose name contains `filter`. */
export async function scenariosOf(file: string, filter = '', unrecorded = false): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  for await (const scenario of readScenarios(file, { unrecorded })) {
    if (scenario.header.name.includes(filter)) scenarios.push(scenario);
  }
  return scenarios;
}
