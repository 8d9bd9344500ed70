import { REPAIRS, REPAIR_NAMES, type Repair, VARIANTS, type Variant } from '@vmakit/policy-relocate-anon';
import { type Scenario, StateRenaming, compareResults, compareStates } from '@vmakit/trace';
import {
  CORRECTED,
  type Injection,
  type InjectionFinding,
  type InjectionTarget,
  countPoints,
  prepared,
  tryInjection,
} from './inject-scenario.js';
import { perform } from '../perform.js';

/** A known bug of the relocation series, caught in the act. Plain data. */
export interface BugSighting {
  /** Id in spec 06 section 6 or spec 07 section 4, as the table of repairs has it. */
  readonly bug: string;
  /** The repair without which it shows. */
  readonly repair: Repair;
  readonly scenario: string;
  /** Index of the operation in the scenario. */
  readonly step: number;
  /** `none`, or the point and the time at which it failed. */
  readonly injection: string;
  /**
   * The invariants that it breaks; `error`: the model's own assertions, lock order among them; `result` or `state`:
   * what a failed call may not leave; `differs`: nothing but that the call ends otherwise than it should.
   */
  readonly breaks: readonly string[];
  readonly what: string;
  /** Whether the variant itself breaks at the same place, with all its other bugs. */
  readonly inVariant: boolean;
}

/** The bugs that a variant has: the repairs that it lacks, with the id of the bug that each mends. */
export function bugsOf(variant: Variant): ReadonlyMap<Repair, string> {
  const repairs = VARIANTS[variant];
  const missing = REPAIR_NAMES.filter((repair) => !repairs[repair]);
  return new Map(missing.map((repair) => [repair, REPAIRS[repair].bug]));
}

/**
 * Shows each bug of a variant: looks through scenarios for one where relocation with everything repaired but that bug
 * breaks something, first as they are, then with failures injected into relocating calls. Bugs that break no invariant
 * are shown by a call that ends otherwise than it should. A bug that shows nowhere has no sighting.
 */
export function findBugs(scenarios: readonly Scenario[], variant: Variant): Map<Repair, BugSighting> {
  const sightings = new Map<Repair, BugSighting>();
  for (const repair of bugsOf(variant).keys()) {
    const without: InjectionTarget = { variant: 'corrected', repairs: { [repair]: false } };
    const found =
      first(scenarios, (scenario) => plainFinding(scenario, without)) ??
      first(scenarios, (scenario) => injectedFinding(scenario, without)) ??
      first(scenarios, (scenario) => deviation(scenario, without));
    if (found !== null) sightings.set(repair, sighting(found.scenario, found.value, repair, variant));
  }
  return sightings;
}

function first<T>(
  scenarios: readonly Scenario[],
  look: (scenario: Scenario) => T | null,
): { readonly scenario: Scenario; readonly value: T } | null {
  for (const scenario of scenarios) {
    const value = look(scenario);
    if (value !== null) return { scenario, value };
  }
  return null;
}

function sighting(scenario: Scenario, finding: Sight, repair: Repair, variant: Variant): BugSighting {
  const { step, point, n, breaks, what } = finding;
  const inVariant = tryInjection(scenario, { variant, repairs: {} }, { step, point, n }).finding !== null;
  return {
    bug: REPAIRS[repair].bug,
    repair,
    scenario: scenario.header.name,
    step,
    injection: point === 'none' ? 'none' : `${point} ${n}`,
    breaks,
    what: what.split('\n')[0] ?? '',
    inVariant,
  };
}

type Sight = Injection & Pick<InjectionFinding, 'breaks' | 'what'>;

function isRelocating(scenario: Scenario, step: number): boolean {
  const operation = scenario.steps[step]?.operation;
  if (operation?.op !== 'mremap') return false;
  return operation.flags.includes('RELOCATE_ANON') || operation.flags.includes('MUST_RELOCATE_ANON');
}

/** What breaks without any failure; nothing when everything repaired breaks there as well. */
function plainFinding(scenario: Scenario, target: InjectionTarget): Sight | null {
  for (let step = 0; step < scenario.steps.length; step++) {
    if (!isRelocating(scenario, step)) continue;
    const { finding } = tryInjection(scenario, target, { step, point: 'none', n: 0 });
    if (finding !== null) return finding;
  }
  return null;
}

function injectedFinding(scenario: Scenario, target: InjectionTarget): Sight | null {
  for (let step = 0; step < scenario.steps.length; step++) {
    if (!isRelocating(scenario, step)) continue;
    for (const [point, count] of countPoints(scenario, target, step) ?? []) {
      for (let n = 1; n <= count; n++) {
        const { finding } = tryInjection(scenario, target, { step, point, n });
        if (finding === null || finding.plainDefect !== null) continue;
        const repaired = tryInjection(scenario, CORRECTED, { step, point, n }).finding;
        if (repaired === null || repaired.plainDefect !== null) return finding;
      }
    }
  }
  return null;
}

/** The first relocating call that ends otherwise than with everything repaired. */
function deviation(scenario: Scenario, target: InjectionTarget): Sight | null {
  const last = scenario.steps.findLastIndex((_, step) => isRelocating(scenario, step));
  if (last < 0) return null;
  const machine = prepared(scenario, target, 0);
  const repaired = prepared(scenario, CORRECTED, 0);
  if (machine === null || repaired === null) return null;
  const renaming = new StateRenaming();
  for (let step = 0; step <= last; step++) {
    const { operation } = scenario.steps[step]!;
    const is = perform(machine, operation);
    const should = perform(repaired, operation);
    const result = compareResults(should.outcome, is.outcome);
    const difference = result ?? compareStates(repaired.capture(), machine.capture(), renaming)[0];
    if (difference === undefined) continue;
    const [has, wants] = [JSON.stringify(difference.actual), JSON.stringify(difference.expected)];
    const what = `${difference.field}: ${has} instead of ${wants}`;
    return { step, point: 'none', n: 0, breaks: ['differs'], what };
  }
  return null;
}
