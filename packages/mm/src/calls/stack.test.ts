import { describe, expect, it } from 'vitest';
import { failOnce, makeMm, map, picture, write } from '../testing/mm-world.js';
import type { Mm } from '../mm.js';
import { touch } from './access.js';
import { MAP_GROWSDOWN, MAP_NORESERVE } from './abi.js';
import { mlock } from './mlock.js';
import { munmap } from './munmap.js';
import { expandStack } from './stack.js';

function stack(): Mm {
  const mm = makeMm();
  map(mm, 600, 8, 'rw-', MAP_GROWSDOWN);
  return mm;
}

describe('stack growth (spec 01.7)', () => {
  it('an access below grows the mapping, offset and all', () => {
    const mm = stack();
    write(mm, 600, 8);
    write(mm, 599, 1);
    write(mm, 590, 1);
    expect(picture(mm)).toBe('590-608 rw-p gd ac @1');
    expect([mm.totalVm, mm.stackVm, mm.env.committed]).toEqual([18, 18, 18]);
  });

  it('makes an anon_vma even when it only grows', () => {
    const mm = stack();
    touch(mm, 599, 1, { write: false });
    expect(picture(mm)).toBe('599-608 rw-p gd ac @1');
  });

  it('keeps the guard gap to an accessible mapping below', () => {
    const mm = stack();
    map(mm, 300, 4);
    expect(touch(mm, 559, 1).touched).toBe(0);
    expect(touch(mm, 560, 1).touched).toBe(1);
    const guarded = stack();
    map(guarded, 500, 4, '---');
    expect(touch(guarded, 504, 1).touched).toBe(1);
  });

  it('keeps the limits', () => {
    const mm = stack();
    const vma = mm.tree.at(600);
    if (vma === null) throw new Error('no stack');
    const rule = (page: number): string | undefined => expandStack(mm, vma, page)?.rule;
    mm.limits = { ...mm.limits, stack: 9 };
    expect(rule(598)).toBe('spec 01.7: RLIMIT_STACK');
    expect(rule(599)).toBeUndefined();
    mm.limits = { ...mm.limits, addressSpace: 9 };
    expect(rule(598)).toBe('spec 01.7: may_expand_vm');
    expect(rule(0)).toBe('spec 01.7: below mmap_min_addr');
    mm.env.settings.overcommit = 'never';
    mm.limits = { ...mm.limits, addressSpace: Infinity, stack: Infinity };
    mm.env.settings.commitLimit = 0;
    expect(rule(598)).toBe('spec 01.7: overcommit');
    expect(mm.env.committed).toBe(9);
  });

  it('charges what it gains even if the mapping is not accounted, and for good', () => {
    const mm = makeMm();
    map(mm, 600, 8, 'rw-', MAP_GROWSDOWN | MAP_NORESERVE);
    write(mm, 598, 1);
    munmap(mm, 598, 10);
    expect([mm.env.committed, mm.env.committedForGood]).toEqual([2, 2]);
  });

  it('a locked stack locks what it gains', () => {
    const mm = stack();
    mlock(mm, 600, 8);
    write(mm, 598, 1);
    expect(mm.lockedVm).toBe(10);
    mm.limits = { ...mm.limits, lockedMemory: 10 };
    expect(touch(mm, 597, 1).touched).toBe(0);
  });

  it('without memory for an anon_vma the access fails', () => {
    const mm = stack();
    mm.env.injector = failOnce('anon-vma-alloc');
    expect(touch(mm, 599, 1).touched).toBe(0);
    expect(picture(mm)).toBe('600-608 rw-p gd ac');
  });
});
