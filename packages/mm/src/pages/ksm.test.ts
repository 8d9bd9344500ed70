import { MmError } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import { MADV_MERGEABLE, MADV_UNMERGEABLE } from '../calls/abi.js';
import { touch } from '../calls/access.js';
import { exitMm } from '../calls/exit.js';
import { forkMm } from '../calls/fork.js';
import { madvise } from '../calls/madvise.js';
import type { Mm } from '../mm.js';
import { failOnce, makeMm, map } from '../testing/mm-world.js';
import { pages } from '../testing/page-picture.js';
import { breakKsm, ksmScan } from './ksm.js';

/** Pages 16 to 20 hold 7, pages 20 to 22 hold 9, page 22 holds 1; all may be merged. */
function mergeable(): Mm {
  const mm = makeMm();
  map(mm, 16, 7);
  touch(mm, 16, 4, { value: 7 });
  touch(mm, 20, 2, { value: 9 });
  touch(mm, 22, 1, { value: 1 });
  madvise(mm, 16, 7, MADV_MERGEABLE);
  return mm;
}

describe('the same-page merger', () => {
  it('makes one page of all that are equal, and keeps their anon_vma', () => {
    const mm = mergeable();
    ksmScan(mm.env, [mm]);
    expect(pages(mm, 0, 64)).toBe('16-20 pte a akm 4\n20-22 pte a akm 2\n22-23 pte wad ae 1');
    expect([mm.env.memory.usedFrames, mm.tree.at(16)!.anonVma!.refcount]).toEqual([3, 1 + 6]);
  });

  it('a store takes a copy; the next scan merges it again if it is equal', () => {
    const mm = mergeable();
    ksmScan(mm.env, [mm]);
    touch(mm, 17, 1, { value: 9 });
    expect(pages(mm, 16, 20)).toBe('16-17 pte a akm 3\n17-18 pte wad ae 1\n18-20 pte a akm 3');
    ksmScan(mm.env, [mm]);
    expect(pages(mm, 16, 22)).toBe('16-22 pte a akm 3');
  });

  it('pages are taken apart read-only; without memory it stops', () => {
    const mm = mergeable();
    ksmScan(mm.env, [mm]);
    mm.env.injector = failOnce('ksm-break', 3);
    expect(breakKsm(mm, mm.tree.at(16)!, 16, 23)).toBe(false);
    expect(pages(mm, 16, 20)).toBe('16-18 pte a ae 1\n18-20 pte a akm 2');
    mm.env.injector = null;
    expect(madvise(mm, 16, 7, MADV_UNMERGEABLE)).toBe(0);
    expect(pages(mm, 16, 23)).toBe('16-22 pte a ae 1\n22-23 pte wad ae 1');
  });

  it('merges across processes, and lets go of those that ended at the next scan', () => {
    const mm = mergeable();
    const child = forkMm(mm);
    if (child instanceof MmError) throw new Error(child.rule);
    touch(child, 22, 1, { value: 7 });
    ksmScan(mm.env, [mm, child]);
    expect(pages(child, 22, 23)).toBe('22-23 pte a akm 9');
    exitMm(child);
    exitMm(mm);
    expect([mm.env.memory.usedFrames, mm.env.anonVmas.liveCount]).toEqual([0, 2]);
    ksmScan(mm.env, []);
    expect(mm.env.anonVmas.liveCount).toBe(0);
  });
});
