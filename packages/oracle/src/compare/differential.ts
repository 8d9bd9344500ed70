import type { Operation } from '@vmakit/trace';
import type { ScenarioMachine } from '@vmakit/verify';
import type { LiveDriver, ProgramRecording } from '../driver/live-driver.js';
import type { OmissionContext } from '../driver/omission.js';
import { type ProgramResult, compareRecording } from './compare-recording.js';
import type { LiveModel } from './model-settings.js';
import { type ProgramPlan, planProgram } from './program-plan.js';
import type { Thoroughness } from './want.js';

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

  /** Performs and compares one program. */
  async run(operations: readonly Operation[], how: Thoroughness): Promise<ProgramResult> {
    const plan = this.plan(operations, how);
    return this.compare(plan, await this.driver.run(plan.request));
  }

  /** What of a program is performed, in the helper's form. */
  plan(operations: readonly Operation[], how: Thoroughness): ProgramPlan {
    return planProgram(operations, this.context, how, this.model.header.pageSize);
  }

  /** Performs a planned program on the model, beside what the live side recorded of it. `begin` gets the new model. */
  compare(plan: ProgramPlan, recording: ProgramRecording, begin?: (machine: ScenarioMachine) => void): ProgramResult {
    return compareRecording(this.model, this.driver.greeting, plan, recording, begin);
  }
}
