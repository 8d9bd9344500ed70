import { MADV_NOHUGEPAGE } from '@vmakit/mm';
import { ARENA_A as A0, ARENA_B as B0, GIB, MIB, type Machine, PAGE, RW } from './machine.js';

/** A memory workload of bench/WORKLOADS.md: builds a state that is then weighed. */
export interface MemoryWorkload {
  readonly name: string;
  /** Bytes that the kernel's own objects take for the same state (bench/BASELINES.md section 2). */
  readonly kernelBytes: number;
  build(machine: Machine): void;
}

/** Bytes of kernel objects with slab rounding, BASELINES.md section 2. */
const VMA = 195;
const ANON_VMA = 105;
const CHAIN = 64;
const MAPLE_NODE = 256;

function objects(vmas: number, anonVmas: number, chains: number, nodes: number): number {
  return vmas * VMA + anonVmas * ANON_VMA + chains * CHAIN + nodes * MAPLE_NODE;
}

function scattered(machine: Machine, count: number, touched: boolean): void {
  for (let i = 0; i < count; i++) machine.map(A0 + 2 * i * PAGE, PAGE, RW);
  if (touched) for (let i = 0; i < count; i++) machine.touch(A0 + 2 * i * PAGE, PAGE);
}

/** M1 and M2. Page tables of M1 count too: 996 KiB with gaps, 528 KiB packed (VmPTE of the kernel). */
export const MEMORY_WORKLOADS: readonly MemoryWorkload[] = [
  {
    name: 'M1 untouched',
    kernelBytes: objects(59_500, 0, 0, 12_500),
    build: (machine) => scattered(machine, 60_000, false),
  },
  {
    name: 'M1 touched',
    kernelBytes: objects(59_500, 59_900, 59_800, 8400) + 996 * 1024,
    build: (machine) => scattered(machine, 60_000, true),
  },
  {
    name: 'M1 packed',
    kernelBytes: objects(59_500, 59_900, 59_800, 9300) + 528 * 1024,
    build: (machine) => {
      scattered(machine, 60_000, true);
      for (let i = 0; i < 60_000; i++) machine.move(A0 + 2 * i * PAGE, B0 + (60_000 - 1 - i) * PAGE, PAGE);
    },
  },
  {
    name: 'M1 forked',
    kernelBytes: objects(39_700, 39_900, 60_000, 5500) + 2 * 332 * 1024,
    build: (machine) => {
      scattered(machine, 20_000, true);
      machine.fork();
    },
  },
  {
    name: 'M2 dense',
    kernelBytes: 2104 * 1024,
    build: (machine) => {
      machine.map(A0, GIB, RW);
      machine.advise(A0, GIB, MADV_NOHUGEPAGE);
      machine.touch(A0, GIB);
    },
  },
  {
    name: 'M2 sparse',
    kernelBytes: 16_468 * 1024,
    build: (machine) => {
      machine.map(A0, 4096 * 2 * MIB, RW);
      machine.advise(A0, 4096 * 2 * MIB, MADV_NOHUGEPAGE);
      for (let i = 0; i < 4096; i++) machine.touch(A0 + i * 2 * MIB, PAGE);
    },
  },
];
