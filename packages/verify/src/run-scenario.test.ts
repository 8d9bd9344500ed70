import type { Scenario, ScenarioState, ScenarioStep } from '@vmakit/trace';
import { describe, expect, it } from 'vitest';
import { runScenario } from './run-scenario.js';
import { BUNDLED_SCENARIOS, scenariosOf } from './testing/golden-files.js';

const [scenario] = (await scenariosOf(BUNDLED_SCENARIOS)).filter(({ header }) => header.group === 'move') as [Scenario];

/** The scenario with one step changed. */
function withStep(index: number, change: (step: ScenarioStep) => ScenarioStep): Scenario {
  return { ...scenario, steps: scenario.steps.map((step, i) => (i === index ? change(step) : step)) };
}

/** A state with another first mapping in its first process. */
function withFirstVma(state: ScenarioState, change: (row: unknown[]) => unknown[]): ScenarioState {
  const [process, ...others] = state.procs;
  const [vma, ...vmas] = process!.vmas;
  const changed = { ...process!, vmas: [change([...vma!]) as never, ...vmas] };
  return { ...state, procs: [changed, ...others] };
}

describe('running a scenario', () => {
  it('passes when everything is as recorded', () => {
    expect(runScenario(scenario, { check: true }).failure).toBeNull();
  });

  it('tells of another result, with the rule that refused', () => {
    const last = scenario.steps.length - 1;
    const changed = withStep(last, (step) => ({
      ...step,
      operation: { op: 'mremap', p: 0, addr: 16, oldLen: 1, newLen: 0, flags: [], newAddr: null },
      outcome: { ret: 16, err: null, at: null, trace: {}, words: null },
    }));
    const { failure } = runScenario(changed);
    expect(failure).toMatchObject({ kind: 'difference', step: last });
    expect(failure?.differences[0]).toMatchObject({
      field: 'err',
      expected: 'success',
      actual: expect.stringMatching(/^EINVAL \(spec 05\.1 step 3: /) as string,
      rule: 'spec 05',
    });
  });

  it('tells of another state, with both and the one before', () => {
    const changed = withStep(0, (step) => ({
      ...step,
      state: withFirstVma(step.state!, (row) => row.with(3, 4711)),
    }));
    const { failure } = runScenario(changed);
    expect(failure?.differences[0]).toMatchObject({ field: 'vmas.pgoff', expected: 4711, actual: 16, page: 16 });
    expect(failure?.before?.procs).toEqual([{ p: 0, mm: [0, 0, 0], vmas: [], pages: [] }]);
    expect(failure?.actual?.state).toEqual(scenario.steps[0]?.state);
  });

  it('tells of a model that breaks down', () => {
    const changed = withStep(1, (step) => ({ ...step, operation: { op: 'exit', p: 7 } }));
    expect(runScenario(changed).failure).toMatchObject({ kind: 'error', step: 1 });
  });

  it('writes states down exactly as the recorder does', async () => {
    for (const recorded of await scenariosOf(BUNDLED_SCENARIOS)) {
      runScenario(recorded, {
        onStep: (machine, step) => {
          if (step.operation.op === 'words') return;
          expect(JSON.stringify(machine.capture().procs)).toBe(JSON.stringify(step.state?.procs));
        },
      });
    }
  });
});
