import type { InjectionPoint } from '@vmakit/base';
import { InvariantChecker } from '@vmakit/check';
import type { Variant } from '@vmakit/policy-relocate-anon';
import { type Scenario, compareResults } from '@vmakit/trace';
import { perform } from '../perform.js';
import { type Injection, type InjectionTarget, countPoints, prepared, tryInjection } from './inject-scenario.js';
import { type KnownBug, bugsOf } from './known-bugs.js';

/** A known bug caught in the act. Plain data. */
export interface BugSighting {
  readonly scenario: string;
  /** Index of the operation in the scenario. */
  readonly step: number;
  /** `none`; the point and the time at which it failed; or what was the matter with which page of the range. */
  readonly injection: string;
  /**
   * The invariants of spec 09 that it breaks; `assertion`: one of the series itself; `outcome`: nothing but that the
   * call ends otherwise than it could; `error`: the model cannot go on.
   */
  readonly breaks: readonly string[];
  readonly what: string;
  /** The variant itself, with all its other bugs, breaks the same at the same place. */
  readonly inVariant: boolean;
}

/** A bug of a variant and what shows it; null: nothing did, or nothing can ({@link KnownBug.unseen}). */
export interface BugReport {
  readonly bug: KnownBug;
  readonly sighting: BugSighting | null;
}

/** Where to look, and how hard. */
export interface BugSearch {
  /** Scenarios made for the bugs (`readKnownBugScenarios`): every injection is tried there. */
  readonly own: readonly Scenario[];
  /** Others, looked at first as they are, and with failures only for a bug that shows nowhere else. */
  readonly others?: readonly Scenario[];
  /** Most occurrences of one point that are made to fail in one call, spread evenly. Default 8. */
  readonly maxOccurrences?: number;
}

/**
 * Shows each bug of a variant: looks for a call where relocation with everything repaired but that one thing breaks an
 * invariant which it keeps with everything repaired; first as the scenarios are, then with failures and circumstances
 * in relocating calls.
 *
 * @example
 * for (const { bug, sighting } of findBugs('v1', { own: await readKnownBugScenarios() })) {
 *   console.log(bug.id, sighting?.breaks ?? bug.unseen);
 * }
 */
export function findBugs(variant: Variant, search: BugSearch): BugReport[] {
  const { own, others = [], maxOccurrences = 8 } = search;
  const bugs = bugsOf(variant);
  const remapping = others.filter((scenario) => scenario.steps.some(({ operation }) => operation.op === 'mremap'));
  return bugs.map((bug) => {
    if (bug.unseen !== null) return { bug, sighting: null };
    const hunt = new BugHunt(bug, variant, maxOccurrences);
    // A repair may be about several bugs: then only a scenario made for one of them tells which it is.
    const isOnly = bugs.filter(({ repair }) => repair === bug.repair).length === 1;
    const elsewhere = isOnly ? remapping : [];
    const made = own.filter(({ header }) => header.group === bug.id);
    return { bug, sighting: best(sightings(hunt, elsewhere, made)) };
  });
}

/** The cheap looks first. */
function* sightings(
  hunt: BugHunt,
  others: readonly Scenario[],
  made: readonly Scenario[],
): Generator<BugSighting | null> {
  for (const scenario of others) yield hunt.asItIs(scenario);
  for (const scenario of made) yield hunt.asItIs(scenario);
  for (const scenario of made) yield* hunt.injected(scenario);
  for (const scenario of others) yield* hunt.injected(scenario);
}

/** The first in which the variant itself breaks; where there is none, the first at all. */
function best(sightings: Iterable<BugSighting | null>): BugSighting | null {
  let found: BugSighting | null = null;
  let more = MORE_LOOKS;
  for (const sighting of sightings) {
    if (sighting?.inVariant === true) return sighting;
    found ??= sighting;
    if (found !== null && --more === 0) break;
  }
  return found;
}

/** What makes a walk fail, and what can happen to folios while that is taken back. */
const RACES: readonly (readonly [InjectionPoint, InjectionPoint])[] = [
  ['folio-trylock', 'folio-trylock'],
  ['relocate-entry', 'folio-trylock'],
  ['relocate-entry', 'folio-pinned'],
];
/** Pages of a range for which circumstances are tried, and times of each part of a race. */
const TRIED_PAGES = 2;
/** How long a better sighting is looked for after the first. */
const MORE_LOOKS = 500;
const TRIED_TIMES = 3;

/** The search for one bug. */
class BugHunt {
  readonly #bug: KnownBug;
  readonly #without: InjectionTarget;
  readonly #mended: InjectionTarget;
  readonly #variant: InjectionTarget;
  readonly #maxOccurrences: number;

  constructor(bug: KnownBug, variant: Variant, maxOccurrences: number) {
    this.#bug = bug;
    const off = (names: readonly string[]): InjectionTarget => {
      return { variant: 'corrected', repairs: Object.fromEntries(names.map((name) => [name, false])) };
    };
    this.#without = off(bug.repair === null ? bug.hiddenBy : [bug.repair, ...bug.hiddenBy]);
    this.#mended = off(bug.hiddenBy);
    // A variant that takes locks out of order would not get to anything else.
    this.#variant = { variant, repairs: {} };
    this.#maxOccurrences = maxOccurrences;
  }

  /** What a scenario shows by itself. */
  asItIs(scenario: Scenario): BugSighting | null {
    if (this.#bug.sign === 'assertion') return this.#warnedAbout(scenario);
    if (this.#bug.sign === 'outcome') return this.#endsOtherwise(scenario);
    const step = firstBreaking(scenario, this.#without);
    return step === null ? null : this.#seenAt(scenario, { step, point: 'none', n: 0 });
  }

  /** What shows when something fails inside a relocating call, or is the matter with one of its pages. */
  *injected(scenario: Scenario): Generator<BugSighting | null> {
    if (this.#bug.sign !== 'invariant') return;
    for (let step = 0; step < scenario.steps.length; step++) {
      if (!isRelocating(scenario, step)) continue;
      for (const injection of this.#injections(scenario, step)) yield this.#seenAt(scenario, injection);
    }
  }

  *#injections(scenario: Scenario, step: number): Generator<Injection> {
    const { circumstance } = this.#bug;
    if (circumstance !== null) {
      for (let n = 1; n <= TRIED_PAGES; n++) yield { step, point: circumstance, n };
      return;
    }
    const counts = countPoints(scenario, this.#without, step) ?? new Map<InjectionPoint, number>();
    for (const [point, count] of counts) {
      for (const n of spread(count, this.#maxOccurrences)) yield { step, point, n };
    }
    for (const [point, second] of RACES) {
      for (const n of spread(counts.get(point) ?? 0, TRIED_TIMES)) {
        for (let after = 0; after < TRIED_TIMES; after++)
          yield { step, point, n, race: { point: second, n: n + after } };
      }
    }
  }

  #seenAt(scenario: Scenario, injection: Injection): BugSighting | null {
    const { finding } = tryInjection(scenario, this.#without, injection);
    if (finding === null || finding.plainDefect !== null) return null;
    const mended = this.#breaks(scenario, this.#mended, injection);
    const breaks = finding.breaks.filter((name) => !mended.includes(name));
    if (breaks.length === 0) return null;
    const inVariant = [this.#variant, { ...this.#variant, locks: false }].some((target) => {
      const all = this.#breaks(scenario, target, injection);
      return breaks.some((name) => all.includes(name));
    });
    return {
      scenario: scenario.header.name,
      step: injection.step,
      injection: injectionText(injection),
      breaks,
      what: finding.what.split('\n')[0] ?? '',
      inVariant,
    };
  }

  #breaks(scenario: Scenario, target: InjectionTarget, injection: Injection): readonly string[] {
    return tryInjection(scenario, target, injection).finding?.breaks ?? [];
  }

  /** The first mremap that ends with another result than with the bug mended, and one that the variant gives too. */
  #endsOtherwise(scenario: Scenario): BugSighting | null {
    const last = scenario.steps.findLastIndex((_, step) => isRelocating(scenario, step));
    if (last < 0) return null;
    const targets = [this.#without, this.#mended, { ...this.#variant, locks: false }];
    const machines = targets.map((target) => prepared(scenario, target, 0));
    for (let step = 0; step <= last; step++) {
      const { operation } = scenario.steps[step]!;
      const [is, should, variant] = machines.map((machine) => {
        return machine === null ? null : perform(machine, operation).outcome;
      });
      if (is === null || is === undefined || should === null || should === undefined) return null;
      if (compareResults(should, is) === null) continue;
      const what = `${is.err ?? `page ${String(is.ret)}`} instead of ${should.err ?? `page ${String(should.ret)}`}`;
      const inVariant = variant !== null && variant !== undefined && compareResults(variant, is) === null;
      return { scenario: scenario.header.name, step, injection: 'none', breaks: ['outcome'], what, inVariant };
    }
    return null;
  }

  /** The variant meets what it warns about, and goes on. */
  #warnedAbout(scenario: Scenario): BugSighting | null {
    const machine = prepared(scenario, { ...this.#variant, locks: false }, 0);
    if (machine === null) return null;
    for (const [step, { operation }] of scenario.steps.entries()) {
      const { trace } = perform(machine, operation).outcome;
      const pages = trace?.['notExclusive'] ?? 0;
      if (pages === 0) continue;
      const what = `${pages} pages are not marked exclusive`;
      return {
        scenario: scenario.header.name,
        step,
        injection: 'none',
        breaks: ['assertion'],
        what,
        inVariant: true,
      };
    }
    return null;
  }
}

function isRelocating(scenario: Scenario, step: number): boolean {
  const operation = scenario.steps[step]?.operation;
  if (operation?.op !== 'mremap') return false;
  return operation.flags.includes('RELOCATE_ANON') || operation.flags.includes('MUST_RELOCATE_ANON');
}

/** The first mremap after which something does not hold, in one run; null when everything does. */
function firstBreaking(scenario: Scenario, target: InjectionTarget): number | null {
  const machine = prepared(scenario, target, 0);
  if (machine === null) return null;
  const checker = new InvariantChecker(machine.kernel);
  for (const [step, { operation }] of scenario.steps.entries()) {
    const isRemap = operation.op === 'mremap';
    try {
      const { violations } = perform(machine, operation, isRemap);
      if (violations.length > 0 || (isRemap && checker.check().length > 0)) return step;
    } catch {
      return isRemap ? step : null;
    }
    if (!isRemap) checker.remember();
  }
  return null;
}

/** At most `most` numbers from 1 to `count`, spread evenly, both ends among them. */
function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i + 1);
  return Array.from({ length: most }, (_, i) => 1 + Math.round((i * (count - 1)) / (most - 1)));
}

function injectionText({ point, n, race }: Injection): string {
  switch (point) {
    case 'none':
      return 'none';
    case 'in-migration':
    case 'in-swap-cache':
      return `page ${n} of the range is ${point.replaceAll('-', ' ')}`;
    case 'dev-zero':
      return `the range is /dev/zero from page ${n - 1} on`;
    default:
      return race === undefined ? `${point} ${n}` : `${point} ${n}, then ${race.point} ${race.n}`;
  }
}
