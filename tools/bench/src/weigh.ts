import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Machine } from './machine.js';
import { MEMORY_WORKLOADS, type MemoryWorkload } from './memory.js';
import { SCALE_NAME, type ScaleResult } from './scale.js';

/** The memory of a state, beside what the kernel's own objects take for it. */
export interface MemoryResult {
  readonly name: string;
  readonly modelBytes: number;
  readonly kernelBytes: number;
  readonly ratio: number;
}

/**
 * Frames that a machine has in its map of memory from the start, like the kernel's own: not part of what is weighed.
 */
const MEMMAP_FRAMES = 2 ** 19;

/** Compiled code is on the heap too, more or less of it by chance: these leave none but a baseline. */
const UNOPTIMIZED: readonly string[] = ['--no-opt', '--always-sparkplug'];

/** Weighs each state in a process of its own. */
export function weighAll(workloads: readonly MemoryWorkload[]): MemoryResult[] {
  return workloads.map(({ name, kernelBytes }) => {
    const modelBytes = Number(inProcess([...UNOPTIMIZED, name]));
    return { name, modelBytes, kernelBytes, ratio: modelBytes / kernelBytes };
  });
}

/** Builds {@link buildScale} in a process of its own. */
export function weighScale(): ScaleResult {
  return JSON.parse(inProcess([SCALE_NAME])) as ScaleResult;
}

/** Runs weigh-one.ts; the name comes last in `args`, options of Node before it. */
function inProcess(args: readonly string[]): string {
  const script = fileURLToPath(new URL('./weigh-one.js', import.meta.url));
  const options = [...process.execArgv, ...args.slice(0, -1)];
  return execFileSync(process.execPath, [...options, script, ...args.slice(-1)], { encoding: 'utf8' });
}

/** Bytes by which heap and array buffers grow when the state is built, after forced collections. */
export function weigh(name: string): number {
  const workload = MEMORY_WORKLOADS.find((candidate) => candidate.name === name);
  if (workload === undefined) throw new RangeError(`name: there is no memory workload ${name}`);
  // Code, and the shapes of objects, take their place before anything is weighed.
  warmUp(workload);
  const machine = new Machine();
  machine.kernel.env.memory.reserve(MEMMAP_FRAMES);
  const before = used();
  workload.build(machine);
  const after = used();
  if (machine.process.mm.mapCount === 0) throw new Error('the state is gone');
  return after - before;
}

/** The same state on a machine that goes away again. */
function warmUp(workload: MemoryWorkload): void {
  const machine = new Machine();
  workload.build(machine);
  machine.kernel.dispose();
}

function used(): number {
  let least = Infinity;
  // What the engine frees behind the program's back counts for one collection more, or two.
  for (let i = 0; i < 6; i++) {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}
