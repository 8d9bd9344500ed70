import fc from 'fast-check';
import { expect, it } from 'vitest';
import { draws } from './testing/random-operations.js';
import { PAGE_SIZES, runListenedTo, runRandom } from './testing/random-run.js';

/** Taken from the environment to see a run again; the name of each test has it. */
const SEED = Number(process.env['VMAKIT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['VMAKIT_RUNS'] ?? 100);

it.each(['x86-64', 'x86-64-la57', 'arm64-4k', 'arm64-16k', 'arm64-64k'])(
  `${RUNS} random scenarios keep every invariant on %s (VMAKIT_SEED=${SEED})`,
  { timeout: 600_000 },
  (arch) => {
    const scenarios = fc.property(fc.constantFrom(...PAGE_SIZES), draws, (sizes, list) => {
      expect(runRandom(arch, sizes, list)).toBeNull();
    });
    fc.assert(scenarios, { seed: SEED, numRuns: RUNS });
  },
);

it.each(['x86-64', 'arm64-4k'])(
  `${RUNS} random scenarios leave the same whether or not somebody listens on %s (VMAKIT_SEED=${SEED})`,
  { timeout: 600_000 },
  (arch) => {
    const scenarios = fc.property(fc.constantFrom(...PAGE_SIZES), draws, (sizes, list) => {
      expect(runListenedTo(arch, sizes, list)).toBeNull();
    });
    fc.assert(scenarios, { seed: SEED, numRuns: RUNS });
  },
);
