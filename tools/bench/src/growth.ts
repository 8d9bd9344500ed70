import { rmapWalkAnon } from '@vmakit/rmap';
import type { Calm } from './calm.js';
import { median } from './measure.js';
import { ARENA_A as A0, Machine, PAGE, READ, RW } from './machine.js';
import { announcedChurn, announcedProtectChurn } from './announced.js';
import { type Workload, churn, protectChurn } from './workloads.js';

/** How the cost of one operation grows with what there is. Model only: the live kernel has a limit of 65530 VMAs. */
export interface GrowthResult {
  readonly name: string;
  /** What there was, in VMAs, and what an operation took then, in nanoseconds. */
  readonly small: number;
  readonly smallNs: number;
  readonly large: number;
  readonly largeNs: number;
  /** `largeNs` by `smallNs`. */
  readonly growth: number;
}

/** Something whose cost is looked at in two sizes. */
export interface GrowthProbe {
  readonly name: string;
  readonly small: number;
  readonly large: number;
  /** Nanoseconds of one operation with `vmas` VMAs. */
  run(vmas: number): number;
}

const ROUNDS = 200_000;

export const GROWTH_PROBES: readonly GrowthProbe[] = [
  workloadProbe('scale W1', churn),
  workloadProbe('scale W2', (vmas) => protectChurn(vmas, false)),
  workloadProbe('scale W1 announced', announcedChurn),
  workloadProbe('scale W2 announced', announcedProtectChurn),
  { name: 'scale anon_vma split, merge', small: 1000, large: 100_000, run: splitAndMerge },
  { name: 'scale anon_vma fork, per VMA', small: 1000, large: 100_000, run: forkPerVma },
  { name: 'scale anon_vma walk', small: 1000, large: 100_000, run: walk },
];

/**
 * Measures each probe in both sizes, in turn; medians. A first repetition is not counted, nor is a small one before
 * each: when what there was before becomes garbage, code that was compiled for it may go with it.
 */
export function measureGrowth(probes: readonly GrowthProbe[], repetitions: number, calm: Calm): GrowthResult[] {
  return probes.map(({ name, small, large, run }) => {
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round <= repetitions; round++) {
      const sample = [small, large].map((vmas) => {
        run(small);
        return calm.measure(() => run(vmas));
      });
      if (round > 0) sample.forEach((time, at) => times[at]?.push(time));
    }
    const [smallNs, largeNs] = [median(times[0]), median(times[1])];
    return { name, small, smallNs, large, largeNs, growth: largeNs / smallNs };
  });
}

function vastMachine(): Machine {
  return new Machine([], { maxMapCount: Infinity });
}

function workloadProbe(name: string, workload: (vmas: number) => Workload): GrowthProbe {
  return {
    name,
    small: 1000,
    large: 1_000_000,
    run: (vmas) => {
      const { nanoseconds, operations } = workload(vmas).run(vastMachine(), 0.5);
      return nanoseconds / operations;
    },
  };
}

function timed(body: () => void): number {
  const start = process.hrtime.bigint();
  body();
  return Number(process.hrtime.bigint() - start);
}

/** One anon_vma with `vmas` VMAs on it: touched memory, of which every other page cannot be written to any more. */
function sharedAnonVma(vmas: number): Machine {
  const machine = vastMachine();
  machine.map(A0, vmas * PAGE, RW);
  machine.touch(A0, vmas * PAGE);
  for (let page = 1; page < vmas; page += 2) machine.protect(A0 + page * PAGE, PAGE, READ);
  return machine;
}

/** A page of its own merges with both of its neighbours, and is split off again. */
function splitAndMerge(vmas: number): number {
  const machine = sharedAnonVma(vmas);
  const half = vmas / 2 - 1;
  const rounds = ROUNDS / 2;
  const elapsed = timed(() => {
    for (let i = 0; i < rounds; i++) {
      const page = A0 + (2 * machine.random.below(half) + 1) * PAGE;
      machine.protect(page, PAGE, RW);
      machine.protect(page, PAGE, READ);
    }
  });
  return elapsed / (2 * rounds);
}

function forkPerVma(vmas: number): number {
  const machine = sharedAnonVma(vmas);
  const rounds = Math.max(1, Math.trunc(50_000 / vmas));
  let elapsed = 0;
  for (let i = 0; i < rounds; i++) {
    elapsed += timed(() => machine.fork());
  }
  return elapsed / rounds / vmas;
}

/** From a page to the VMA that maps it. */
function walk(vmas: number): number {
  const machine = sharedAnonVma(vmas);
  const { env, pages } = machine.process.mm;
  const first = A0 / PAGE;
  const heads = Int32Array.from({ length: vmas }, (_, i) => {
    const table = pages.lookup(0, first + i);
    return env.arch.pfn(pages.pool.words(table), pages.entryAt(table, 0, first + i), 0);
  });
  let found = 0;
  const elapsed = timed(() => {
    for (let i = 0; i < ROUNDS; i++) {
      rmapWalkAnon(env, heads[machine.random.below(vmas)] as number, () => {
        found++;
        return true;
      });
    }
  });
  if (found !== ROUNDS) throw new Error(`${found} VMAs were found in ${ROUNDS} walks`);
  return elapsed / ROUNDS;
}
