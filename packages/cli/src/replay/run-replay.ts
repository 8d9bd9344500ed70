import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JobOutcome, type ReplayJob, defaultWorkers, policiesByName, runJobs } from '@vmakit/replay';
import { renderComparison, renderHtmlReport, renderReplay } from '@vmakit/report';
import pc from 'picocolors';
import { EXIT_FAILED, EXIT_OK, EXIT_UNUSABLE, UsageError } from '../exit-codes.js';
import { ReadingProgress } from './progress.js';
import { jsonOf, resultsOf } from './replay-json.js';

/** The options of `vmakit replay`. */
export interface ReplayCommandOptions {
  readonly maps?: string;
  readonly endMaps?: string;
  readonly from?: 'perf' | 'strace';
  readonly assume: 'touched' | 'untouched';
  readonly profile?: NonNullable<ReplayJob['profile']>;
  readonly maxMapCount?: number;
  readonly policy?: readonly string[];
  readonly compare?: readonly string[];
  readonly forceFlag?: boolean;
  readonly json?: boolean;
  readonly report?: string;
  readonly writeMaps?: string;
  readonly details: number;
  readonly jobs?: number;
}

/** Runs `vmakit replay` and prints what came of it; gives the exit code. */
export async function runReplay(inputs: readonly string[], options: ReplayCommandOptions): Promise<number> {
  checkUsage(inputs, options);
  const jobs = inputs.map((input) => jobFor(input, options));
  const progress = new ReadingProgress(inputs);
  const outcomes: JobOutcome[] = [];
  const workers = options.jobs ?? defaultWorkers(jobs.length);
  try {
    for await (const outcome of runJobs(jobs, workers, progress.isShown ? progress.listener : undefined)) {
      outcomes.push(outcome);
      if (options.json !== true) progress.aside(() => print(outcome, outcomes.length > 1));
      else if (outcome.kind === 'unreadable') progress.aside(() => complain(outcome.message));
    }
  } finally {
    progress.stop();
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(jsonOf(outcomes), null, 2)}\n`);
  if (options.writeMaps !== undefined) await writeMaps(options.writeMaps, outcomes, options.json !== true);
  if (options.report !== undefined) await writeReport(options.report, outcomes, options.json !== true);
  return exitCode(outcomes);
}

function checkUsage(inputs: readonly string[], options: ReplayCommandOptions): void {
  const { maps, endMaps, policy, compare, writeMaps: folder } = options;
  if (folder !== undefined && (inputs.length > 1 || compare !== undefined)) {
    throw new UsageError('--write-maps is for one recording under one policy');
  }
  if (inputs.length > 1 && (maps !== undefined || endMaps !== undefined)) {
    throw new UsageError('--maps and --end-maps are of one recording; give one input with them');
  }
  if (inputs.filter((input) => input === '-').length > 1) throw new UsageError('standard input can be read once only');
  if (policy !== undefined && compare !== undefined) {
    throw new UsageError('--policy and --compare exclude each other; name the policy in --compare');
  }
  try {
    for (const name of policy ?? []) policiesByName(name);
    for (const names of compare ?? []) policiesByName(names);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message);
  }
}

function jobFor(input: string, options: ReplayCommandOptions): ReplayJob {
  const {
    maps,
    endMaps,
    from,
    assume,
    profile,
    maxMapCount,
    policy,
    compare,
    forceFlag,
    details,
    report,
    writeMaps: folder,
  } = options;
  return {
    input,
    assume,
    maxDetails: details,
    forceFlag: forceFlag ?? false,
    pictures: report !== undefined || folder !== undefined,
    ...(maps === undefined ? {} : { startMaps: maps }),
    ...(endMaps === undefined ? {} : { endMaps }),
    ...(from === undefined ? {} : { prefer: from }),
    ...(profile === undefined ? {} : { profile }),
    ...(maxMapCount === undefined ? {} : { maxMapCount }),
    ...(policy === undefined ? {} : { policy: policy.join('+') }),
    ...(compare === undefined ? {} : { compare }),
  };
}

function print(outcome: JobOutcome, hasBefore: boolean): void {
  if (outcome.kind === 'unreadable') {
    complain(outcome.message);
    return;
  }
  const text = outcome.kind === 'replayed' ? renderReplay(outcome.result) : renderComparison(outcome.comparison);
  process.stdout.write(hasBefore ? `\n${text}` : text);
}

function complain(message: string): void {
  process.stderr.write(`vmakit: ${message}\n`);
}

async function writeReport(file: string, outcomes: readonly JobOutcome[], says: boolean): Promise<void> {
  try {
    await writeFile(file, renderHtmlReport(outcomes));
  } catch (error) {
    throw new UsageError(`--report: ${(error as Error).message}`);
  }
  if (says) process.stdout.write(pc.dim(`\nreport written to ${file}\n`));
}

async function writeMaps(folder: string, outcomes: readonly JobOutcome[], says: boolean): Promise<void> {
  const names = new Set<string>();
  try {
    await mkdir(folder, { recursive: true });
    for (const { pid, maps } of outcomes.flatMap((outcome) => (outcome.kind === 'replayed' ? outcome.pictures : []))) {
      // Process numbers are used again.
      let name = `${pid}.maps`;
      for (let life = 2; names.has(name); life++) name = `${pid}-${life}.maps`;
      names.add(name);
      await writeFile(join(folder, name), maps);
    }
  } catch (error) {
    throw new UsageError(`--write-maps: ${(error as Error).message}`);
  }
  if (says)
    process.stdout.write(
      pc.dim(`\nmaps of ${names.size === 1 ? 'one process' : `${names.size} processes`} written to ${folder}\n`),
    );
}

function exitCode(outcomes: readonly JobOutcome[]): number {
  if (outcomes.some(({ kind }) => kind === 'unreadable')) return EXIT_UNUSABLE;
  return outcomes.flatMap(resultsOf).every(({ ok }) => ok) ? EXIT_OK : EXIT_FAILED;
}
