import type { Operation } from '@vmakit/trace';
import type { ScenarioMachine } from '@vmakit/verify';
import type { Difference, ProgramResult } from '../compare/compare-recording.js';
import type { Differential } from '../compare/differential.js';
import type { ProgramPlan } from '../compare/program-plan.js';
import { FAST, THOROUGH } from '../compare/want.js';
import type { ProgramRecording } from '../driver/live-driver.js';
import type { OmissionRule } from '../driver/omission.js';
import { RecordReader } from '../driver/record-reader.js';
import { type GeneratedProgram, ProgramGenerator } from '../program/generator.js';
import { shrink } from '../program/shrink.js';
import { Coverage } from './coverage.js';
import { DistinctStates } from './distinct-states.js';

export interface CampaignOptions {
  readonly differential: Differential;
  readonly seed: number;
  /** Stop after so many seconds, or so many operations, whichever comes first. */
  readonly seconds?: number;
  readonly operations?: number;
  /** Number of the first program. */
  readonly from?: number;
  /** Operations of a program, about. */
  readonly length?: number;
  /** Names of the mixes to draw from. */
  readonly mixes?: readonly string[];
  /** Stop after so many differences. Default 1: the same one would come again and again. */
  readonly mostDifferences?: number;
  /** Called about once a second. */
  readonly onProgress?: (report: CampaignReport) => void;
  /** Asked between programs; true: stop. */
  readonly isStopped?: () => boolean;
}

/** A difference that was found, before and after shrinking. */
export interface Finding {
  readonly program: GeneratedProgram;
  readonly difference: Difference;
  /** The smallest program that shows it, and where in it. */
  readonly shrunk: readonly Operation[];
  readonly shrunkDifference: Difference;
}

/** A difference that did not come again when the same program was run again: the machine's doing, not the rule's. */
export interface Noise {
  readonly index: number;
  readonly what: string;
}

export interface CampaignReport {
  readonly seed: number;
  readonly programs: number;
  /** Operations whose results and states were compared. */
  readonly operations: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly noise: readonly Noise[];
  readonly omitted: ReadonlyMap<OmissionRule, number>;
  /** Estimate. */
  readonly distinctStates: number;
  readonly coverage: Coverage;
  /** Number of the program with which to go on. */
  readonly next: number;
}

/** Programs that the live side works on while the model is behind. */
const IN_FLIGHT = 4;
/** Every so many programs one is watched for coverage. */
const WATCH_EVERY = 8;
/** A difference must come again this many times in a row to count. */
const CONFIRMATIONS = 2;
const DEFAULT_LENGTH = 200;

interface Running {
  readonly program: GeneratedProgram;
  readonly plan: ProgramPlan;
  readonly recording: Promise<ProgramRecording>;
}

/** Runs random programs on both sides until time is up or a difference is found. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  return new Campaign(options).run();
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #differential: Differential;
  readonly #generator: ProgramGenerator;
  readonly #coverage = new Coverage();
  readonly #states = new DistinctStates();
  readonly #omitted: Map<OmissionRule, number> = new Map();
  readonly #findings: Finding[] = [];
  readonly #noise: Noise[] = [];
  readonly #start = performance.now();
  #programs = 0;
  #operations = 0;
  #next: number;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#differential = options.differential;
    this.#generator = new ProgramGenerator(options.seed, options.length ?? DEFAULT_LENGTH, options.mixes);
    this.#next = options.from ?? 0;
  }

  async run(): Promise<CampaignReport> {
    const running: Running[] = [];
    let issued = this.#next;
    let lastProgress = this.#start;
    while (!this.#isOver()) {
      while (running.length < IN_FLIGHT) running.push(this.#begin(issued++));
      const oldest = running.shift();
      if (oldest === undefined) break;
      await this.#finish(oldest);
      this.#next = oldest.program.index + 1;
      if (performance.now() - lastProgress < 1000) continue;
      lastProgress = performance.now();
      this.#options.onProgress?.(this.report());
    }
    await Promise.allSettled(running.map((left) => left.recording));
    return this.report();
  }

  report(): CampaignReport {
    return {
      seed: this.#options.seed,
      programs: this.#programs,
      operations: this.#operations,
      seconds: (performance.now() - this.#start) / 1000,
      findings: this.#findings,
      noise: this.#noise,
      omitted: this.#omitted,
      distinctStates: this.#states.estimate,
      coverage: this.#coverage,
      next: this.#next,
    };
  }

  #isOver(): boolean {
    const { seconds = Infinity, operations = Infinity, mostDifferences = 1, isStopped } = this.#options;
    if (this.#findings.length >= mostDifferences || this.#operations >= operations) return true;
    return (performance.now() - this.#start) / 1000 >= seconds || (isStopped?.() ?? false);
  }

  #begin(index: number): Running {
    const program = this.#generator.generate(index);
    const plan = this.#differential.plan(program.operations, FAST);
    const recording = this.#differential.driver.run(plan.request);
    // Who awaits it comes later; a failure before that is not unhandled.
    recording.catch(() => undefined);
    return { program, plan, recording };
  }

  async #finish({ program, plan, recording }: Running): Promise<void> {
    const recorded = await recording;
    const watched = program.index % WATCH_EVERY === 0;
    const result = this.#differential.compare(plan, recorded, watched ? this.#watch : undefined);
    this.#count(result);
    const reader = new RecordReader(recorded.words);
    while (reader.nextRecord()) while (reader.nextState()) this.#states.add(reader);
    if (result.interrupted !== null) this.#noise.push({ index: program.index, what: result.interrupted });
    if (result.difference !== null) await this.#examine(program, result.difference);
  }

  readonly #watch = (machine: ScenarioMachine): void => {
    this.#coverage.watch(machine.kernel.bus);
  };

  #count(result: ProgramResult): void {
    this.#programs++;
    this.#operations += result.compared;
    for (const [rule, times] of result.omitted) this.#omitted.set(rule, (this.#omitted.get(rule) ?? 0) + times);
  }

  /** Makes sure of a difference, and shrinks the program. */
  async #examine(program: GeneratedProgram, difference: Difference): Promise<void> {
    const { operations } = program;
    if (!(await this.#comesAgain(operations, difference))) {
      const { field, live, model } = difference.mismatch;
      this.#noise.push({ index: program.index, what: `${field}: live ${live}, model ${model}` });
      return;
    }
    // Looking closer after each operation finds it sooner, and perhaps as something else; or, seldom, makes it go away.
    const closer = await this.#differential.run(operations, THOROUGH);
    const how = closer.difference === null ? FAST : THOROUGH;
    const kind = kindOf(operations, closer.difference ?? difference);
    const shrunk = await shrink(operations, async (candidate) => {
      const result = await this.#differential.run(candidate, how);
      return result.difference !== null && kindOf(candidate, result.difference) === kind;
    });
    const last = await this.#differential.run(shrunk.operations, how);
    const shrunkDifference = last.difference ?? difference;
    this.#findings.push({ program, difference, shrunk: shrunk.operations, shrunkDifference });
  }

  async #comesAgain(operations: readonly Operation[], difference: Difference): Promise<boolean> {
    const kind = kindOf(operations, difference);
    for (let again = 0; again < CONFIRMATIONS; again++) {
      const result = await this.#differential.run(operations, FAST);
      if (result.difference === null || kindOf(operations, result.difference) !== kind) return false;
    }
    return true;
  }
}

/** What a difference is about: while a program shrinks it must stay the same. */
function kindOf(operations: readonly Operation[], difference: Difference): string {
  return `${difference.mismatch.field} after ${operations[difference.step]?.op ?? 'the end'}`;
}
