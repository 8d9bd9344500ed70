import { PG_PARTIALLY_MAPPED, PhysicalMemory, entireMapcount, largeMapcount } from '@vmakit/folio';
import { KERNEL_PROFILES } from '@vmakit/base';
import { NO_LOCK_TRACKER } from '@vmakit/locking';
import { describe, expect, it } from 'vitest';
import {
  AnonVmaRegistry,
  type RmapContext,
  addAnonRmapPtes,
  addNewAnonRmapPage,
  addNewAnonRmapPmd,
  addNewAnonRmapPtes,
  addRmapPtes,
  anonVmaFork,
  anonVmaPrepare,
  isAnonExclusive,
  maybeDmaPinned,
  maybeMappedShared,
  moveAnonRmap,
  removeRmapPmd,
  removeRmapPtes,
  rmapWalkAnon,
  setAnonRmap,
  splitRmapPmd,
  tryShareAnonRmap,
} from './index.js';
import { TestVma } from './testing/test-vma.js';

const makeContext = (): RmapContext => ({
  profile: KERNEL_PROFILES['v7.3'],
  anonVmas: new AnonVmaRegistry(),
  memory: new PhysicalMemory({ maxOrder: 9 }),
  injector: null,
  locks: NO_LOCK_TRACKER,
});

/** A faulted VMA [16, 32) of process 1 and the same in its forked child, process 2. */
function family() {
  const context = makeContext();
  const parent = new TestVma(context.anonVmas, 1, 16, 32);
  anonVmaPrepare(context, parent.table, parent.row);
  const child = new TestVma(context.anonVmas, 2, 16, 32);
  anonVmaFork(context, child.table, child.row, parent.table, parent.row);
  return { context, parent, child, memory: context.memory };
}

describe('what a folio points to', () => {
  it('exclusive: the anon_vma of its VMA; else the root of the family', () => {
    const { memory, child } = family();
    const own = memory.allocFolio(0);
    setAnonRmap(memory, own, child, 20, true);
    const shared = memory.allocFolio(0);
    setAnonRmap(memory, shared, child, 20, false);
    expect([memory.mapping[own], memory.mapping[shared]]).toEqual([child.anonVma?.id, child.anonVma?.root.id]);
    expect(memory.index[own]).toBe(20);
    moveAnonRmap(memory, shared, child);
    expect(memory.mapping[shared]).toBe(child.anonVma?.id);
  });

  it('a new page says the same whether its VMA maps it or its anon_vma and offset are given', () => {
    const { memory, child } = family();
    const [byVma, byOffset] = [memory.allocFolio(0), memory.allocFolio(0)];
    addNewAnonRmapPtes(memory, byVma, child, 20, true);
    addNewAnonRmapPage(memory, byOffset, child.anonVma?.id ?? 0, 20);
    const said = (frame: number): unknown[] => [
      memory.flags[frame],
      memory.mapcount[frame],
      memory.mapping[frame],
      memory.index[frame],
    ];
    expect(said(byOffset)).toEqual(said(byVma));
    expect(isAnonExclusive(memory, byOffset)).toBe(true);
  });
});

describe('mapcounts', () => {
  it('a small folio mapped by two processes is shared, by one it is not', () => {
    const { memory, parent } = family();
    const head = memory.allocFolio(0);
    addNewAnonRmapPtes(memory, head, parent, 16, true);
    expect([maybeMappedShared(memory, head), isAnonExclusive(memory, head)]).toEqual([false, true]);
    addRmapPtes(memory, head, head, 1, 2);
    expect(maybeMappedShared(memory, head)).toBe(true);
    removeRmapPtes(memory, head, head, 1, 1);
    expect(maybeMappedShared(memory, head)).toBe(false);
  });

  it('a large folio that loses a page is marked for the split queue; one that loses all is not', () => {
    const { memory, parent } = family();
    const head = memory.allocFolio(2);
    addNewAnonRmapPtes(memory, head, parent, 16, true);
    removeRmapPtes(memory, head, head, 4, 1);
    expect((memory.flags[head] as number) & PG_PARTIALLY_MAPPED).toBe(0);
    addAnonRmapPtes(memory, head, head, 4, 1, true);
    removeRmapPtes(memory, head, head + 1, 1, 1);
    expect((memory.flags[head] as number) & PG_PARTIALLY_MAPPED).not.toBe(0);
    expect([memory.mapcount[head], memory.mapcount[head + 1], largeMapcount(memory, head)]).toEqual([1, 0, 3]);
  });

  it('a PMD map counts once; split, it is one for each page', () => {
    const { memory, parent } = family();
    const head = memory.allocFolio(9);
    addNewAnonRmapPmd(memory, head, parent, 16, true);
    expect([entireMapcount(memory, head), largeMapcount(memory, head), memory.refcount[head]]).toEqual([1, 1, 1]);
    splitRmapPmd(memory, head, 1);
    expect([entireMapcount(memory, head), largeMapcount(memory, head), memory.refcount[head]]).toEqual([0, 512, 512]);
    expect(isAnonExclusive(memory, head + 511)).toBe(true);
    expect((memory.flags[head] as number) & PG_PARTIALLY_MAPPED).toBe(0);
  });

  it('a folio that keeps only some PTEs beside a lost PMD map is marked', () => {
    const { memory, parent } = family();
    const head = memory.allocFolio(9);
    addNewAnonRmapPmd(memory, head, parent, 16, true);
    addRmapPtes(memory, head, head, 3, 2);
    removeRmapPmd(memory, head, 1);
    expect((memory.flags[head] as number) & PG_PARTIALLY_MAPPED).not.toBe(0);
  });
});

it('a pinned page keeps its exclusive mark', () => {
  const { memory, parent } = family();
  const head = memory.allocFolio(0);
  addNewAnonRmapPtes(memory, head, parent, 16, true);
  memory.pin(head);
  expect([maybeDmaPinned(memory, head), tryShareAnonRmap(memory, head, head)]).toEqual([true, false]);
  memory.unpin(head);
  expect([tryShareAnonRmap(memory, head, head), isAnonExclusive(memory, head)]).toEqual([true, false]);
});

describe('the walk', () => {
  it('visits each VMA of the family where the folio would be', () => {
    const { context, memory, parent } = family();
    const head = memory.allocFolio(0);
    addNewAnonRmapPtes(memory, head, parent, 20, true);
    const seen: number[][] = [];
    rmapWalkAnon(context, head, (vma, page, first) => seen.push([vma.mm.id, page, first]) > 0);
    expect(seen).toEqual([
      [1, 20, 0],
      [2, 20, 0],
    ]);
  });

  it('clamps a large folio that begins before the VMA', () => {
    const context = makeContext();
    const { memory } = context;
    const vma = new TestVma(context.anonVmas, 1, 100, 110, 18);
    anonVmaPrepare(context, vma.table, vma.row);
    const head = memory.allocFolio(2);
    setAnonRmap(memory, head, vma, 100, true);
    memory.index[head] = 16;
    const seen: number[][] = [];
    rmapWalkAnon(context, head, (_, page, first) => seen.push([page, first]) > 0);
    expect(seen).toEqual([[100, 2]]);
  });

  it('finds nothing when the anon_vma is gone', () => {
    const { context, memory, parent } = family();
    const head = memory.allocFolio(0);
    addNewAnonRmapPtes(memory, head, parent, 20, true);
    memory.mapping[head] = 999;
    expect(rmapWalkAnon(context, head, () => true)).toBe(false);
  });
});
