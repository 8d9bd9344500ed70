import type { Calm } from './calm.js';
import type { HostBench, HostResult } from './host.js';
import { Machine } from './machine.js';
import type { Measurement, Workload } from './workloads.js';

/** One phase of a workload: nanoseconds per operation, medians over the repetitions. */
export interface Phase {
  readonly modelNs: number;
  /** Null: not measured on this machine. */
  readonly kernelNs: number | null;
  /** Model by kernel. */
  readonly ratio: number | null;
}

/** A timed workload on the model and on the live kernel. */
export interface WorkloadResult extends Phase {
  readonly name: string;
  readonly phase2: Phase | null;
  readonly vmas: number;
  readonly errors: number;
  readonly layout: string;
  /** VMAs, errors and layout are those of the live kernel; null: it was not measured, or leaves nothing to compare. */
  readonly layoutEqual: boolean | null;
}

interface Samples {
  readonly model: Measurement[];
  readonly host: HostResult[];
}

/** How to measure. */
export interface MeasureOptions {
  readonly repetitions: number;
  readonly scale: number;
  /** For how long each workload is run before its first repetition, at least once. */
  readonly warmUpSeconds: number;
  readonly host: HostBench | null;
  readonly calm: Calm;
  /** Told before each workload is measured. */
  readonly onWorkload: (name: string) => void;
}

/**
 * Measures workloads: one repetition of the kernel and one of the model in turn, so that both see the same drift of the
 * machine. Each repetition of the model has a kernel of its own. What goes before them is not counted: it takes the
 * engine a second or two to compile what a long replay runs.
 */
export function measure(workloads: readonly Workload[], options: MeasureOptions): WorkloadResult[] {
  return groups(workloads).flatMap(([prefix, members]) => {
    const samples = new Map<string, Samples>(members.map(({ name }) => [name, { model: [], host: [] }]));
    for (const workload of members) {
      options.onWorkload(workload.name);
      const start = performance.now();
      do runModel(workload, options.scale);
      while (performance.now() - start < 1000 * options.warmUpSeconds);
    }
    for (let round = 0; round < options.repetitions; round++) {
      const host = members.every(({ modelOnly }) => modelOnly === true) ? null : options.host;
      const results = host === null ? [] : options.calm.measure(() => host.run(prefix, options.scale));
      for (const result of results) samples.get(result.name)?.host.push(result);
      for (const workload of members) {
        const measurement = options.calm.measure(() => runModel(workload, options.scale));
        samples.get(workload.name)?.model.push(measurement);
      }
    }
    return members.map(({ name }) => summarize(name, samples.get(name) as Samples));
  });
}

/** The part of a workload that is run before it is timed. */
const WARM_UP = 1 / 20;

/** The machine of the repetition before; see {@link runModel}. */
let previous: Machine | null = null;

/**
 * One repetition, on a machine of its own. When garbage is collected, the engine forgets the shapes of objects of which
 * none is alive, and with them all code compiled for them. So a machine stays alive meanwhile, and a small run of the
 * same brings back what was lost, as a long replay would.
 */
function runModel(workload: Workload, scale: number): Measurement {
  const machine = new Machine(workload.policies);
  globalThis.gc?.();
  previous = machine;
  workload.run(new Machine(workload.policies), scale * WARM_UP);
  return workload.run(previous, scale);
}

/** Stands for workloads that a released kernel cannot run. */
const MODEL_ONLY = '';

/**
 * Workloads that share the part of the name before the size: hostbench takes them by prefix. With them those that are
 * compared with one of them.
 */
function groups(workloads: readonly Workload[]): [string, Workload[]][] {
  const found = new Map<string, Workload[]>();
  for (const workload of workloads) {
    const { name, modelOnly, comparedWith } = workload;
    const prefix = modelOnly === true && comparedWith === undefined ? MODEL_ONLY : prefixOf(comparedWith ?? name);
    found.set(prefix, [...(found.get(prefix) ?? []), workload]);
  }
  return [...found];
}

const prefixOf = (name: string): string => name.replace(/n=.*$/, '');

function summarize(name: string, { model, host }: Samples): WorkloadResult {
  const first = phase(
    model.map(({ nanoseconds, operations }) => nanoseconds / operations),
    host.map((result) => result.ns_per_op),
  );
  const hasPhase2 = model.every(({ nanoseconds2 }) => nanoseconds2 !== undefined) && !name.startsWith('W3');
  const phase2 = hasPhase2
    ? phase(
        model.map(({ nanoseconds2 = 0, operations2 = 1 }) => nanoseconds2 / operations2),
        host.map((result) => result.ns_per_op2 ?? Number.NaN),
      )
    : null;
  const { layout, errors } = model.at(-1) as Measurement;
  const kernel = host.at(-1);
  // Addresses that the kernel chooses are outside the arenas: only the number of VMAs can be compared, and is by tests.
  const comparable = kernel !== undefined && layout.vmas > 0;
  const layoutEqual = comparable
    ? kernel.layout === layout.hash && kernel.vmas === layout.vmas && kernel.errors === errors
    : null;
  return { name, ...first, phase2, vmas: layout.vmas, errors, layout: layout.hash, layoutEqual };
}

function phase(model: readonly number[], host: readonly number[]): Phase {
  const modelNs = median(model);
  const kernelNs = host.length === 0 ? null : median(host);
  return { modelNs, kernelNs, ratio: kernelNs === null ? null : modelNs / kernelNs };
}

/** The middle value; of an even number the higher of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
