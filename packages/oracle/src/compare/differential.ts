import type { Operation } from '@vmakit/trace';
import { type ScenarioMachine, perform } from '@vmakit/verify';
import type { LiveDriver, ProgramRecording } from '../driver/live-driver.js';
import type { OmissionContext, OmissionRule } from '../driver/omission.js';
import * as protocol from '../driver/protocol.js';
import { RecordReader } from '../driver/record-reader.js';
import { compareResult, liveText } from './compare-results.js';
import { type LiveModel, newMachine } from './model-settings.js';
import { type ProgramPlan, planProgram } from './program-plan.js';
import { type Mismatch, StateComparer } from './state-comparer.js';
import type { Thoroughness } from './want.js';

/** Where the two sides parted. */
export interface Difference {
  /** Index of the operation in the program; its length: seen only when all was over. */
  readonly step: number;
  readonly mismatch: Mismatch;
}

/** What became of one program. */
export interface ProgramResult {
  /** Operations whose result and state were compared. */
  readonly compared: number;
  /** Operations left out, by rule. */
  readonly omitted: ReadonlyMap<OmissionRule, number>;
  readonly difference: Difference | null;
  /** The live side did not get to the end, for a reason that no model can know: null, it did. */
  readonly interrupted: string | null;
}

/** Told of each step while a program is compared. */
export interface StepObserver {
  /** The model before anything is done to it. */
  begin?(machine: ScenarioMachine): void;
  /** A process state of the live side, before it is compared. */
  state?(reader: RecordReader): void;
}

export interface DifferentialOptions {
  readonly driver: LiveDriver;
  readonly model: LiveModel;
  readonly context: OmissionContext;
}

/** Performs programs on the live kernel and on a model of it, and compares them step by step. */
export class Differential {
  readonly driver: LiveDriver;
  readonly model: LiveModel;
  readonly context: OmissionContext;

  constructor(options: DifferentialOptions) {
    this.driver = options.driver;
    this.model = options.model;
    this.context = options.context;
  }

  get #pageSize(): number {
    return this.model.header.pageSize;
  }

  /** Performs and compares one program. */
  async run(operations: readonly Operation[], how: Thoroughness, observer: StepObserver = {}): Promise<ProgramResult> {
    const plan = this.plan(operations, how);
    return this.compare(plan, await this.driver.run(plan.request), observer);
  }

  plan(operations: readonly Operation[], how: Thoroughness): ProgramPlan {
    return planProgram(operations, this.context, how, this.#pageSize);
  }

  /** Performs a planned program on the model, beside what the live side recorded of it. */
  compare(plan: ProgramPlan, recording: ProgramRecording, observer: StepObserver = {}): ProgramResult {
    const machine = newMachine(this.model);
    observer.begin?.(machine);
    const comparer = new StateComparer(machine, this.driver.greeting);
    const reader = new RecordReader(recording.words);
    const { omitted, performed } = plan;
    let compared = 0;
    let forked = false;
    while (reader.nextRecord()) {
      const operation = performed[reader.operation];
      const step = plan.positions[reader.operation] ?? performed.length;
      const interrupted = interruption(reader, operation, this.#pageSize);
      if (interrupted !== null) return { compared, omitted, difference: null, interrupted };
      // The helper empties the kernel's page lists before each operation once pages may be shared (native/process.c).
      if (forked) machine.kernel.env.lru.drain();
      forked ||= operation?.op === 'fork';
      const mismatch = this.#compareStep(machine, comparer, reader, operation, observer);
      if (mismatch !== null) return { compared, omitted, difference: { step, mismatch }, interrupted: null };
      if (operation !== undefined) compared++;
    }
    const interrupted = recording.status === protocol.STATUS_COMPLETE ? null : STATUS_TEXT[recording.status] ?? 'failed';
    return { compared, omitted, difference: null, interrupted };
  }

  #compareStep(
    machine: ScenarioMachine,
    comparer: StateComparer,
    reader: RecordReader,
    operation: Operation | undefined,
    observer: StepObserver,
  ): Mismatch | null {
    const skipped = reader.outcome === protocol.OUTCOME_OMITTED;
    try {
      if (operation !== undefined && !skipped) {
        const result = perform(machine, operation);
        const mismatch = compareResult(reader, operation, result, this.#pageSize);
        if (mismatch !== null) return mismatch;
      }
      while (reader.nextState()) {
        observer.state?.(reader);
        const process = machine.processes.get(reader.process);
        if (process === undefined) return missing(reader.process);
        const mismatch = comparer.compare(reader, process.mm);
        if (mismatch !== null) return mismatch;
      }
      return null;
    } catch (error) {
      const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      const process = operation?.p ?? 0;
      return { field: 'model-broken', process, page: null, live: 'went on', model: message };
    }
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  [protocol.STATUS_DIED]: 'a process died',
  [protocol.STATUS_HUNG]: 'a process did not answer',
  [protocol.STATUS_OVERFLOW]: 'the recording was too long',
  [protocol.STATUS_NO_PROCESS]: 'no process could be started',
};

function interruption(reader: RecordReader, operation: Operation | undefined, pageSize: number): string | null {
  if (reader.outcome !== protocol.OUTCOME_DIED && reader.outcome !== protocol.OUTCOME_HUNG) return null;
  return operation === undefined ? 'the final look failed' : `${operation.op}: ${liveText(reader, operation, pageSize)}`;
}

function missing(process: number): Mismatch {
  return { field: 'process', process, page: null, live: 'alive', model: 'gone' };
}
