import type { Operation, Outcome, Scenario, ScenarioHeader, ScenarioState, ScenarioStep } from '@vmakit/trace';
import { type ScenarioMachine, perform } from '@vmakit/verify';
import { liveOutcome } from './compare/compare-results.js';
import { newMachine } from './compare/model-settings.js';
import { type ProgramPlan } from './compare/program-plan.js';
import { THOROUGH } from './compare/want.js';
import type { ProgramRecording } from './driver/live-driver.js';
import { RecordReader } from './driver/record-reader.js';
import type { LiveKernel } from './live-kernel.js';
import { decodeProcess, newLiveNames } from './state/decode-live.js';
import { type VisibleProcess, toBasicState } from './state/visible-state.js';

/** What the live kernel did with a program. */
export interface LiveTrace {
  readonly plan: ProgramPlan;
  readonly recording: ProgramRecording;
  /** Operations performed, with result and visible state after each (recorder "basic"). */
  readonly steps: readonly ScenarioStep[];
  /** The same states with what scenarios have no room for: entries and pages. */
  readonly visible: readonly (readonly VisibleProcess[])[];
}

/** Performs a program on the live kernel only, and writes down everything that can be seen. */
export async function recordLive(live: LiveKernel, operations: readonly Operation[]): Promise<LiveTrace> {
  const plan = live.differential.plan(operations, THOROUGH);
  const recording = await live.driver.run(plan.request);
  const { pageSize } = live.model.header;
  const names = newLiveNames();
  const reader = new RecordReader(recording.words);
  const current = new Map<number, VisibleProcess>();
  const steps: ScenarioStep[] = [];
  const visible: VisibleProcess[][] = [];
  current.set(0, { process: 0, total: 0, data: 0, locked: 0, mappings: [], pages: [] });
  while (reader.nextRecord()) {
    const operation = plan.performed[reader.operation];
    if (operation === undefined) break;
    const outcome = liveOutcome(reader, operation, pageSize);
    if (outcome === null) continue;
    while (reader.nextState())
      current.set(reader.process, decodeProcess(reader, names, live.driver.greeting.zeroFrame));
    if (operation.op === 'exit') current.delete(operation.p);
    const processes = [...current.values()];
    steps.push(step(operation, outcome, toBasicState(processes)));
    visible.push(processes);
  }
  return { plan, recording, steps, visible };
}

/** Performs a program on the model only. A model that breaks down ends the list there. */
export function recordModel(live: LiveKernel, operations: readonly Operation[]): ScenarioStep[] {
  const machine = newMachine(live.model);
  const steps: ScenarioStep[] = [];
  let forked = false;
  for (const operation of operations) {
    if (forked) machine.kernel.env.lru.drain();
    forked ||= operation.op === 'fork';
    const done = attempt(machine, operation);
    if (done === null) break;
    steps.push(step(operation, done.outcome, done.state));
  }
  return steps;
}

function attempt(
  machine: ScenarioMachine,
  operation: Operation,
): { readonly outcome: Outcome; readonly state: ScenarioState } | null {
  try {
    return { outcome: perform(machine, operation).outcome, state: machine.capture() };
  } catch {
    // The comparison has said what broke; what came before is what is wanted here.
    return null;
  }
}

function step(operation: Operation, outcome: Outcome, state: ScenarioState): ScenarioStep {
  return { line: 0, operation, outcome, state, stateUnchanged: false };
}

/** A scenario of steps that were recorded here. */
export function makeScenario(
  header: ScenarioHeader,
  steps: readonly ScenarioStep[],
  about: Pick<ScenarioHeader, 'name' | 'about' | 'kernel' | 'recorder' | 'seed'>,
): Pick<Scenario, 'header' | 'steps'> {
  return { header: { ...header, group: 'live', ...about }, steps };
}
