import { describe, expect, it } from 'vitest';
import { failOnce, makeMm, map, picture } from '../testing/mm-world.js';
import type { Mm } from '../mm.js';
import { MAP_GROWSDOWN, MCL_FUTURE } from './abi.js';
import { brk, moveBreak } from './brk.js';
import { mlockall } from './mlock.js';

const HEAP = 0x10_0800;

/** A heap that starts in the middle of a page, as programs have it. */
function heap(): Mm {
  const mm = makeMm();
  mm.brkStart = HEAP;
  mm.brk = HEAP;
  return mm;
}

describe('brk (spec 01.7)', () => {
  it('grows and shrinks one VMA from the page above the start', () => {
    const mm = heap();
    expect(brk(mm, 0)).toBe(HEAP);
    expect(brk(mm, HEAP + 0x4000)).toBe(HEAP + 0x4000);
    expect(picture(mm)).toBe('257-261 rw-p ac');
    brk(mm, HEAP + 0x5000);
    expect(picture(mm)).toBe('257-262 rw-p ac');
    expect([mm.totalVm, mm.dataVm, mm.env.committed]).toEqual([5, 5, 5]);
    brk(mm, HEAP + 0x1000);
    expect(picture(mm)).toBe('257-258 rw-p ac');
    expect([mm.totalVm, mm.dataVm, mm.env.committed]).toEqual([1, 1, 1]);
  });

  it('moves within a page without a change', () => {
    const mm = heap();
    expect(brk(mm, HEAP + 1)).toBe(HEAP + 1);
    expect(picture(mm)).toBe('');
  });

  it('does not merge with the neighbour above, nor with what lies below the heap', () => {
    const mm = makeMm();
    mm.brkStart = 0x10_0000;
    mm.brk = 0x10_0000;
    map(mm, 255, 1);
    brk(mm, 0x10_1000);
    expect(picture(mm)).toBe('255-256 rw-p ac\n256-257 rw-p ac');
  });

  it('keeps a page away from the next mapping, and a guard gap from a stack', () => {
    const mm = heap();
    map(mm, 262, 1);
    expect(moveBreak(mm, HEAP + 0x5000)?.errno).toBe('ENOMEM');
    expect(brk(mm, HEAP + 0x4000)).toBe(HEAP + 0x4000);
    const stack = heap();
    map(stack, 1000, 8, 'rw-', MAP_GROWSDOWN);
    expect(brk(stack, 744 * 4096)).toBe(HEAP);
    expect(brk(stack, 743 * 4096)).toBe(743 * 4096);
  });

  it('stays where it is when something refuses', () => {
    const mm = heap();
    brk(mm, HEAP + 0x1000);
    const refusal = (address: number): string | undefined => moveBreak(mm, address)?.rule;
    expect(refusal(HEAP - 1)).toBe('spec 01.7: below the heap');
    mm.limits = { ...mm.limits, addressSpace: 2 };
    expect(refusal(HEAP + 0x3000)).toBe('spec 01.7: may_expand_vm');
    mm.limits = { ...mm.limits, data: 1 };
    expect(refusal(HEAP + 0x3000)).toBe('spec 01.7: RLIMIT_DATA on the span of the heap');
    expect(brk(mm, 0)).toBe(HEAP + 0x1000);
  });

  it('locks what it adds when future memory is locked', () => {
    const mm = heap();
    mlockall(mm, MCL_FUTURE);
    brk(mm, HEAP + 0x2000);
    expect([picture(mm), mm.lockedVm, mm.rssAnon]).toEqual(['257-259 rw-p lo ac @1', 2, 2]);
    mm.limits = { ...mm.limits, lockedMemory: 3 };
    expect(moveBreak(mm, HEAP + 0x4000)?.errno).toBe('EAGAIN');
  });

  it('gives the charge back when memory runs out', () => {
    const mm = heap();
    brk(mm, HEAP + 0x1000);
    mm.env.injector = failOnce('vma-tree-node');
    expect(moveBreak(mm, HEAP + 0x2000)?.errno).toBe('ENOMEM');
    expect([picture(mm), mm.env.committed]).toEqual(['257-258 rw-p ac', 1]);
  });
});
