import { describe, expect, it } from 'vitest';
import { makeMm, map, outcome, picture, prot } from '../testing/mm-world.js';
import { mprotect } from './mprotect.js';
import { mseal, msealBytes } from './mseal.js';
import { munmap } from './munmap.js';

describe('mseal (spec 01.7)', () => {
  it('seals a part, which nothing can take away any more', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    expect(mseal(mm, 18, 2)).toBe(0);
    expect(picture(mm)).toBe('16-18 rw-p ac\n18-20 rw-p ac sl\n20-24 rw-p ac');
    expect(outcome(munmap(mm, 16, 8))).toBe('EPERM');
    expect(outcome(mprotect(mm, 16, 8, prot('r--')))).toBe('EPERM');
    expect(() => map(mm, 19, 1)).toThrow('EPERM');
    expect(picture(mm)).toBe('16-18 r--p\n18-20 rw-p ac sl\n20-24 rw-p ac');
  });

  it('A15 merge_vmas_with_mseal: sealed neighbours merge', () => {
    const mm = makeMm();
    map(mm, 16, 1);
    map(mm, 17, 1, 'rwx');
    map(mm, 18, 1, 'r--');
    mseal(mm, 17, 1);
    mprotect(mm, 16, 1, prot('rwx'));
    expect(mseal(mm, 16, 3)).toBe(0);
    expect(picture(mm)).toBe('16-18 rwxp ac sl\n18-19 r--p sl');
  });

  it('seals nothing when there is a gap', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4);
    expect(outcome(mseal(mm, 16, 12))).toBe('ENOMEM');
    expect(outcome(mseal(mm, 14, 4))).toBe('ENOMEM');
    expect(picture(mm)).toBe('16-20 rw-p ac\n24-28 rw-p ac');
  });

  it('argument rules', () => {
    const mm = makeMm();
    expect(outcome(msealBytes(mm, 65537, 4096))).toBe('EINVAL');
    expect(outcome(msealBytes(mm, 65536, 4096, 1))).toBe('EINVAL');
    expect(outcome(msealBytes(mm, 65536, 2n ** 64n - 1n))).toBe('EINVAL');
    expect(msealBytes(mm, 65536, 0)).toBe(0);
  });
});
