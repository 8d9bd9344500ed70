import { cpus, release } from 'node:os';
import { tuneEngine, useHugePages } from '@vmakit/replay';
import { Command, InvalidArgumentError } from 'commander';
import { Calm } from './calm.js';
import { HostBench } from './host.js';
import { GROWTH_PROBES, measureGrowth } from './growth.js';
import { measure } from './measure.js';
import { MEMORY_WORKLOADS } from './memory.js';
import { RECORDING_WORKLOADS, type RecordingOptions, type RecordingResult } from './recordings.js';
import { type BenchReport, readBaseline, render } from './render.js';
import { weighAll, weighScale } from './weigh.js';
import { costRatios } from './relocating.js';
import { SCALE_NAME } from './scale.js';
import { ALL_WORKLOADS } from './workloads.js';

interface BenchOptions {
  readonly json?: boolean;
  readonly only?: readonly string[];
  readonly reps: number;
  readonly scale: number;
  readonly baseline?: string;
  readonly kernel: boolean;
  readonly calm: number;
}

const command = new Command('bench')
  .description('Run the workloads of WORKLOADS.md on the model, and on the live kernel in alternation')
  .option('--only <prefix...>', 'only workloads whose name begins so (W1 to W8, entry, relocate, R, M1 to M3)')
  .option('--reps <n>', 'repetitions of each', positive, 5)
  .option('--scale <x>', 'multiplies the timed operations, never the sizes', positive, 1)
  .option('--baseline <file>', 'a file that --json wrote: show what changed')
  .option('--json', 'print one object')
  .option('--calm <seconds>', 'spend so much on waiting for calm moments of a shared machine', positive, 0)
  .option('--no-kernel', 'do not measure the live kernel')
  .action(run);

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('A number above 0.');
  return value;
}

async function run(options: BenchOptions): Promise<void> {
  const wanted = ({ name }: { readonly name: string }): boolean =>
    options.only === undefined || options.only.some((prefix) => name.startsWith(prefix));
  const baseline = options.baseline === undefined ? null : readBaseline(options.baseline);
  const compiled = options.kernel ? HostBench.compile() : 'the live kernel is not measured: --no-kernel';
  const host = typeof compiled === 'string' ? null : compiled;
  if (typeof compiled === 'string') process.stderr.write(`${compiled}\n`);
  const calm = new Calm(options.calm);
  try {
    const common = { repetitions: options.reps, warmUpSeconds: 2, calm };
    const workloads = measure(ALL_WORKLOADS.filter(wanted), {
      ...common,
      scale: options.scale,
      host,
      onWorkload: (name) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${name}`),
    });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const report: BenchReport = {
      machine: `${cpus()[0]?.model ?? 'unknown processor'} x ${cpus().length}, Linux ${release()}`,
      node: process.versions.node,
      repetitions: options.reps,
      scale: options.scale,
      workloads,
      recordings: await readRecordings(RECORDING_WORKLOADS.filter(wanted), common),
      ratios: costRatios(workloads),
      memory: weighAll(MEMORY_WORKLOADS.filter(wanted)),
      scaled: wanted({ name: SCALE_NAME }) ? weighScale() : null,
      growth: measureGrowth(GROWTH_PROBES.filter(wanted), options.reps, calm),
      // The last, when all is measured.
      disturbed: options.calm === 0 ? null : calm.disturbed,
    };
    process.stdout.write(`${options.json === true ? JSON.stringify(report, null, 2) : render(report, baseline)}\n`);
  } finally {
    host?.dispose();
  }
}

async function readRecordings(
  workloads: typeof RECORDING_WORKLOADS,
  options: RecordingOptions,
): Promise<readonly RecordingResult[]> {
  const results: RecordingResult[] = [];
  for (const { measure: measureOne } of workloads) results.push(...(await measureOne(options)));
  return results;
}

// As the command line does.
tuneEngine();
useHugePages();
await command.parseAsync();
