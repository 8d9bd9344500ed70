import { KERNEL_PROFILES, type KernelProfile, NONE } from '@vmakit/base';
import { PhysicalMemory } from '@vmakit/folio';
import { NO_LOCK_TRACKER } from '@vmakit/locking';
import { describe, expect, it } from 'vitest';
import type { AnonVma, RmapVma } from './anon-vma.js';
import { chainOf } from './anon-vma-links.js';
import { AnonVmaRegistry } from './anon-vma-registry.js';
import {
  type RmapContext,
  anonVmaClone,
  anonVmaFork,
  anonVmaPrepare,
  maybeShared,
  unlinkAnonVmas,
} from './anon-vma-operations.js';
import { TestVma } from './testing/test-vma.js';

function contextFor(profile: KernelProfile = KERNEL_PROFILES['v7.3']): RmapContext {
  return {
    profile,
    anonVmas: new AnonVmaRegistry(),
    memory: new PhysicalMemory({ maxOrder: 9 }),
    injector: null,
    locks: NO_LOCK_TRACKER,
  };
}

const vma = ({ anonVmas }: RmapContext, process: number, start = 0, end = start + 10): TestVma =>
  new TestVma(anonVmas, process, start, end);

/** Two VMAs of one process, one behind the other. */
function pairOf({ anonVmas }: RmapContext, process: number): [TestVma, TestVma] {
  const low = new TestVma(anonVmas, process, 0, 10);
  return [low, new TestVma(anonVmas, process, 10, 20, 10, low.table)];
}

/** `children/active/references` of an anon_vma. */
const counts = (anonVma: AnonVma | null): string =>
  anonVma === null ? 'none' : `${anonVma.numChildren}/${anonVma.numActiveVmas}/${anonVma.refcount}`;

/** The operations on rows, for VMAs of a table each. */
const fork = (context: RmapContext, child: RmapVma, parent: RmapVma): boolean =>
  anonVmaFork(context, child.table, child.row, parent.table, parent.row);
const unlink = (context: RmapContext, { table, row }: RmapVma): void => unlinkAnonVmas(context, table, row);

const chainIds = (of: RmapVma): number[] => [...chainOf(of)].map((link) => link.anonVma.id);

function isMaybeShared({ mm, table, row }: TestVma): boolean {
  return maybeShared(mm.anonVmas, table, row);
}

describe('worked examples of spec 03 section 3', () => {
  it('E1: the first fault makes a root that counts itself', () => {
    const context = contextFor();
    const a = vma(context, 1);
    anonVmaPrepare(context, a.table, a.row);
    expect(counts(a.anonVma)).toBe('1/1/1');
    expect(a.anonVma?.parent).toBe(a.anonVma);
  });

  it('E2: a chain of forks', () => {
    const context = contextFor();
    const [p1, p2, p3, p4] = [vma(context, 1), vma(context, 2), vma(context, 3), vma(context, 4)];
    anonVmaPrepare(context, p1.table, p1.row);
    fork(context, p2, p1);
    expect([counts(p1.anonVma), counts(p2.anonVma)]).toEqual(['2/1/2', '0/1/1']);
    fork(context, p3, p2);
    expect([p1, p2, p3].map((v) => counts(v.anonVma))).toEqual(['2/1/3', '1/1/1', '0/1/1']);
    fork(context, p4, p3);
    expect([p1, p2, p3, p4].map((v) => counts(v.anonVma))).toEqual(['2/1/4', '1/1/1', '1/1/1', '0/1/1']);
    expect([chainIds(p2), chainIds(p3).length, chainIds(p4).length]).toEqual([[2, 1], 3, 4]);
    expect([p1, p2, p3, p4].map(isMaybeShared)).toEqual([true, true, true, true]);
  });

  it('E3: an anon_vma without VMAs of its own and with one child is used again', () => {
    const context = contextFor();
    const [p1, p2, p3, p4] = [vma(context, 1), vma(context, 2), vma(context, 3), vma(context, 4)];
    anonVmaPrepare(context, p1.table, p1.row);
    fork(context, p2, p1);
    fork(context, p3, p2);
    const b = p2.anonVma as AnonVma;
    unlink(context, p2);
    expect([counts(b), counts(p1.anonVma)]).toEqual(['1/0/1', '2/1/3']);
    fork(context, p4, p3);
    expect(p4.anonVma).toBe(b);
    expect([counts(b), counts(p3.anonVma)]).toEqual(['1/1/1', '0/1/1']);
    expect(isMaybeShared(p3)).toBe(true);
  });

  it('E4: the root outlives its process while a descendant lives', () => {
    const context = contextFor();
    const [p1, p2] = [vma(context, 1), vma(context, 2)];
    anonVmaPrepare(context, p1.table, p1.row);
    fork(context, p2, p1);
    unlink(context, p1);
    expect(context.anonVmas.liveCount).toBe(2);
    unlink(context, p2);
    expect(context.anonVmas.liveCount).toBe(0);
  });

  it('E5, E6: clones count as active, unlinking takes that back', () => {
    const context = contextFor();
    const [faulted, other] = pairOf(context, 1);
    anonVmaPrepare(context, faulted.table, faulted.row);
    other.anonVmaSlot = faulted.anonVmaSlot;
    anonVmaClone(context, faulted.table, other.row, faulted.row);
    expect(counts(faulted.anonVma)).toBe('1/2/1');
    unlink(context, other);
    expect(counts(faulted.anonVma)).toBe('1/1/1');
  });
});

describe('the anon_vma of a first fault', () => {
  it('is that of the next neighbour, else of the previous one, if the two could merge', () => {
    const context = contextFor();
    const [low, middle] = pairOf(context, 1);
    const high = new TestVma(context.anonVmas, 1, 20, 30, 20, low.table);
    anonVmaPrepare(context, low.table, low.row);
    anonVmaPrepare(context, high.table, high.row);
    middle.prev = low;
    middle.next = high;
    anonVmaPrepare(context, middle.table, middle.row);
    expect(middle.anonVma).toBe(high.anonVma);
  });
});

describe('the order of links when a VMA is cloned', () => {
  it.each([
    ['v7.3', [1, 2]],
    ['v6.18', [2, 1]],
  ] as const)('%s', (profile, expected) => {
    const context = contextFor(KERNEL_PROFILES[profile]);
    const parent = vma(context, 1);
    const [child, half] = pairOf(context, 2);
    anonVmaPrepare(context, parent.table, parent.row);
    fork(context, child, parent);
    half.anonVmaSlot = child.anonVmaSlot;
    anonVmaClone(context, child.table, half.row, child.row);
    expect(chainIds(child)).toEqual([2, 1]);
    expect(chainIds(half)).toEqual(expected);
  });
});

describe('when memory runs out', () => {
  it('a clone leaves nothing behind', () => {
    const context = contextFor();
    const [parent, child] = [vma(context, 1), vma(context, 2)];
    anonVmaPrepare(context, parent.table, parent.row);
    let calls = 0;
    const injector = { fails: () => ++calls === 3 };
    expect(fork({ ...context, injector }, child, parent)).toBe(false);
    expect([child.anonVma, child.chain, counts(parent.anonVma)]).toEqual([null, NONE, '1/1/1']);
  });
});
