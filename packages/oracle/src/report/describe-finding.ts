import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ScenarioStep, scenarioToLines } from '@vmakit/trace';
import type { Finding } from '../fuzz/campaign.js';
import type { LiveKernel } from '../live-kernel.js';
import { type LiveTrace, makeScenario, recordLive, recordModel } from '../record.js';
import { recordingToLines } from '../recording-file.js';
import { toVisibleProcess } from '../state/model-visible.js';
import type { VisibleProcess } from '../state/visible-state.js';
import { toCProgram } from './c-program.js';
import { operationLine } from './operation-line.js';
import { PICTURE_LEGEND, drawBeside, listMappings } from './picture.js';

/** A finding in the forms in which it is handed on. */
export interface FindingReport {
  /** For people: the program, the difference, a picture of both sides. */
  readonly text: string;
  /** Scenario file with both states: `NAME/live`, then `NAME/model`. */
  readonly scenario: string;
  /** Stand-alone C program. */
  readonly program: string;
}

/** Where a finding was written. */
export interface FindingFiles {
  readonly scenario: string;
  readonly program: string;
}

/** Performs the shrunk program once more on each side, and tells what came of it. */
export async function describeFinding(live: LiveKernel, finding: Finding): Promise<FindingReport> {
  const { mismatch, step } = finding.shrunkDifference;
  const upToThere = finding.shrunk.slice(0, step + 1);
  const trace = await recordLive(live, upToThere);
  const modelSteps = recordModel(live, trace.plan.performed);
  const where = mismatch.page === null ? '' : ` at page ${mismatch.page}`;
  const what = `${mismatch.field}${where} of process ${mismatch.process}`;
  const about = `${what}: live ${mismatch.live}, model ${mismatch.model}`;
  return {
    text: [
      ...programLines(trace.steps, step),
      '',
      `After that: ${about}.`,
      '',
      ...pictures(trace, modelSteps),
      '',
    ].join('\n'),
    scenario: scenarioText(live, finding, trace, modelSteps, about),
    program: toCProgram(trace.plan.performed, title(live, finding, about)),
  };
}

/** Writes the two files of a finding into `folder`. */
export async function writeFinding(folder: string, finding: Finding, report: FindingReport): Promise<FindingFiles> {
  const name = nameOf(finding);
  const files = { scenario: join(folder, `${name}.jsonl`), program: join(folder, `${name}.c`) };
  await writeFile(files.scenario, report.scenario);
  await writeFile(files.program, report.program);
  return files;
}

function nameOf({ program }: Finding): string {
  return `live-${program.seed}-${program.index}`;
}

function programLines(steps: readonly ScenarioStep[], differing: number): string[] {
  return steps.map(({ operation, outcome }, index) => {
    const { ret, err, at } = outcome ?? { ret: null, err: null, at: null };
    const result =
      err === null ? (ret === 0 ? '' : ` = ${String(ret)}`) : ` = ${err}${at === null ? '' : ` at page ${at}`}`;
    return `${index === differing ? '>' : ' '} ${operationLine(operation)}${result}`;
  });
}

function pictures(trace: LiveTrace, modelSteps: readonly ScenarioStep[]): string[] {
  const live = trace.visible.at(-1) ?? [];
  const model = (modelSteps.at(-1)?.state?.procs ?? []).map(toVisibleProcess);
  const numbers = [...new Set([...live, ...model].map((process) => process.process))].sort((a, b) => a - b);
  const lines: string[] = [];
  for (const number of numbers) {
    const sides = {
      live: live.find((process) => process.process === number) ?? null,
      model: model.find((process) => process.process === number) ?? null,
    };
    if (numbers.length > 1) lines.push(`Process ${number}`);
    lines.push(drawBeside(Object.entries(sides).map(([label, process]) => ({ label, process }))), '');
    lines.push(...sideBySide(sides.live, sides.model), '');
  }
  return [...lines, PICTURE_LEGEND];
}

function sideBySide(live: VisibleProcess | null, model: VisibleProcess | null): string[] {
  const left = live === null ? [] : listMappings(live);
  const right = model === null ? [] : listMappings(model);
  const width = Math.max(20, ...left.map((line) => line.length));
  const rows = [`${'live'.padEnd(width)}   model`];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    rows.push(`${(left[i] ?? '').padEnd(width)}   ${right[i] ?? ''}`.trimEnd());
  }
  return rows;
}

function scenarioText(
  live: LiveKernel,
  finding: Finding,
  trace: LiveTrace,
  modelSteps: readonly ScenarioStep[],
  about: string,
): string {
  const { header } = live.model;
  const { seed, index } = finding.program;
  const common = { about: `program ${index} of seed ${seed}; ${about}`, seed };
  const liveAbout = { ...common, name: `${nameOf(finding)}/live`, kernel: header.kernel, recorder: 'basic' as const };
  const modelAbout = { ...common, name: `${nameOf(finding)}/model`, kernel: 'vmakit', recorder: 'full' as const };
  const { settings } = live;
  const { pageSize } = header;
  const { zeroFrame } = live.driver.greeting;
  const lines = [
    ...recordingToLines(makeScenario(header, trace.steps, liveAbout), {
      settings,
      pageSize,
      zeroFrame,
      recording: trace.recording,
    }),
    ...scenarioToLines(makeScenario(header, modelSteps, modelAbout)),
  ];
  return `${lines.join('\n')}\n`;
}

function title(live: LiveKernel, finding: Finding, about: string): { readonly lines: readonly string[] } {
  const { seed, index } = finding.program;
  return {
    lines: [
      `Found by: vmakit live fuzz --seed ${seed} (program ${index})`,
      ...live.describe(),
      '',
      `After the last step: ${about}.`,
      'Page numbers count from the start of the window.',
    ],
  };
}
