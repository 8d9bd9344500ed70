import { expect, test } from 'vitest';
import { announcedChurn, announcedProtectChurn } from './announced.js';
import { GROWTH_PROBES } from './growth.js';
import { Machine } from './machine.js';
import { churn, protectChurn } from './workloads.js';

const VAST = { maxMapCount: Infinity };

// How long it takes says nothing here: a probe must do what it measures, whatever the size.
test.each(GROWTH_PROBES.map((probe) => [probe.name, probe] as const))('%s runs in a small size', (_, probe) => {
  expect(probe.run(200)).toBeGreaterThan(0);
});

test.each([
  ['W1', churn, announcedChurn],
  ['W2', (vmas: number) => protectChurn(vmas, false), announcedProtectChurn],
])('%s ends in the same layout when its calls are announced', (_, plain, announced) => {
  // So many VMAs that announcements matter, and a number of calls that is not one of whole groups.
  const [expected, layout] = [plain, announced].map((make) => make(110_000).run(new Machine([], VAST), 0.01).layout);
  expect(layout).toEqual(expected);
});
