import type { FaultInjector, InjectionPoint } from '@vmakit/base';
import { CountingInjector, FailNth, InvariantChecker, type Violation } from '@vmakit/check';
import { LockError, LockValidator } from '@vmakit/locking';
import { PolicyError } from '@vmakit/mremap';
import { largeFolio } from '@vmakit/policy-large-folio';
import { type RepairSet, type Variant, relocateAnon } from '@vmakit/policy-relocate-anon';
import type { Operation, Scenario, ScenarioState } from '@vmakit/trace';
import { ScenarioMachine } from '../machine.js';
import { type Performed, perform } from '../perform.js';
import { forbiddenChange, mayFailWith } from './allowed.js';
import { type Circumstance, bringAbout, isCircumstance } from './circumstances.js';
import { type PlainDefect, plainDefectOf } from './plain-defects.js';

/** One failure made to happen. `n` 0: none, the operation as it is. */
export interface Injection {
  /** Index of the operation in its scenario. */
  readonly step: number;
  readonly point: InjectionPoint | Circumstance | 'none';
  /** The `n`-th time that the point is reached in that operation; of a circumstance, the `n`-th page of the range. */
  readonly n: number;
  /** A point that fails as well, the `n`-th time that it is reached: something happens while a failure is undone. */
  readonly race?: { readonly point: InjectionPoint; readonly n: number };
}

/** Something that does not hold after an injected failure. */
export interface InjectionFinding extends Injection {
  readonly operation: Operation;
  /** The operation came to a good end all the same. */
  readonly succeeded: boolean;
  /** Numbers of broken invariants (`S6.3`), `result`, `state`, or `error`. */
  readonly breaks: readonly string[];
  readonly what: string;
  /** The plain kernel breaks the same. */
  readonly plainDefect: PlainDefect | null;
}

/** What came of injecting failures into a scenario. */
export interface InjectionReport {
  readonly injections: number;
  /** How the operations ended, by point: failed, or went on in another way. */
  readonly byPoint: Readonly<Record<string, { readonly failed: number; readonly succeeded: number }>>;
  readonly findings: readonly InjectionFinding[];
}

/** The relocation that is running while failures are injected. */
export interface InjectionTarget {
  readonly variant: Variant;
  readonly repairs: Partial<RepairSet>;
  /** False: locks are not looked at, so that one taken out of order does not end everything. Default true. */
  readonly locks?: boolean;
}

/** Relocation with everything repaired. */
export const CORRECTED: InjectionTarget = { variant: 'corrected', repairs: {} };

/**
 * Makes every injection point fail once, at every time that it is reached, in every operation of a scenario; the
 * operations before it go as they go. After each, the invariants must hold, the result must be one that the spec
 * allows, and a call that failed must have left what the kernel leaves.
 */
export function injectScenario(scenario: Scenario, target: InjectionTarget = CORRECTED): InjectionReport {
  const byPoint: Record<string, { failed: number; succeeded: number }> = {};
  const findings: InjectionFinding[] = [];
  let injections = 0;
  for (let step = 0; step < scenario.steps.length; step++) {
    const counts = countPoints(scenario, target, step);
    if (counts === null) break;
    for (const [point, count] of counts) {
      for (let n = 1; n <= count; n++) {
        const trial = tryInjection(scenario, target, { step, point, n });
        const tally = (byPoint[point] ??= { failed: 0, succeeded: 0 });
        if (trial.failed) tally.failed++;
        else tally.succeeded++;
        injections++;
        if (trial.finding !== null) findings.push(trial.finding);
      }
    }
  }
  return { injections, byPoint, findings };
}

/** What came of one injection. */
export interface Trial {
  /** The operation failed. */
  readonly failed: boolean;
  readonly finding: InjectionFinding | null;
}

/** Runs a scenario up to an operation, makes that one fail inside, and looks at what is left. */
export function tryInjection(scenario: Scenario, target: InjectionTarget, injection: Injection): Trial {
  return new InjectionTrial(scenario, target, injection).run();
}

class InjectionTrial {
  readonly #scenario: Scenario;
  readonly #target: InjectionTarget;
  readonly #injection: Injection;
  readonly #operation: Operation;
  #after: ScenarioState | null = null;

  constructor(scenario: Scenario, target: InjectionTarget, injection: Injection) {
    this.#scenario = scenario;
    this.#target = target;
    this.#injection = injection;
    this.#operation = scenario.steps[injection.step]!.operation;
  }

  run(): Trial {
    const { step, point, n } = this.#injection;
    const machine = prepared(this.#scenario, this.#target, step);
    if (machine === null) return this.#found(false, ['error'], 'the operations before it break the model');
    const checker = new InvariantChecker(machine.kernel);
    const brokenBefore = this.#brokenBefore(checker);
    const before = machine.capture();
    const outside = isCircumstance(point) ? bringAbout(machine, this.#operation, point, n) : null;
    if (isCircumstance(point) && outside === null) return { failed: false, finding: null };
    const injector = injectorFor(this.#injection);
    let performed: Performed;
    let violations: Violation[];
    try {
      performed = withInjector(machine, injector, () => perform(machine, this.#operation, true));
      outside?.();
      this.#after = machine.capture();
      const found = checker.check(`${this.#operation.op} with ${point} ${n}`);
      violations = [...performed.violations, ...found.filter(({ invariant }) => !brokenBefore.has(invariant))];
    } catch (error) {
      return this.#threw(error);
    }
    if (violations.length > 0) return this.#broken(performed.outcome.err === null, violations);
    return this.#judge(performed, machine, before, this.#after);
  }

  /** An assertion of the model, or a rule of locks. */
  #threw(error: unknown): Trial {
    const cause = error instanceof PolicyError ? error.cause : error;
    if (cause instanceof LockError) return this.#found(false, [cause.invariant], cause.message);
    return this.#found(false, ['error'], error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** What earlier operations broke: with everything repaired nothing, and that is not looked for again and again. */
  #brokenBefore(checker: InvariantChecker): ReadonlySet<string> {
    if (this.#target !== CORRECTED) return new Set(checker.check().map(({ invariant }) => invariant));
    checker.remember();
    return new Set();
  }

  #broken(succeeded: boolean, violations: readonly Violation[]): Trial {
    const [first] = violations;
    const objects = Object.entries(first?.objects ?? {}).map(([name, value]) => `${name} ${value}`);
    const breaks = [...new Set(violations.map(({ invariant }) => invariant))];
    return this.#found(succeeded, breaks, `${first?.what ?? ''} (${objects.join(', ')})`);
  }

  /** The invariants hold: is the result allowed, and what is left of a failed call? */
  #judge(performed: Performed, machine: ScenarioMachine, before: ScenarioState, after: ScenarioState): Trial {
    const { err } = performed.outcome;
    const { step, point } = this.#injection;
    if (err === null || point === 'none' || isCircumstance(point)) return { failed: err !== null, finding: null };
    // An error that the operation gives anyhow says nothing about the injection.
    const usual = this.#scenario.steps[step]!.outcome?.err;
    if (err !== usual && !mayFailWith(this.#operation, point, err)) {
      return this.#found(false, ['result'], `${err} (${performed.refusal?.rule ?? ''})`);
    }
    const change = forbiddenChange(this.#operation, machine.arena, before, after);
    return change === null ? { failed: true, finding: null } : this.#found(false, ['state'], change);
  }

  #found(succeeded: boolean, breaks: readonly string[], what: string): Trial {
    const finding = { ...this.#injection, operation: this.#operation, succeeded, breaks, what, plainDefect: null };
    const plainDefect = plainDefectOf(finding, this.#after);
    return { failed: !succeeded, finding: { ...finding, plainDefect } };
  }
}

/** How often each point is reached in an operation; `null` when the scenario cannot be run up to there. */
export function countPoints(
  scenario: Scenario,
  target: InjectionTarget,
  step: number,
): ReadonlyMap<InjectionPoint, number> | null {
  const machine = prepared(scenario, target, step);
  if (machine === null) return null;
  const counting = new CountingInjector();
  try {
    withInjector(machine, counting, () => perform(machine, scenario.steps[step]!.operation));
  } catch {
    return null;
  }
  return counting.counts;
}

/** A machine on which the operations before `step` have been done; `null` when one of them breaks the model. */
export function prepared(scenario: Scenario, target: InjectionTarget, step: number): ScenarioMachine | null {
  const policies = [relocateAnon(target), largeFolio()];
  const locks = target.locks === false ? {} : { locks: new LockValidator() };
  const machine = new ScenarioMachine(scenario, { policies, ...locks });
  try {
    for (let i = 0; i < step; i++) perform(machine, scenario.steps[i]!.operation);
  } catch {
    return null;
  }
  return machine;
}

function injectorFor({ point, n, race }: Injection): FaultInjector | null {
  if (point === 'none' || isCircumstance(point)) return null;
  const first = new FailNth(point, n);
  return race === undefined ? first : new EitherInjector(first, new FailNth(race.point, race.n));
}

/** Runs with `injector` beside the failures that the scenario itself has armed. */
function withInjector<T>(machine: ScenarioMachine, injector: FaultInjector | null, run: () => T): T {
  const { env } = machine.kernel;
  const { injector: armed } = env;
  env.injector = injector === null || armed === null ? (injector ?? armed) : new EitherInjector(armed, injector);
  try {
    return run();
  } finally {
    env.injector = armed;
  }
}

/** Fails when one of two does; both are told of every time that a point is reached. */
class EitherInjector implements FaultInjector {
  readonly #first: FaultInjector;
  readonly #second: FaultInjector;

  constructor(first: FaultInjector, second: FaultInjector) {
    this.#first = first;
    this.#second = second;
  }

  fails(point: InjectionPoint): boolean {
    const first = this.#first.fails(point);
    return this.#second.fails(point) || first;
  }
}
