import { archByName } from '@vmakit/pagetable';
import {
  type FailureReport,
  type InjectionTotals,
  type VerifyReport,
  type VerifyRequest,
  addInjections,
  defaultJobs,
  verifyFile,
  verifyFiles,
  wholeFile,
} from '@vmakit/verify';
import { EXIT_FAILED, EXIT_OK, UsageError } from '../exit-codes.js';
import { renderFailure } from './render-failure.js';
import { printSteps } from './print-steps.js';
import { showBugs } from './show-bugs.js';
import { failureToJson } from './failure-json.js';
import { renderInjections } from './render-injections.js';
import { renderSummary } from './render-summary.js';

/** The options of `vmakit verify`. */
export interface VerifyOptions {
  readonly check?: boolean;
  readonly json?: boolean;
  readonly jobs?: number;
  readonly arch?: string;
  readonly profile?: NonNullable<VerifyRequest['profile']>;
  readonly inject?: boolean;
  readonly bugs?: 'v1' | 'rfc-v2';
  readonly filter?: string;
  /** Failures printed in full. */
  readonly show: number;
  readonly summary?: boolean;
  readonly steps?: boolean;
}

/** Everything that came out of a run. */
interface Totals {
  passed: number;
  failed: number;
  operations: number;
  readonly failures: FailureReport[];
  readonly knownViolations: Record<string, number>;
  readonly injections: InjectionTotals;
}

/** Runs `vmakit verify` and prints what came of it; gives the exit code. */
export async function runVerify(files: readonly string[], options: VerifyOptions): Promise<number> {
  checkArch(options.arch);
  if (files.length === 0 && options.bugs === undefined) throw new UsageError('expected a file of scenarios');
  const requests = files.map((file) => request(file, options));
  if (options.steps === true) {
    for (const one of requests) await printSteps(one);
    return EXIT_OK;
  }
  if (options.bugs !== undefined) return showBugs(files, options.bugs, options);
  const totals: Totals = {
    passed: 0,
    failed: 0,
    operations: 0,
    failures: [],
    knownViolations: {},
    injections: { byPoint: {}, plainDefects: {} },
  };
  for await (const report of reports(requests, options.jobs ?? defaultJobs(files.length))) add(totals, report);
  const order = new Map(files.map((file, i) => [file, i]));
  totals.failures.sort((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.index - b.index);
  process.stdout.write(
    options.json === true ? `${JSON.stringify(toJson(totals), null, 2)}\n` : toText(totals, options),
  );
  return totals.failed === 0 ? EXIT_OK : EXIT_FAILED;
}

function checkArch(arch: string | undefined): void {
  if (arch === undefined) return;
  try {
    archByName(arch);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message);
  }
}

function request(file: string, options: VerifyOptions): VerifyRequest {
  return wholeFile(file, {
    check: options.check ?? false,
    arch: options.arch ?? null,
    profile: options.profile ?? null,
    inject: options.inject ?? false,
    filter: options.filter ?? null,
  });
}

async function* reports(requests: readonly VerifyRequest[], jobs: number): AsyncGenerator<VerifyReport> {
  if (!requests.some(({ file }) => file === '-')) {
    yield* verifyFiles(requests, jobs);
    return;
  }
  // Standard input cannot be shared out.
  for (const one of requests) {
    yield one.file === '-' ? await verifyFile(one, { input: process.stdin }) : await verifyFile(one);
  }
}

function add(totals: Totals, report: VerifyReport): void {
  totals.passed += report.passed;
  totals.failed += report.failed;
  totals.operations += report.operations;
  totals.failures.push(...report.failures);
  addCounts(totals.knownViolations, report.knownViolations);
  addCounts(totals.injections.plainDefects, report.injections.plainDefects);
  addInjections(totals.injections, report.injections.byPoint, []);
}

function addCounts(to: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) to[name] = (to[name] ?? 0) + count;
}

function toJson(totals: Totals): Record<string, unknown> {
  const { passed, failed, operations, knownViolations, injections } = totals;
  const failures = totals.failures.map(failureToJson);
  const injected = Object.keys(injections.byPoint).length === 0 ? {} : { injections };
  return { passed, failed, operations, failures, knownViolations, ...injected };
}

function toText(totals: Totals, options: VerifyOptions): string {
  const { failures, passed, failed } = totals;
  const parts: string[] = [];
  if (options.summary === true) parts.push(renderSummary(failures));
  else for (const failure of failures.slice(0, options.show)) parts.push(renderFailure(failure));
  const more = failures.length - options.show;
  if (options.summary !== true && more > 0) parts.push(`(${more} more; --show ${failures.length} prints all)\n`);
  if (options.inject === true) parts.push(renderInjections(totals.injections));
  const known = Object.entries(totals.knownViolations).map(([invariant, count]) => `${invariant} in ${count}`);
  if (known.length > 0) parts.push(`broken by the recorded kernel itself: ${known.join(', ')} scenarios\n`);
  parts.push(`${passed} passed, ${failed} failed\n`);
  return parts.join('\n');
}
