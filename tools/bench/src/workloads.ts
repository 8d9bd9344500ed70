import { MADV_DONTNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_POPULATE_WRITE } from '@vmakit/mm';
import { MREMAP_FIXED, MREMAP_MAYMOVE, type MremapPolicy } from '@vmakit/mremap';
import { largeFolio } from '@vmakit/policy-large-folio';
import { MREMAP_RELOCATE_ANON, relocateAnon } from '@vmakit/policy-relocate-anon';
import { ENTRY_WORKLOADS } from './entries.js';
import { RELOCATING_WORKLOADS } from './relocating.js';
import { type Layout, layoutOf } from './layout.js';
import { ARENA_A as A0, ARENA_B as B0, GIB, MIB, type Machine, PAGE, READ, RW } from './machine.js';

/** What one repetition of a workload gave. Times are nanoseconds. */
export interface Measurement {
  readonly nanoseconds: number;
  readonly operations: number;
  /** A second timed phase, where the workload has one. */
  readonly nanoseconds2?: number;
  readonly operations2?: number;
  readonly errors: number;
  readonly layout: Layout;
}

/** A workload of bench/WORKLOADS.md: `scale` multiplies the timed operations, never the sizes. */
export interface Workload {
  readonly name: string;
  /** Policies of the kernel it runs on; none: the stock kernel. */
  readonly policies?: readonly MremapPolicy[];
  /** Nothing that a released kernel could run beside it. */
  readonly modelOnly?: boolean;
  /** The workload whose cost it is compared with: the two are measured in turn. */
  readonly comparedWith?: string;
  run(machine: Machine, scale: number): Measurement;
}

const now = (): number => Number(process.hrtime.bigint());
export const scaled = (count: number, scale: number): number => Math.max(1, Math.trunc(count * scale));

/** Times `body` and takes the layout after it. */
export function timed(
  machine: Machine,
  operations: number,
  body: () => void,
  errors: () => number = () => 0,
): Measurement {
  const start = now();
  body();
  const nanoseconds = now() - start;
  return { nanoseconds, operations, errors: errors(), layout: layoutOf(machine.process.mm) };
}

/** W1. */
export function churn(count: number): Workload {
  return {
    name: `W1 n=${count}`,
    run(machine, scale) {
      const rounds = scaled(200_000, scale);
      for (let i = 0; i < count; i++) machine.map(A0 + 2 * i * PAGE, PAGE, RW);
      return timed(machine, 2 * rounds, () => {
        for (let j = 0; j < rounds; j++) {
          const at = A0 + 2 * machine.random.below(count) * PAGE;
          machine.unmap(at, PAGE);
          machine.map(at, PAGE, RW);
        }
      });
    },
  };
}

function churnWithSearch(count: number): Workload {
  return {
    name: `W1h n=${count}`,
    run(machine, scale) {
      const rounds = scaled(200_000, scale);
      const at = new Float64Array(count);
      const pages = new Int32Array(count);
      const place = (i: number): void => {
        pages[i] = 1 + machine.random.below(16);
        at[i] = machine.mapAnywhere((pages[i] as number) * PAGE, (i & 1) !== 0 ? RW : READ);
      };
      for (let i = 0; i < count; i++) place(i);
      return timed(machine, 2 * rounds, () => {
        for (let j = 0; j < rounds; j++) {
          const i = machine.random.below(count);
          machine.unmap(at[i] as number, (pages[i] as number) * PAGE);
          place(i);
        }
      });
    },
  };
}

/** The pages that W2 protects, and whether each of them can be written to. */
export class ProtectedPages {
  // A bit each: what a workload keeps for itself should not be what is waited for.
  readonly #readOnly: Int32Array;

  constructor(count: number) {
    this.#readOnly = new Int32Array((count + 31) >> 5);
  }

  /** Byte address of page `i`. */
  address(i: number): number {
    return A0 + (4 * i + 1) * PAGE;
  }

  /** Makes page `i` what it was not; gives its protection from now on. */
  flip(i: number): number {
    const bits = (this.#readOnly[i >> 5] as number) ^ (1 << (i & 31));
    this.#readOnly[i >> 5] = bits;
    return (bits & (1 << (i & 31))) === 0 ? RW : READ;
  }
}

/** W2; touched: W2f. */
export function protectChurn(count: number, touched: boolean): Workload {
  return {
    name: `W2${touched ? 'f' : ''} n=${count}`,
    run(machine, scale) {
      const rounds = scaled(400_000, scale);
      const pages = new ProtectedPages(count);
      machine.map(A0, 4 * count * PAGE, RW);
      if (touched) machine.touch(A0, 4 * count * PAGE);
      for (let i = 0; i < count; i += 2) machine.protect(pages.address(i), PAGE, pages.flip(i));
      return timed(machine, rounds, () => {
        for (let j = 0; j < rounds; j++) {
          const i = machine.random.below(count);
          machine.protect(pages.address(i), PAGE, pages.flip(i));
        }
      });
    },
  };
}

function moveToAndFro(name: string, bytes: number, offset: number, count: number): Workload {
  return {
    name: `W3 ${name}`,
    run(machine, scale) {
      const rounds = scaled(count, scale);
      let from = A0;
      let to = B0 + offset;
      machine.map(from, bytes, RW);
      machine.touch(from, bytes);
      const result = timed(machine, rounds, () => {
        for (let j = 0; j < rounds; j++) {
          machine.move(from, to, bytes);
          [from, to] = [to, from];
        }
      });
      return { ...result, nanoseconds2: result.nanoseconds / rounds, operations2: bytes / PAGE };
    },
  };
}

function faultStorm(name: string, advice: number): Workload {
  return {
    name: `W4 ${name}`,
    run(machine) {
      machine.map(A0, GIB, RW);
      machine.advise(A0, GIB, advice);
      const result = timed(machine, GIB / PAGE, () => machine.touch(A0, GIB));
      const start = now();
      machine.unmap(A0, GIB);
      return { ...result, nanoseconds2: now() - start, operations2: 1 };
    },
  };
}

const forkAndCopy: Workload = {
  name: 'W5',
  run(machine) {
    const pages = GIB / PAGE;
    machine.map(A0, GIB, RW);
    machine.advise(A0, GIB, MADV_NOHUGEPAGE);
    machine.touch(A0, GIB);
    let child = machine.process;
    const result = timed(machine, pages, () => {
      child = machine.fork();
    });
    const writes = Math.trunc(pages / 10);
    const start = now();
    for (let j = 0; j < writes; j++) child.touch(A0 / PAGE + machine.random.below(pages), 1, { value: 2 });
    return { ...result, nanoseconds2: now() - start, operations2: writes };
  },
};

/** W6; relocating: on a kernel with the series, each mremap asking for it. Ends with one VMA then. */
function compactor(count: number, relocating: boolean): Workload {
  const flags = relocating ? MREMAP_RELOCATE_ANON : 0;
  const plain = `W6 n=${count}`;
  return {
    name: relocating ? 'W6 relocating' : plain,
    modelOnly: relocating,
    ...(relocating && { comparedWith: plain }),
    policies: relocating ? [relocateAnon(), largeFolio()] : [],
    run(machine) {
      const lengths = new Int32Array(count);
      for (let i = 0; i < count; i++) {
        const bytes = (lengths[i] = (1 + machine.random.below(4)) * PAGE);
        machine.map(A0 + 8 * i * PAGE, bytes, RW);
        machine.touch(A0 + 8 * i * PAGE, bytes);
      }
      return timed(machine, count, () => {
        let to = B0;
        for (let i = 0; i < count; i++) {
          machine.move(A0 + 8 * i * PAGE, to, lengths[i] as number, flags);
          to += lengths[i] as number;
        }
      });
    },
  };
}

const randomMix: Workload = {
  name: 'W7',
  run(machine, scale) {
    const rounds = scaled(200_000, scale);
    machine.map(A0, 65536 * PAGE, RW);
    let errors = 0;
    return timed(
      machine,
      rounds,
      () => {
        for (let j = 0; j < rounds; j++) if (!randomStep(machine)) errors++;
      },
      () => errors,
    );
  },
};

/** One operation of W7; whether it succeeded. The generator is drawn in the order that WORKLOADS.md gives. */
function randomStep(machine: Machine): boolean {
  const { random, process } = machine;
  const operation = random.below(100);
  const at = A0 + random.below(65472) * PAGE;
  const pages = 1 + random.below(16);
  random.next();
  const { high, low } = random;
  // The low half of `x >> 8`.
  const shifted = (low >>> 8) | (high << 24);
  const length = pages * PAGE;
  if (operation < 20) return machine.tryMap(at, (1 + (shifted & 63)) * PAGE, (low & 3) !== 0 ? RW : READ);
  if (operation < 35) return process.munmap(at, length) === 0;
  if (operation < 55) return process.mprotect(at, length, (low & 1) !== 0 ? RW : READ) === 0;
  if (operation < 80) {
    const to = random.remainder(65472);
    random.next();
    const size = (random.low & 3) !== 0 ? pages : 1 + ((random.low >>> 8) & 15);
    const flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    return typeof process.mremap(at, length, size * PAGE, flags, A0 + to * PAGE) === 'number';
  }
  if (operation < 95) return process.madvise(at, (1 + (low & 7)) * PAGE, MADV_POPULATE_WRITE) === 0;
  return process.madvise(at, length, MADV_DONTNEED) === 0;
}

function unmergedNeighbours(count: number, reversed: boolean): Workload {
  return {
    name: `W8 ${reversed ? 'unmerged' : 'merged'}`,
    run(machine) {
      for (let i = 0; i < count; i++) {
        machine.map(A0 + 2 * i * PAGE, PAGE, RW);
        machine.touch(A0 + 2 * i * PAGE, PAGE);
      }
      if (reversed) {
        for (let i = 0; i < count; i++) machine.move(A0 + 2 * i * PAGE, B0 + (count - 1 - i) * PAGE, PAGE);
      } else {
        for (let i = 0; i < count; i++) machine.unmap(A0 + 2 * i * PAGE, PAGE);
        machine.map(B0, count * PAGE, RW);
        machine.touch(B0, count * PAGE);
      }
      const layout = layoutOf(machine.process.mm);
      const start = now();
      const child = machine.fork();
      const forked = now();
      child.exit();
      const begin = now();
      machine.protect(B0, count * PAGE, READ);
      machine.protect(B0, count * PAGE, RW);
      machine.unmap(B0, count * PAGE);
      const nanoseconds2 = now() - begin;
      return { nanoseconds: forked - start, operations: 1, nanoseconds2, operations2: 1, errors: 0, layout };
    },
  };
}

/** The timed workloads W1 to W8, named as hostbench names them. */
export const WORKLOADS: readonly Workload[] = [
  ...[1000, 10_000, 60_000].map(churn),
  ...[1000, 10_000, 60_000].map(churnWithSearch),
  ...[1000, 10_000, 30_000].map((count) => protectChurn(count, false)),
  ...[1000, 10_000].map((count) => protectChurn(count, true)),
  moveToAndFro('1page', PAGE, 0, 200_000),
  moveToAndFro('64page', 64 * PAGE, 0, 50_000),
  moveToAndFro('2MiB aligned', 2 * MIB, 0, 200_000),
  moveToAndFro('2MiB misaligned', 2 * MIB, PAGE, 5000),
  moveToAndFro('1GiB aligned', GIB, 0, 50_000),
  moveToAndFro('1GiB pmd', GIB, 2 * MIB, 1000),
  moveToAndFro('1GiB misaligned', GIB, PAGE, 4),
  faultStorm('4K', MADV_NOHUGEPAGE),
  faultStorm('THP', MADV_HUGEPAGE),
  forkAndCopy,
  compactor(10_000, false),
  randomMix,
  unmergedNeighbours(45_000, false),
  unmergedNeighbours(45_000, true),
];

/** Those, and the ones that only the model can run. */
export const ALL_WORKLOADS: readonly Workload[] = [
  ...WORKLOADS,
  compactor(10_000, true),
  ...ENTRY_WORKLOADS,
  ...RELOCATING_WORKLOADS,
];
