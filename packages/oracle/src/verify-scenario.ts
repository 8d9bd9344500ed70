import type { Operation, Scenario } from '@vmakit/trace';
import type { ProgramResult } from './compare/compare-recording.js';
import { THOROUGH } from './compare/want.js';
import { ARENA_PAGES, ARENA_START, MAX_FILES, MAX_OPERATIONS, MAX_PROCESSES } from './driver/protocol.js';
import type { LiveKernel } from './live-kernel.js';
import { makeScenario, recordLive } from './record.js';
import { recordingToLines } from './recording-file.js';

/** What became of one scenario on the live kernel. */
export type ScenarioResult =
  | ({ readonly kind: 'run' } & ProgramResult)
  /** It cannot be performed on this machine, and why. */
  | { readonly kind: 'skipped'; readonly why: string };

/**
 * Performs the operations of a scenario on the live kernel and on its model, and compares result and visible state
 * after each. What was recorded elsewhere plays no part.
 */
export async function verifyScenario(
  live: LiveKernel,
  scenario: Pick<Scenario, 'header' | 'steps'>,
): Promise<ScenarioResult> {
  const why = unfit(live, scenario);
  if (why !== null) return { kind: 'skipped', why };
  const operations = scenario.steps.map((step) => step.operation);
  return { kind: 'run', ...(await live.differential.run(operations, THOROUGH)) };
}

/** The text of a scenario file with the scenario as the live kernel did it, and the recording in its header. */
export async function recordScenario(live: LiveKernel, scenario: Pick<Scenario, 'header' | 'steps'>): Promise<string> {
  const { steps, recording } = await recordLive(
    live,
    scenario.steps.map((step) => step.operation),
  );
  const { name, about, seed } = scenario.header;
  const { header } = live.model;
  const recorded = makeScenario(header, steps, { name, about, seed, kernel: header.kernel, recorder: 'basic' });
  const { zeroFrame } = live.driver.greeting;
  const { settings } = live;
  return recordingToLines(recorded, { settings, pageSize: header.pageSize, zeroFrame, recording })
    .map((line) => `${line}\n`)
    .join('');
}

function unfit(live: LiveKernel, scenario: Pick<Scenario, 'header' | 'steps'>): string | null {
  const { header, steps } = scenario;
  const own = live.model.header;
  if (header.pageSize !== own.pageSize) return `its pages have ${header.pageSize} bytes, those here ${own.pageSize}`;
  if (header.pagesScaled !== 1) return 'its page numbers are scaled for another machine';
  if (header.arena.start !== BigInt(ARENA_START) || header.arena.pages > ARENA_PAGES) {
    return 'its window is not where programs run here';
  }
  if (steps.length > MAX_OPERATIONS) return `it has more than ${MAX_OPERATIONS} operations`;
  const most = Math.max(...steps.map((step) => highestNumber(step.operation)));
  return most >= Math.min(MAX_PROCESSES, MAX_FILES) ? 'it has too many processes or files' : null;
}

function highestNumber(operation: Operation): number {
  if (operation.op === 'fork') return operation.child;
  return operation.op === 'memfd' ? operation.fd : operation.p;
}
