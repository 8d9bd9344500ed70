import { describe, expect, it } from 'vitest';
import { Machine } from './machine.js';
import { ALL_WORKLOADS, WORKLOADS, type Workload } from './workloads.js';

/** End states of a 6.18 kernel at scale 1 (WORKLOADS.md, "Expected end states"): VMAs, errors, layout. */
const EXPECTED: Readonly<Record<string, readonly [number, number, string]>> = {
  'W1 n=1000': [1000, 0, '502f53f17eb6d2c1'],
  'W1 n=10000': [10000, 0, '38c4704e47ec4551'],
  'W1 n=60000': [60000, 0, '586c2e11c6332f75'],
  'W2 n=1000': [957, 0, 'd34cb58109e0d0a9'],
  'W2 n=10000': [10017, 0, 'dd63208e27a15f36'],
  'W2 n=30000': [30105, 0, '06b9d3e9328018b6'],
  'W2f n=1000': [957, 0, 'd34cb58109e0d0a9'],
  'W2f n=10000': [10017, 0, 'dd63208e27a15f36'],
  'W3 1page': [1, 0, '05f7ee761e60544d'],
  'W3 64page': [1, 0, 'd6d28dd77457610e'],
  'W3 2MiB aligned': [1, 0, 'fa504861fa97a518'],
  'W3 2MiB misaligned': [1, 0, 'fa504861fa97a518'],
  'W3 1GiB aligned': [1, 0, '2589a5a3f005693e'],
  'W3 1GiB pmd': [1, 0, '2589a5a3f005693e'],
  'W3 1GiB misaligned': [1, 0, '2589a5a3f005693e'],
  'W4 4K': [1, 0, '2589a5a3f005693e'],
  'W4 THP': [1, 0, '2589a5a3f005693e'],
  W5: [1, 0, '2589a5a3f005693e'],
  'W6 n=10000': [10000, 0, '886d03051330afb9'],
  W7: [4941, 56265, '972b305976f3979f'],
  'W8 merged': [1, 0, 'a25ab178269d225e'],
  'W8 unmerged': [45000, 0, '6f95e600373f5a2d'],
};

/** W7 on the way: scale, errors, VMAs, layout. A wrong partial effect shows early. */
const W7_ON_THE_WAY = [
  [0.0005, 1, 74, '052a8c47201ade00'],
  [0.005, 28, 922, 'f872ea12abd13f91'],
  [0.05, 1626, 4657, '48395dda2c60cd21'],
  [0.5, 27422, 4961, 'edc707eaf1081f3e'],
] as const;

function workload(name: string): Workload {
  return ALL_WORKLOADS.find((candidate) => candidate.name === name) as Workload;
}

describe('the workloads end as on a live kernel', () => {
  it.each(Object.entries(EXPECTED))('%s', (name, [vmas, errors, hash]) => {
    const result = workload(name).run(new Machine(), 1);
    expect([result.layout.vmas, result.errors, result.layout.hash]).toEqual([vmas, errors, hash]);
  });

  it('knows what each ends with, but for addresses that the kernel chose', () => {
    // Those depend on the holes that the measuring process itself has: two machines with one kernel differ too.
    const unknown = WORKLOADS.filter(({ name }) => !(name in EXPECTED)).map(({ name }) => name);
    expect(unknown).toEqual(['W1h n=1000', 'W1h n=10000', 'W1h n=60000']);
  });

  it.each(W7_ON_THE_WAY)('W7 at scale %d', (scale, errors, vmas, hash) => {
    const result = workload('W7').run(new Machine(), scale);
    expect([result.errors, result.layout.vmas, result.layout.hash]).toEqual([errors, vmas, hash]);
  });

  it('the compactor ends with one VMA when it relocates', () => {
    const relocating = workload('W6 relocating');
    const { layout } = relocating.run(new Machine(relocating.policies), 1);
    expect(layout.vmas).toBe(1);
  });
});
