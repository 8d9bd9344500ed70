import { type ScenarioState, outcomeToJson, readScenarios } from '@vmakit/trace';
import { type VerifyRequest, retarget, runScenario } from '@vmakit/verify';
import pc from 'picocolors';
import { operationText } from './failure-json.js';
import { renderFailure } from './render-failure.js';
import { anonVmaText, mmText, pageText, vmaText } from './state-text.js';

/** Prints every operation of the scenarios with what came of it on the model, up to the first failure. */
export async function printSteps(request: VerifyRequest): Promise<void> {
  const { file, filter, arch, profile, check } = request;
  for await (const scenario of readScenarios(file, file === '-' ? { input: process.stdin } : {})) {
    if (filter !== null && !scenario.header.name.includes(filter)) continue;
    const { header } = scenario;
    process.stdout.write(`${pc.bold(header.name)}  ${pc.dim(header.about)}\n`);
    const { failure } = runScenario(arch === null ? scenario : retarget(scenario, arch), {
      check,
      ...(profile === null ? {} : { profile }),
      onStep: (machine, step, performed) => {
        const outcome = JSON.stringify(outcomeToJson(performed.outcome));
        const rule = performed.refusal === null ? '' : pc.dim(`  ${performed.refusal.rule}`);
        process.stdout.write(`${pc.cyan(operationText(step.operation))}  ${outcome}${rule}\n`);
        process.stdout.write(stateText(machine.capture()));
      },
    });
    if (failure !== null) process.stdout.write(renderFailure({ ...failure, scenario: header.name, file, index: 0 }));
  }
}

function stateText(state: ScenarioState): string {
  const lines: string[] = [];
  for (const process of state.procs) {
    lines.push(`process ${process.p}: ${mmText(process)}`);
    lines.push(...process.vmas.map((row) => `  ${vmaText(row)}`));
    lines.push(...(process.pages ?? []).map((row) => `    ${pc.dim(pageText(row))}`));
  }
  for (const row of state.anonVmas ?? []) lines.push(`anon_vma ${anonVmaText(row)}`);
  return lines.map((line) => `  ${line}\n`).join('');
}
