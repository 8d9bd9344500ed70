import type { KernelProfile } from '@vmakit/base';
import {
  type CampaignReport,
  type FindingFiles,
  type FindingReport,
  type LiveKernel,
  MIXES,
  Unavailable,
  describeFinding,
  openLiveKernel,
  runCampaign,
  writeFinding,
} from '@vmakit/oracle';
import { EXIT_FAILED, EXIT_OK, UsageError } from '../exit-codes.js';
import { type FuzzFigures, campaignFigures, coverageLines, progressLine, summaryLines } from './fuzz-text.js';

/** The options of `vmakit live fuzz`. */
export interface LiveFuzzOptions {
  readonly seconds: number;
  readonly operations?: number;
  readonly seed?: number;
  readonly from: number;
  readonly length?: number;
  readonly mix?: readonly string[];
  readonly differences: number;
  readonly out: string;
  readonly profile?: KernelProfile['name'];
  readonly json?: boolean;
  readonly coverage?: boolean;
}

/** A finding as it is told. */
interface Told {
  readonly report: FindingReport;
  readonly files: FindingFiles;
}

/** Runs `vmakit live fuzz` and prints what came of it; gives the exit code. */
export async function runLiveFuzz(options: LiveFuzzOptions): Promise<number> {
  checkMixes(options.mix);
  const live = await openLiveKernel(options.profile === undefined ? {} : { profile: options.profile });
  if (live instanceof Unavailable) throw new UsageError(live.reason);
  try {
    const seed = options.seed ?? Date.now() % 1_000_000;
    const before = process.cpuUsage();
    const report = await campaign(live, seed, options);
    const cpu = process.cpuUsage(before);
    const figures = campaignFigures(report, (cpu.user + cpu.system) / 1e6, live.driver.cpuSeconds());
    const told = await tell(live, report, options.out);
    process.stdout.write(
      options.json === true ? toJson(live, report, figures, told) : toText(live, report, figures, told, options),
    );
    return report.findings.length === 0 ? EXIT_OK : EXIT_FAILED;
  } finally {
    await live.close();
  }
}

function checkMixes(names: readonly string[] | undefined): void {
  const known = MIXES.map((mix) => mix.name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--mix: there is no "${unknown}", expected some of ${known.join(', ')}`);
}

/** The campaign itself; an interrupt ends it early, with its report. */
async function campaign(live: LiveKernel, seed: number, options: LiveFuzzOptions): Promise<CampaignReport> {
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  process.once('SIGINT', stop);
  const showProgress = process.stderr.isTTY;
  const { operations, length, mix } = options;
  try {
    return await runCampaign({
      differential: live.differential,
      seed,
      seconds: options.seconds,
      from: options.from,
      mostDifferences: options.differences,
      isStopped: () => stopped,
      ...(operations === undefined ? {} : { operations }),
      ...(length === undefined ? {} : { length }),
      ...(mix === undefined ? {} : { mixes: mix }),
      ...(showProgress ? { onProgress: (report) => process.stderr.write(`\r\x1b[K${progressLine(report)}`) } : {}),
    });
  } finally {
    process.removeListener('SIGINT', stop);
    if (showProgress) process.stderr.write('\r\x1b[K');
  }
}

async function tell(live: LiveKernel, report: CampaignReport, folder: string): Promise<Told[]> {
  const told: Told[] = [];
  for (const finding of report.findings) {
    const described = await describeFinding(live, finding);
    told.push({ report: described, files: await writeFinding(folder, finding, described) });
  }
  return told;
}

function toJson(live: LiveKernel, report: CampaignReport, figures: FuzzFigures, told: readonly Told[]): string {
  const { findings, noise, omitted, coverage, seed, next } = report;
  const object = {
    kernel: live.settings.release.text,
    profile: live.model.options.profile,
    seed,
    next,
    ...figures,
    differences: findings.length,
    noise,
    omitted: Object.fromEntries(omitted),
    merges: Object.fromEntries(coverage.merges),
    paths: Object.fromEntries(coverage.paths),
    findings: findings.map((finding, index) => ({
      program: finding.program.index,
      mix: finding.program.mix,
      operations: finding.shrunk.length,
      ...finding.shrunkDifference.mismatch,
      files: told[index]?.files,
    })),
  };
  return `${JSON.stringify(object, null, 2)}\n`;
}

function toText(
  live: LiveKernel,
  report: CampaignReport,
  figures: FuzzFigures,
  told: readonly Told[],
  options: LiveFuzzOptions,
): string {
  const lines = [...live.describe(), ...summaryLines(report, figures)];
  if (options.coverage === true) lines.push(...coverageLines(report.coverage));
  for (const { report: finding, files } of told) {
    lines.push('', finding.text, `scenario: ${files.scenario}`, `C program: ${files.program}`, '', finding.program);
  }
  return `${lines.join('\n')}\n`;
}
