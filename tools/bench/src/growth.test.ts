import { expect, test } from 'vitest';
import { GROWTH_PROBES } from './growth.js';

// How long it takes says nothing here: a probe must do what it measures, whatever the size.
test.each(GROWTH_PROBES.map((probe) => [probe.name, probe] as const))('%s runs in a small size', (_, probe) => {
  expect(probe.run(200)).toBeGreaterThan(0);
});
