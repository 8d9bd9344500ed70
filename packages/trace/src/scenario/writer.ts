import { amountToJson } from './amount.js';
import type { Operation } from './operation.js';
import { type Outcome, SCENARIO_FORMAT, type Scenario, type ScenarioHeader, type ScenarioStep } from './scenario.js';
import { type ScenarioState, compressState } from './state.js';

/** Lines of JSON (without line ends) that make up the scenario: header first, then its operations. */
export function scenarioToLines(scenario: Pick<Scenario, 'header' | 'steps'>): string[] {
  const lines = [JSON.stringify(headerToJson(scenario.header))];
  let previous: ScenarioState | null = null;
  for (const step of scenario.steps) {
    lines.push(JSON.stringify(stepToJson(step, previous)));
    previous = step.state ?? previous;
  }
  return lines;
}

/** The header as FORMAT.md has it; what is at its default there is left out. */
export function headerToJson(header: ScenarioHeader): Record<string, unknown> {
  return withoutUndefined({
    format: SCENARIO_FORMAT,
    name: header.name,
    group: header.group,
    about: header.about,
    seed: header.seed ?? undefined,
    thp: { enabled: header.thp.enabled, ...Object.fromEntries(header.thp.sizes) },
    repairs: header.repairs,
    injected: header.injected || undefined,
    inconsistent: header.inconsistent ?? undefined,
    kernel: header.kernel,
    arch: header.arch,
    pageSize: header.pageSize,
    pmdPages: header.pmdPages === 512 ? undefined : header.pmdPages,
    pagesScaled: header.pagesScaled === 1 ? undefined : header.pagesScaled,
    levels: header.levels ?? undefined,
    arena: { start: `0x${header.arena.start.toString(16)}`, pages: header.arena.pages },
    recorder: header.recorder,
  });
}

function stepToJson(step: ScenarioStep, previous: ScenarioState | null): Record<string, unknown> {
  const state = step.state === null ? {} : { state: compressState(previous, step.state) };
  return { ...operationToJson(step.operation), ...outcomeToJson(step.outcome), ...state };
}

/** The defaults of golden/FORMAT.md "Operations": fields with these values need not be written. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  off: 0,
  onfault: false,
  write: true,
  stride: 1,
  value: 1,
  events: false,
  features: 0,
  protect: true,
};

/** The operation part of a line, defaults left out. */
export function operationToJson(operation: Operation): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(operation)) {
    if (value === null || value === DEFAULTS[key]) continue;
    const isAmount = typeof value === 'object' && ('bytes' in value || 'raw' in value);
    line[key] = isAmount ? amountToJson(value as Parameters<typeof amountToJson>[0]) : value;
  }
  return line;
}

/** The result part of a line. */
export function outcomeToJson(outcome: Outcome | null): Record<string, unknown> {
  if (outcome === null) return {};
  const { ret, err, at, trace, words } = outcome;
  return withoutUndefined({
    ret: typeof ret === 'bigint' ? `0x${ret.toString(16)}` : (ret ?? undefined),
    err: err ?? undefined,
    at: at ?? undefined,
    trace: trace === null || Object.keys(trace).length === 0 ? undefined : trace,
    words: words ?? undefined,
  });
}

function withoutUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
