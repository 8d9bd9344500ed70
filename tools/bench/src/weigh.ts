import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Machine } from './machine.js';
import { MEMORY_WORKLOADS, type MemoryWorkload } from './memory.js';

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

/** Weighs each state in a process of its own. */
export function weighAll(workloads: readonly MemoryWorkload[]): MemoryResult[] {
  const script = fileURLToPath(new URL('./weigh-one.ts', import.meta.url));
  return workloads.map(({ name, kernelBytes }) => {
    const args = ['--expose-gc', ...process.execArgv.filter((arg) => arg !== '--expose-gc'), script, name];
    const modelBytes = Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
    return { name, modelBytes, kernelBytes, ratio: modelBytes / kernelBytes };
  });
}

/** Bytes by which heap and array buffers grow when the state is built, after forced collections. */
export function weigh(name: string): number {
  const workload = MEMORY_WORKLOADS.find((candidate) => candidate.name === name);
  if (workload === undefined) throw new RangeError(`name: there is no memory workload ${name}`);
  // A first, small machine lets code and shapes take their place.
  warmUp();
  const machine = new Machine();
  machine.kernel.env.memory.reserve(MEMMAP_FRAMES);
  const before = used();
  workload.build(machine);
  const after = used();
  if (machine.process.mm.mapCount === 0) throw new Error('the state is gone');
  return after - before;
}

function warmUp(): void {
  const machine = new Machine();
  for (let i = 0; i < 3000; i++) {
    machine.map(0x1000_0000_0000 + i * 8192, 4096, 3);
    machine.touch(0x1000_0000_0000 + i * 8192, 4096);
  }
  machine.kernel.dispose();
}

function used(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
