import { expect, test } from 'vitest';
import { TlbCounters } from './tlb.js';

test('flushes are counted by level and size', () => {
  const tlb = new TlbCounters();
  tlb.flushRange(10, 0, 0);
  tlb.flushRange(1024, 1, 9);
  tlb.flushEntries(3, 2, 18);
  tlb.flushPage();
  tlb.flushAll();
  expect([...tlb.ranges]).toEqual([1, 1, 3, 0, 0]);
  expect([...tlb.entries]).toEqual([10, 2, 3, 0, 0]);
  expect([tlb.pages, tlb.single, tlb.full, tlb.rangeFlushes]).toEqual([1034 + 3 * 2 ** 18, 1, 1, 5]);
});
