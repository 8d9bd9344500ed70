import type { Operation } from '@vmakit/trace';
import { type ScenarioMachine, perform } from '@vmakit/verify';
import type { ProgramRecording } from '../driver/live-driver.js';
import type { OmissionRule } from '../driver/omission.js';
import * as protocol from '../driver/protocol.js';
import { RecordReader } from '../driver/record-reader.js';
import { compareResult, liveText } from './compare-results.js';
import { type LiveModel, newMachine } from './model-settings.js';
import type { ProgramPlan } from './program-plan.js';
import { type LiveSide, type Mismatch, StateComparer } from './state-comparer.js';

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
  /** The live side did not get to the end, for a reason that no model can know; null: it did. */
  readonly interrupted: string | null;
}

/** Performs a planned program on a model, beside what the live side recorded of it, up to the first difference. */
export function compareRecording(
  model: LiveModel,
  live: LiveSide,
  plan: Omit<ProgramPlan, 'request'>,
  recording: ProgramRecording,
  begin?: (machine: ScenarioMachine) => void,
): ProgramResult {
  const machine = newMachine(model);
  begin?.(machine);
  const reader = new RecordReader(recording.words);
  const comparison = new Comparison(machine, live, reader, model.header.pageSize);
  const { performed, positions } = plan;
  const omitted = new Map(plan.omitted);
  let compared = 0;
  while (reader.nextRecord()) {
    const operation = performed[reader.operation];
    const interrupted = interruption(reader, operation, model.header.pageSize);
    if (interrupted !== null) return { compared, omitted, difference: null, interrupted };
    const mismatch = comparison.step(operation);
    if (mismatch !== null) {
      const step = positions[reader.operation] ?? performed.length;
      return { compared, omitted, difference: { step, mismatch }, interrupted: null };
    }
    if (operation === undefined) continue;
    if (reader.outcome === protocol.OUTCOME_OMITTED) countOmission(omitted, reader);
    else compared++;
  }
  const complete = recording.status === protocol.STATUS_COMPLETE;
  return { compared, omitted, difference: null, interrupted: complete ? null : statusText(recording.status) };
}

class Comparison {
  readonly #reader: RecordReader;
  readonly #machine: ScenarioMachine;
  readonly #comparer: StateComparer;
  readonly #pageSize: number;
  #forked = false;

  constructor(machine: ScenarioMachine, live: LiveSide, reader: RecordReader, pageSize: number) {
    this.#reader = reader;
    this.#machine = machine;
    this.#comparer = new StateComparer(machine, live);
    this.#pageSize = pageSize;
  }

  /** Performs the operation of the current record (undefined: a mere look) and compares. */
  step(operation: Operation | undefined): Mismatch | null {
    // The helper empties the kernel's page lists before each operation once pages may be shared (native/process.c).
    if (this.#forked) this.#machine.kernel.env.lru.drain();
    this.#forked ||= operation?.op === 'fork';
    try {
      return this.#compareResult(operation) ?? this.#compareStates();
    } catch (error) {
      const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      return { field: 'model-broken', process: operation?.p ?? 0, page: null, live: 'went on', model: message };
    }
  }

  #compareResult(operation: Operation | undefined): Mismatch | null {
    if (operation === undefined || this.#reader.outcome === protocol.OUTCOME_OMITTED) return null;
    return compareResult(this.#reader, operation, perform(this.#machine, operation), this.#pageSize);
  }

  #compareStates(): Mismatch | null {
    const reader = this.#reader;
    while (reader.nextState()) {
      const process = this.#machine.processes.get(reader.process);
      if (process === undefined) return missing(reader.process);
      const mismatch = this.#comparer.compare(reader, process.mm);
      if (mismatch !== null) return mismatch;
    }
    return null;
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  [protocol.STATUS_DIED]: 'a process died',
  [protocol.STATUS_HUNG]: 'a process did not answer',
  [protocol.STATUS_OVERFLOW]: 'the recording was too long',
  [protocol.STATUS_NO_PROCESS]: 'no process could be started',
};

function statusText(status: number): string {
  return STATUS_TEXT[status] ?? `it ended with status ${status}`;
}

function interruption(reader: RecordReader, operation: Operation | undefined, pageSize: number): string | null {
  if (reader.outcome !== protocol.OUTCOME_DIED && reader.outcome !== protocol.OUTCOME_HUNG) return null;
  return operation === undefined
    ? 'the final look failed'
    : `${operation.op}: ${liveText(reader, operation, pageSize)}`;
}

function countOmission(omitted: Map<OmissionRule, number>, reader: RecordReader): void {
  const rule = reader.value === protocol.OMITTED_NO_PROCESS ? 'no-process' : 'not-possible';
  omitted.set(rule, (omitted.get(rule) ?? 0) + 1);
}

function missing(process: number): Mismatch {
  return { field: 'process', process, page: null, live: 'alive', model: 'gone' };
}
