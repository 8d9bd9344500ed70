import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  PG_ANON,
  PG_EXCLUSIVE,
  PIN_BIAS,
  PhysicalMemory,
  addLargeMappings,
  entireMapcount,
  largeMapcount,
  mmSlots,
  removeLargeMappings,
} from './index.js';

const machine = (limitFrames?: number) =>
  new PhysicalMemory({ maxOrder: 9, ...(limitFrames === undefined ? {} : { limitFrames }) });

describe('allocation', () => {
  it('hands out naturally aligned folios and takes them back', () => {
    const memory = machine();
    const small = memory.allocFolio(0);
    const large = memory.allocFolio(4);
    const huge = memory.allocFolio(9);
    expect([large % 16, huge % 512]).toEqual([0, 0]);
    expect(memory.headOf(huge + 511)).toBe(huge);
    expect(memory.usedFrames).toBe(1 + 16 + 512);
    for (const head of [small, large, huge]) memory.put(head);
    expect(memory.usedFrames).toBe(0);
  });

  it('names a reused frame by a new generation', () => {
    const memory = machine();
    const first = memory.allocFolio(0);
    const generation = memory.generation[first];
    memory.put(first);
    const second = memory.allocFolio(0);
    expect(second).toBe(first);
    expect(memory.generation[second]).not.toBe(generation);
  });

  it('merges freed single pages into a block when one is wanted', () => {
    const memory = machine(1024);
    const pages: number[] = [];
    for (let page = memory.allocFolio(0); page >= 0; page = memory.allocFolio(0)) pages.push(page);
    expect(pages).toHaveLength(1022);
    expect(memory.allocFolio(9)).toBe(-1);
    for (const page of pages) memory.put(page);
    expect(memory.allocFolio(9)).toBe(512);
  });

  it('fails when told to', () => {
    const memory = machine();
    memory.injector = { fails: (point) => point === 'folio-alloc' };
    expect(memory.allocFolio(0)).toBe(-1);
  });

  it('never gives a frame out twice, whatever the order of sizes (property)', () => {
    const step = fc.record({ order: fc.constantFrom(0, 0, 0, 2, 3, 4, 9), free: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const memory = machine(4096);
        const owner = new Map<number, number>();
        const folios: number[] = [];
        for (const { order, free } of steps) {
          if (free % 3 === 0 && folios.length > 0) {
            const [head] = folios.splice(free % folios.length, 1) as [number];
            for (let i = 0; i < 1 << (memory.order[head] as number); i++) owner.delete(head + i);
            memory.put(head);
            continue;
          }
          const head = memory.allocFolio(order);
          if (head < 0) continue;
          expect(head % 2 ** order).toBe(0);
          for (let i = 0; i < 2 ** order; i++) {
            expect(owner.has(head + i)).toBe(false);
            owner.set(head + i, head);
          }
          folios.push(head);
        }
        expect(memory.usedFrames).toBe(owner.size);
      }),
    );
  });
});

describe('references', () => {
  it('counts a pin of a small folio as 1024 references, of a large one apart', () => {
    const memory = machine();
    const small = memory.allocFolio(0);
    const large = memory.allocFolio(2);
    memory.pin(small);
    memory.pin(large);
    expect(memory.refcount[small]).toBe(1 + PIN_BIAS);
    expect(memory.refcount[large]).toBe(2);
    expect([memory.pins(small), memory.pins(large)]).toEqual([1, 1]);
    memory.unpin(small);
    memory.unpin(large);
    expect([memory.pins(small), memory.pins(large)]).toEqual([0, 0]);
  });

  it('does not free below zero', () => {
    const memory = machine();
    const head = memory.allocFolio(0);
    memory.put(head);
    expect(() => memory.put(head)).toThrow('a folio is not put more often than got');
  });
});

describe('who maps a large folio', () => {
  it('one mm: not shared; a second: shared; alone again: not shared', () => {
    const memory = machine();
    const head = memory.allocFolio(4);
    addLargeMappings(memory, head, 1, 16);
    expect(memory.isMarkedShared(head)).toBe(false);
    addLargeMappings(memory, head, 2, 16);
    expect(memory.isMarkedShared(head)).toBe(true);
    removeLargeMappings(memory, head, 1, 16);
    expect(memory.isMarkedShared(head)).toBe(false);
    expect(largeMapcount(memory, head)).toBe(16);
  });

  it('a third mm is not recorded, so the mark may be falsely left', () => {
    const memory = machine();
    const head = memory.allocFolio(4);
    for (const mm of [1, 2, 3]) addLargeMappings(memory, head, mm, 16);
    removeLargeMappings(memory, head, 1, 16);
    removeLargeMappings(memory, head, 2, 16);
    expect(mmSlots(memory, head)).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(memory.isMarkedShared(head)).toBe(true);
    expect(entireMapcount(memory, head)).toBe(0);
  });
});

it('a split folio gives single pages with consecutive offsets', () => {
  const memory = machine();
  const head = memory.allocFolio(2);
  memory.flags[head] = (memory.flags[head] as number) | PG_ANON;
  memory.flags[head + 2] = (memory.flags[head + 2] as number) | PG_EXCLUSIVE;
  memory.mapping[head] = 7;
  memory.index[head] = 100;
  memory.breakUp(head, 1);
  for (let i = 0; i < 4; i++) {
    expect([memory.order[head + i], memory.mapping[head + i], memory.index[head + i]]).toEqual([0, 7, 100 + i]);
  }
  expect(memory.flags[head + 2]).toBe(PG_ANON | PG_EXCLUSIVE);
});
