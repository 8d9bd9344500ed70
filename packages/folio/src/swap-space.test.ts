import { expect, it } from 'vitest';
import { MappedFile, PG_DIRTY, PG_SWAPCACHE, PhysicalMemory, SwapSpace } from './index.js';

const machine = () => {
  const memory = new PhysicalMemory({ maxOrder: 9 });
  return { memory, swap: new SwapSpace(memory) };
};

it('a folio paged out keeps its content in its slots', () => {
  const { memory, swap } = machine();
  const head = memory.allocFolio(2);
  memory.content[head + 3] = 42;
  const first = swap.addFolio(head);
  expect(first % 4).toBe(0);
  swap.writeBack(head);
  for (let i = 0; i < 4; i++) swap.duplicate(first + i);
  swap.removeFolio(head);
  memory.put(head);
  expect([swap.content[first + 3], memory.usedFrames, swap.used]).toEqual([42, 0, 4]);
  for (let i = 0; i < 4; i++) swap.release(first + i);
  expect(swap.used).toBe(0);
});

it('a slot without entries is free only when no folio is cached for it', () => {
  const { memory, swap } = machine();
  const head = memory.allocFolio(0);
  const slot = swap.addFolio(head);
  swap.duplicate(slot);
  swap.release(slot);
  expect([swap.used, swap.isSwapped(head)]).toEqual([1, false]);
  swap.removeFolio(head);
  expect([swap.used, (memory.flags[head] as number) & PG_SWAPCACHE]).toEqual([0, 0]);
});

it('fails when told to, and when full', () => {
  const { memory } = machine();
  const swap = new SwapSpace(memory, { limitSlots: 2 });
  expect(swap.addFolio(memory.allocFolio(0))).toBe(1);
  expect(swap.addFolio(memory.allocFolio(0))).toBe(-1);
  swap.injector = { fails: (point) => point === 'swap-slot' };
  expect(swap.addFolio(memory.allocFolio(0))).toBe(-1);
});

it('memory of a memfd survives reclaim in swap', () => {
  const { memory, swap } = machine();
  const file = new MappedFile({ id: 1, kind: 'memfd', sizePages: 8 });
  const page = file.read(memory, swap, 5);
  memory.content[page] = 9;
  expect(file.reclaim(memory, swap, 5)).toBe(true);
  expect([file.cached(5), memory.usedFrames, swap.used]).toEqual([-1, 0, 1]);
  const again = file.read(memory, swap, 5);
  expect([memory.content[again], swap.used, memory.index[again]]).toEqual([9, 0, 5]);
  expect((memory.flags[again] as number) & PG_DIRTY).not.toBe(0);
  file.release(memory, swap);
  expect(memory.usedFrames).toBe(0);
});
