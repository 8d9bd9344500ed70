import type { KernelProfile } from '@vmakit/base';
import { type GoldenRecord, type ReadOptions, type Scenario, readGoldenRecords } from '@vmakit/trace';
import { injectScenario } from './inject/inject-scenario.js';
import { type InjectionTotals, addInjections, injectionFailure } from './inject/injection-totals.js';
import type { Failure } from './report.js';
import { retarget } from './retarget.js';
import { runScenario } from './run-scenario.js';
import { verifyWord } from './verify-word.js';

/** What is to be verified, and how. Plain data: it travels to worker threads. */
export interface VerifyRequest {
  readonly file: string;
  /** Check invariants and locks after every operation. */
  readonly check: boolean;
  /** Run on this architecture instead of the recorded one. */
  readonly arch: string | null;
  readonly profile: KernelProfile['name'] | null;
  /** Make every injection point fail, once at a time, instead of comparing; relocation with everything repaired. */
  readonly inject: boolean;
  /** Only scenarios whose name contains this. */
  readonly filter: string | null;
  /** Only every `of`-th record, from the `part`-th (from 0): several workers share a file. */
  readonly part: number;
  readonly of: number;
}

/** A scenario (or word) that failed. Plain data. */
export interface FailureReport extends Failure {
  /** Name of the scenario; of a word, file and line. */
  readonly scenario: string;
  readonly file: string;
  /** Position in the file, to put reports in order. */
  readonly index: number;
}

/** What came of a file, or of a part of it. Plain data. */
export interface VerifyReport {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly operations: number;
  readonly failures: readonly FailureReport[];
  /** Scenarios in which the recorded kernel itself breaks an invariant, by invariant. Only with `check`. */
  readonly knownViolations: Readonly<Record<string, number>>;
  /** Only with `inject`: what was injected, by point, and the defects of the plain kernel that showed. */
  readonly injections: InjectionTotals;
}

/** A request for all of a file, with every choice at its default. */
export function wholeFile(file: string, changes: Partial<VerifyRequest> = {}): VerifyRequest {
  return { file, check: false, arch: null, profile: null, inject: false, filter: null, part: 0, of: 1, ...changes };
}

/**
 * Runs the scenarios of a file, and checks its single words.
 *
 * @throws ScenarioFormatError when the file is not what it should be
 */
export async function verifyFile(request: VerifyRequest, read: ReadOptions = {}): Promise<VerifyReport> {
  const tally = new Tally(request);
  let index = 0;
  for await (const record of readGoldenRecords(request.file, read)) {
    if (index++ % request.of === request.part) tally.take(record, index);
  }
  return tally.report();
}

class Tally {
  readonly #request: VerifyRequest;
  readonly #failures: FailureReport[] = [];
  readonly #known: Record<string, number> = {};
  readonly #injections: InjectionTotals = { byPoint: {}, plainDefects: {} };
  #passed = 0;
  #operations = 0;

  constructor(request: VerifyRequest) {
    this.#request = request;
  }

  report(): VerifyReport {
    return {
      file: this.#request.file,
      passed: this.#passed,
      failed: this.#failures.length,
      operations: this.#operations,
      failures: this.#failures,
      knownViolations: this.#known,
      injections: this.#injections,
    };
  }

  take(record: GoldenRecord, index: number): void {
    const { filter } = this.#request;
    if (record.kind === 'word') {
      if (filter === null && !this.#request.inject) this.#takeWord(record, index);
    } else if (filter === null || record.scenario.header.name.includes(filter)) {
      this.#takeScenario(record, index);
    }
  }

  #takeWord({ word }: GoldenRecord & { readonly kind: 'word' }, index: number): void {
    const difference = verifyWord(word);
    if (difference === null) {
      this.#passed++;
      return;
    }
    this.#failures.push({
      scenario: `${word.file}:${word.line}`,
      file: word.file,
      index,
      kind: 'word',
      step: 0,
      line: word.line,
      operation: null,
      differences: [difference],
      violations: [],
      expected: null,
      actual: null,
      before: null,
    });
  }

  #takeScenario({ scenario }: GoldenRecord & { readonly kind: 'scenario' }, index: number): void {
    const { check, arch, profile, inject } = this.#request;
    const target = arch === null ? scenario : retarget(scenario, arch);
    if (inject) {
      this.#inject(target, index);
      return;
    }
    const { failure, operations, knownViolations } = runScenario(target, {
      check,
      ...(profile === null ? {} : { profile }),
    });
    this.#operations += operations;
    for (const invariant of knownViolations) this.#known[invariant] = (this.#known[invariant] ?? 0) + 1;
    if (failure === null) this.#passed++;
    else this.#failures.push({ ...failure, scenario: scenario.header.name, file: scenario.file, index });
  }

  /** Every injection counts as one that passed or failed. */
  #inject(scenario: Scenario, index: number): void {
    const { injections, byPoint, findings } = injectScenario(scenario);
    addInjections(this.#injections, byPoint, findings);
    const failures = findings.filter(({ plainDefect }) => plainDefect === null);
    this.#passed += injections - failures.length;
    for (const finding of failures) this.#failures.push(injectionFailure(scenario, finding, index));
  }
}
