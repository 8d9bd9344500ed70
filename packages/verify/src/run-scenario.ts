import { InvariantError } from '@vmakit/base';
import { InvariantChecker, type Violation } from '@vmakit/check';
import { LockValidator } from '@vmakit/locking';
import { PolicyError } from '@vmakit/mremap';
import {
  type Scenario,
  type ScenarioState,
  type ScenarioStep,
  INITIAL_STATE,
  type StateDifference,
  StateRenaming,
  compareResults,
  compareStates,
  compareTraces,
} from '@vmakit/trace';
import { compareWords } from './compare-words.js';
import { type MachineOptions, ScenarioMachine } from './machine.js';
import { type Performed, perform } from './perform.js';
import type { Failure, ScenarioReport, StepDifference } from './report.js';
import { RecordedDefects } from './recorded-defects.js';
import { ruleFor } from './rules.js';

/** How a scenario is run. */
export interface RunOptions extends MachineOptions {
  /** Check the invariants of spec 09 after every operation, and every lock that is taken. */
  readonly check?: boolean;
  /** Called after every operation, with the machine as it is then. */
  readonly onStep?: (machine: ScenarioMachine, step: ScenarioStep, performed: Performed) => void;
}

/**
 * Runs a recorded scenario on the model and compares result, trace counts and complete state after each operation, up
 * to the first difference.
 *
 * @example
 * for await (const scenario of readScenarios('curated.jsonl.gz')) {
 *   const { failure } = runScenario(scenario, { check: true });
 * }
 */
export function runScenario(scenario: Scenario, options: RunOptions = {}): ScenarioReport {
  const run = new ScenarioRun(scenario, options);
  let failure: Failure | null = null;
  for (let step = 0; step < scenario.steps.length && failure === null; step++) failure = run.step(step);
  return {
    scenario: scenario.header.name,
    file: scenario.file,
    line: scenario.line,
    operations: scenario.steps.length,
    failure,
    knownViolations: [...run.knownViolations],
  };
}

class ScenarioRun {
  readonly knownViolations = new Set<string>();
  readonly #scenario: Scenario;
  readonly #options: RunOptions;
  readonly #machine: ScenarioMachine;
  readonly #checker: InvariantChecker | null;
  readonly #renaming = new StateRenaming();
  readonly #defects: RecordedDefects;
  #before: ScenarioState = INITIAL_STATE;

  constructor(scenario: Scenario, options: RunOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#defects = new RecordedDefects(scenario.header);
    const check = options.check ?? false;
    const locks = check && options.locks === undefined ? { locks: new LockValidator() } : {};
    this.#machine = new ScenarioMachine(scenario, { ...options, ...locks });
    this.#checker = check ? new InvariantChecker(this.#machine.kernel) : null;
  }

  /** Does one operation; gives what went wrong with it. */
  step(index: number): Failure | null {
    const step = this.#scenario.steps[index] as ScenarioStep;
    let performed: Performed;
    let state: ScenarioState;
    let violations: Violation[];
    try {
      performed = perform(this.#machine, step.operation, this.#checker !== null);
      state = this.#machine.capture();
      this.#defects.see(performed.outcome.trace);
      violations = [...performed.violations, ...this.#violations(step)];
    } catch (error) {
      return this.#broken(index, step, error);
    }
    this.#options.onStep?.(this.#machine, step, performed);
    const differences = this.#compare(step, performed, state);
    if (differences.length === 0 && violations.length === 0) {
      this.#before = state;
      return null;
    }
    return {
      ...this.#place(index, step),
      kind: differences.length > 0 ? 'difference' : 'violation',
      differences,
      violations,
      actual: { outcome: performed.outcome, state },
    };
  }

  #place(index: number, step: ScenarioStep): Pick<Failure, 'step' | 'line' | 'operation' | 'expected' | 'before'> {
    const { outcome, state } = step;
    const expected = outcome === null || state === null ? null : { outcome, state };
    return { step: index, line: step.line, operation: step.operation, expected, before: this.#before };
  }

  /** The model broke down: an assertion of its own, or something that it does not know. */
  #broken(index: number, step: ScenarioStep, error: unknown): Failure {
    const what = error instanceof Error ? error : new Error(String(error));
    const inside = what instanceof InvariantError || what instanceof PolicyError ? what.name : 'error';
    const difference: StepDifference = {
      field: inside,
      where: 'the model',
      expected: 'the operation comes to an end',
      actual: what.stack ?? what.message,
      process: step.operation.p,
      page: null,
      rule: ruleFor('', step.operation.op),
    };
    return { ...this.#place(index, step), kind: 'error', differences: [difference], violations: [], actual: null };
  }

  #compare(step: ScenarioStep, performed: Performed, state: ScenarioState): StepDifference[] {
    const { operation } = step;
    const found: StateDifference[] = [];
    if (step.outcome !== null) {
      const result = compareResults(step.outcome, performed.outcome);
      if (result !== null) found.push(withRefusal(result, performed));
      const { words } = step.outcome;
      if (words !== null) {
        const { arch } = this.#machine.kernel.env;
        const word = compareWords(arch, operation.p, words, performed.outcome.words ?? []);
        if (word !== null) found.push(word);
      }
    }
    if (step.state !== null) {
      const nullIsUnknown = this.#scenario.header.recorder === 'basic';
      found.push(...compareStates(step.state, state, this.#renaming, { nullIsUnknown }));
    }
    const trace = step.outcome === null ? null : compareTraces(step.outcome.trace, performed.outcome.trace);
    if (trace !== null) found.push(trace);
    return found.map((difference) => ({ ...difference, rule: ruleFor(difference.field, operation.op) }));
  }

  /** Broken invariants, less those that the recorded kernel breaks as well. */
  #violations(step: ScenarioStep): Violation[] {
    if (this.#checker === null) return [];
    const { op, p } = step.operation;
    const found = this.#checker.check(`operation ${step.line} (${op} by process ${p})`);
    return found.filter((violation) => {
      if (!this.#defects.excuses(violation.invariant)) return true;
      this.knownViolations.add(violation.invariant);
      return false;
    });
  }
}

/** Says which rule of the model refused, when it did. */
function withRefusal(difference: StateDifference, performed: Performed): StateDifference {
  const { refusal } = performed;
  if (refusal === null) return difference;
  const numbers = Object.entries(refusal.numbers ?? {}).map(([name, value]) => `${name} ${value}`);
  const why = numbers.length === 0 ? refusal.rule : `${refusal.rule}: ${numbers.join(', ')}`;
  return { ...difference, actual: `${String(difference.actual)} (${why})` };
}
