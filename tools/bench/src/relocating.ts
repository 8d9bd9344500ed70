import { largeFolio } from '@vmakit/policy-large-folio';
import { MREMAP_RELOCATE_ANON, relocateAnon } from '@vmakit/policy-relocate-anon';
import { layoutOf } from './layout.js';
import { ARENA_A, ARENA_B, MIB, type Machine, PAGE } from './machine.js';
import type { Measurement, Workload } from './workloads.js';

/** Ranges that are moved entry by entry: their two ends do not lie alike in their tables. */
const RANGES = [
  { name: '64 pages', bytes: 64 * PAGE, moves: 20_000 },
  { name: '2 MiB', bytes: 2 * MIB, moves: 4000 },
  { name: '64 MiB', bytes: 64 * MIB, moves: 60 },
] as const;

/** What a relocating move may cost, and what listening to it may: times what stands before it in the list. */
const KINDS = [
  { name: 'not', limit: null },
  { name: 'asked', limit: 3 },
  { name: 'heard', limit: 2 },
] as const;

type Kind = (typeof KINDS)[number]['name'];

/**
 * The same touched range moved to and fro, on a kernel with the series: without its flag; relocated; and relocated
 * while somebody counts the events.
 */
function relocating(range: (typeof RANGES)[number], kind: Kind): Workload {
  const { bytes, moves } = range;
  const flags = kind === 'not' ? 0 : MREMAP_RELOCATE_ANON;
  return {
    name: nameOf(range.name, kind),
    modelOnly: true,
    policies: [relocateAnon(), largeFolio()],
    run(machine: Machine, scale: number): Measurement {
      const rounds = Math.max(1, Math.trunc(moves * scale));
      let [from, to] = [ARENA_A, ARENA_B + PAGE];
      machine.map(from, bytes, 3);
      machine.touch(from, bytes);
      let heard = 0;
      const stop = kind === 'heard' ? machine.kernel.bus.listen(() => heard++) : null;
      const start = process.hrtime.bigint();
      for (let i = 0; i < rounds; i++) {
        machine.move(from, to, bytes, flags);
        [from, to] = [to, from];
      }
      const nanoseconds = Number(process.hrtime.bigint() - start);
      stop?.();
      if (kind === 'heard' && heard < 8 * rounds) throw new Error(`only ${heard} events in ${rounds} moves`);
      return { nanoseconds, operations: (rounds * bytes) / PAGE, errors: 0, layout: layoutOf(machine.process.mm) };
    },
  };
}

function nameOf(range: string, kind: Kind): string {
  return `relocate ${range}, ${kind}`;
}

/** Nanoseconds a page. */
export const RELOCATING_WORKLOADS: readonly Workload[] = RANGES.flatMap((range) =>
  KINDS.map(({ name }) => relocating(range, name)),
);

/** One cost by another, and what it may be at most. */
export interface CostRatio {
  readonly name: string;
  readonly ratio: number;
  readonly limit: number;
}

/** What relocation, and listening to it, costs more, as far as it was measured. */
export function costRatios(results: readonly { readonly name: string; readonly modelNs: number }[]): CostRatio[] {
  const cost = new Map(results.map(({ name, modelNs }) => [name, modelNs]));
  const ratios: CostRatio[] = [];
  const compare = (name: string, dearName: string, cheapName: string, limit: number): void => {
    const [dear, cheap] = [cost.get(dearName), cost.get(cheapName)];
    if (dear !== undefined && cheap !== undefined) ratios.push({ name, ratio: dear / cheap, limit });
  };
  compare('W6 relocating : n=10000', 'W6 relocating', 'W6 n=10000', 2);
  for (const { name: range } of RANGES) {
    for (const [at, { name, limit }] of KINDS.entries()) {
      const before = KINDS[at - 1];
      if (limit === null || before === undefined) continue;
      compare(`${nameOf(range, name)} : ${before.name}`, nameOf(range, name), nameOf(range, before.name), limit);
    }
  }
  return ratios;
}
