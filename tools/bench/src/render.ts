import { readFileSync } from 'node:fs';
import { table as plainTable } from '@vmakit/report';
import type { GrowthResult } from './growth.js';
import type { Phase, WorkloadResult } from './measure.js';
import type { RecordingResult } from './recordings.js';
import type { CostRatio } from './relocating.js';
import type { ScaleResult } from './scale.js';
import type { MemoryResult } from './weigh.js';

/** What a run of the benchmarks found: the object that `--json` prints. */
export interface BenchReport {
  readonly machine: string;
  readonly node: string;
  readonly repetitions: number;
  readonly scale: number;
  readonly workloads: readonly WorkloadResult[];
  readonly recordings: readonly RecordingResult[];
  /** What relocation costs, and what listening to it does, beside the same without. */
  readonly ratios: readonly CostRatio[];
  readonly memory: readonly MemoryResult[];
  /** Null: not asked for. */
  readonly scaled: ScaleResult | null;
  readonly growth: readonly GrowthResult[];
  /** Measurements that were kept though others used the machine; null: nobody looked. */
  readonly disturbed: number | null;
}

/** An earlier report to compare with. */
export function readBaseline(file: string): BenchReport {
  return JSON.parse(readFileSync(file, 'utf8')) as BenchReport;
}

const COLUMNS = ['workload', 'model ns', 'kernel ns', 'ratio', 'layout', 'VMAs'];

/** A table of the report; with a baseline, how the model's times changed. */
export function render(report: BenchReport, baseline: BenchReport | null): string {
  const head = baseline === null ? COLUMNS : [...COLUMNS, 'model vs baseline'];
  const rows = report.workloads.flatMap((result) => rowsOf(result, baseline));
  const memory = report.memory.map(({ name, modelBytes, kernelBytes, ratio }) => [
    name,
    kib(modelBytes),
    kib(kernelBytes),
    ratio.toFixed(2),
  ]);
  const growth = report.growth.map((result) => [
    result.name,
    count(result.small),
    time(result.smallNs),
    count(result.large),
    time(result.largeNs),
    `x ${result.growth.toFixed(2)}`,
  ]);
  const parts = [`${report.machine}, Node ${report.node}, medians of ${report.repetitions}`];
  if (rows.length > 0) parts.push(table([head, ...rows]));
  const recordings = report.recordings.map(({ name, unit, count, perSecond }) => {
    return [name, unit, whole(count), whole(perSecond)];
  });
  if (recordings.length > 0) parts.push(table([['recordings', 'of', 'read', 'a second'], ...recordings]));
  if (report.ratios.length > 0) {
    const ratios = report.ratios.map(({ name, ratio, limit }) => [name, ratio.toFixed(2), String(limit)]);
    parts.push(table([['cost', 'ratio', 'at most'], ...ratios]));
  }
  if (memory.length > 0) parts.push(table([['memory', 'model KiB', 'kernel KiB', 'ratio'], ...memory]));
  if (report.scaled !== null) parts.push(scaleLine(report.scaled));
  if (growth.length > 0) parts.push(table([['growth', 'VMAs', 'ns', 'VMAs', 'ns', 'growth'], ...growth]));
  if (report.disturbed !== null) parts.push(`measured while others used the machine: ${report.disturbed}`);
  return parts.join('\n\n');
}

function scaleLine({ name, vmas, touchedPages, peakBytes, limitBytes }: ScaleResult): string {
  const state = `${vmas.toLocaleString('en-US')} VMAs, ${touchedPages.toLocaleString('en-US')} pages touched`;
  return `${name}: ${state}, ${mib(peakBytes)} MiB of process memory at most (limit ${mib(limitBytes)} MiB)`;
}

function rowsOf(result: WorkloadResult, baseline: BenchReport | null): string[][] {
  const old = baseline?.workloads.find(({ name }) => name === result.name) ?? null;
  const layout = result.layoutEqual === null ? '-' : result.layoutEqual ? 'equal' : 'DIFFERS';
  const rows = [[result.name, ...figures(result), layout, String(result.vmas), ...change(result, old, baseline)]];
  if (result.phase2 !== null) {
    rows.push([
      '  phase 2',
      ...figures(result.phase2),
      '',
      '',
      ...change(result.phase2, old?.phase2 ?? null, baseline),
    ]);
  }
  return rows;
}

function figures({ modelNs, kernelNs, ratio }: Phase): string[] {
  return [time(modelNs), kernelNs === null ? '-' : time(kernelNs), ratio === null ? '-' : ratio.toFixed(2)];
}

function change(now: Phase, old: Phase | null, baseline: BenchReport | null): string[] {
  if (baseline === null) return [];
  return [old === null ? 'new' : `x ${(now.modelNs / old.modelNs).toFixed(2)}`];
}

const time = (ns: number): string => (ns < 100 ? ns.toFixed(1) : Math.round(ns).toLocaleString('en-US'));
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const mib = (bytes: number): string => Math.round(bytes / 2 ** 20).toLocaleString('en-US');
const count = (vmas: number): string => vmas.toLocaleString('en-US');
const kib = (bytes: number): string => Math.round(bytes / 1024).toLocaleString('en-US');

/** The first row has the titles; the first column is left-aligned. */
function table([titles = [], ...rows]: readonly (readonly string[])[]): string {
  const columns = titles.map((title, at) => ({ title, align: at === 0 ? ('left' as const) : ('right' as const) }));
  return plainTable(columns, rows);
}
