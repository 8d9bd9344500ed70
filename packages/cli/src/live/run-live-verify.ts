import { writeFile } from 'node:fs/promises';
import type { KernelProfile } from '@vmakit/base';
import {
  OMISSION_RULES,
  type OmissionRule,
  type ScenarioResult,
  Unavailable,
  openLiveKernel,
  operationLine,
  recordScenario,
  verifyScenario,
} from '@vmakit/oracle';
import { type Scenario, readScenarios } from '@vmakit/trace';
import { EXIT_FAILED, EXIT_OK, UsageError } from '../exit-codes.js';

/** The options of `vmakit live verify`. */
export interface LiveVerifyOptions {
  readonly profile?: KernelProfile['name'];
  readonly filter?: string;
  readonly plainMoves?: boolean;
  /** Write the scenarios to this file as the live kernel did them. */
  readonly record?: string;
  readonly json?: boolean;
}

interface Failure {
  readonly file: string;
  readonly scenario: string;
  readonly step: number;
  readonly operation: string;
  readonly field: string;
  readonly process: number;
  readonly page: number | null;
  readonly live: string;
  readonly model: string;
}

interface Totals {
  scenarios: number;
  operations: number;
  readonly differences: Failure[];
  readonly interrupted: { readonly scenario: string; readonly why: string }[];
  readonly skipped: { readonly scenario: string; readonly why: string }[];
  readonly omitted: Map<OmissionRule, number>;
}

/** Runs `vmakit live verify` and prints what came of it; gives the exit code. */
export async function runLiveVerify(files: readonly string[], options: LiveVerifyOptions): Promise<number> {
  const { profile, plainMoves = false, filter = '' } = options;
  const live = await openLiveKernel({ plainMoves, ...(profile === undefined ? {} : { profile }) });
  if (live instanceof Unavailable) throw new UsageError(live.reason);
  const totals: Totals = {
    scenarios: 0,
    operations: 0,
    differences: [],
    interrupted: [],
    skipped: [],
    omitted: new Map(),
  };
  const recorded: string[] = [];
  try {
    for (const file of files) {
      for await (const scenario of readScenarios(file, { unrecorded: true })) {
        if (!scenario.header.name.includes(filter)) continue;
        const result = await verifyScenario(live, scenario);
        add(totals, scenario, result);
        if (options.record !== undefined && result.kind === 'run') recorded.push(await recordScenario(live, scenario));
      }
    }
    if (options.record !== undefined) await writeFile(options.record, recorded.join(''));
    const about = live.describe();
    process.stdout.write(options.json === true ? toJson(totals, about) : toText(totals, about));
  } finally {
    await live.close();
  }
  return totals.differences.length === 0 && totals.interrupted.length === 0 ? EXIT_OK : EXIT_FAILED;
}

function add(totals: Totals, scenario: Scenario, result: ScenarioResult): void {
  const { name } = scenario.header;
  if (result.kind === 'skipped') {
    totals.skipped.push({ scenario: name, why: result.why });
    return;
  }
  totals.scenarios++;
  totals.operations += result.compared;
  for (const [rule, count] of result.omitted) totals.omitted.set(rule, (totals.omitted.get(rule) ?? 0) + count);
  if (result.interrupted !== null) totals.interrupted.push({ scenario: name, why: result.interrupted });
  const { difference } = result;
  if (difference === null) return;
  const operation = scenario.steps[difference.step]?.operation;
  totals.differences.push({
    file: scenario.file,
    scenario: name,
    step: difference.step,
    operation: operation === undefined ? 'the end' : operationLine(operation),
    ...difference.mismatch,
  });
}

function toJson(totals: Totals, about: readonly string[]): string {
  const { differences, omitted, ...rest } = totals;
  const object = {
    kernel: about[0],
    ...rest,
    differences: differences.length,
    failures: differences,
    omitted: Object.fromEntries(omitted),
  };
  return `${JSON.stringify(object, null, 2)}\n`;
}

function toText(totals: Totals, about: readonly string[]): string {
  const lines = [...about];
  for (const { file, scenario, step, operation, field, page, live, model } of totals.differences) {
    lines.push('', `${file}: ${scenario}, step ${step}: ${operation}`);
    lines.push(`  ${field}${page === null ? '' : ` at page ${page}`}: live ${live}, model ${model}`);
  }
  for (const { scenario, why } of totals.interrupted) lines.push(`${scenario}: not performed to the end: ${why}`);
  const reasons = new Map<string, number>();
  for (const { why } of totals.skipped) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  lines.push(
    '',
    `${totals.scenarios} scenarios, ${totals.operations} operations compared, ${totals.differences.length} differences`,
  );
  for (const [rule, count] of totals.omitted) lines.push(`left out: ${count} (${OMISSION_RULES[rule]})`);
  for (const [why, count] of reasons) lines.push(`not for this machine: ${count} scenarios (${why})`);
  return lines.map((line) => `${line}\n`).join('');
}
