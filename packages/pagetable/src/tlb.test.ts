import { expect, test } from 'vitest';
import { TlbCounters } from './tlb.js';

test('flushes are counted by level and size', () => {
  const tlb = new TlbCounters();
  tlb.flushRange(10, 0, 0);
  tlb.flushRange(1024, 1, 9);
  tlb.flushPage();
  tlb.flushAll();
  expect([...tlb.ranges]).toEqual([1, 1, 0, 0, 0]);
  expect([...tlb.entries]).toEqual([10, 2, 0, 0, 0]);
  expect([tlb.pages, tlb.single, tlb.full, tlb.rangeFlushes]).toEqual([1034, 1, 1, 2]);
});
