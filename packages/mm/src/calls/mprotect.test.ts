import { describe, expect, it } from 'vitest';
import { failOnce, makeMm, map, outcome, picture, prot, write } from '../testing/mm-world.js';
import { MAP_GROWSDOWN, MAP_NORESERVE, PROT_GROWSDOWN, PROT_GROWSUP } from './abi.js';
import { pkeyAlloc, pkeyFree } from './keys.js';
import { mprotect, mprotectBytes } from './mprotect.js';

const R = prot('r--');
const RW = prot('rw-');

describe('mprotect splits and merges (spec 08 A)', () => {
  it('A1 mprotect_unfaulted_left', () => {
    const mm = makeMm();
    map(mm, 16, 10, 'rw-', MAP_NORESERVE);
    mprotect(mm, 16, 5, R);
    write(mm, 21, 1);
    mprotect(mm, 21, 5, R);
    expect(picture(mm)).toBe('16-26 r--p nr @1');
  });

  it('A2 mprotect_unfaulted_right', () => {
    const mm = makeMm();
    map(mm, 16, 10, 'rw-', MAP_NORESERVE);
    mprotect(mm, 21, 5, R);
    write(mm, 16, 1);
    mprotect(mm, 16, 5, R);
    expect(picture(mm)).toBe('16-26 r--p nr @1');
  });

  it('A3 mprotect_unfaulted_both', () => {
    const mm = makeMm();
    map(mm, 16, 9, 'rw-', MAP_NORESERVE);
    mprotect(mm, 16, 3, R);
    mprotect(mm, 22, 3, R);
    write(mm, 19, 1);
    mprotect(mm, 19, 3, R);
    expect(picture(mm)).toBe('16-25 r--p nr @1');
  });

  it('A4 mprotect_faulted_left_unfaulted_right', () => {
    const mm = makeMm();
    map(mm, 16, 9, 'rw-', MAP_NORESERVE);
    mprotect(mm, 22, 3, R);
    write(mm, 16, 1);
    mprotect(mm, 16, 3, R);
    mprotect(mm, 19, 3, R);
    expect(picture(mm)).toBe('16-25 r--p nr @1');
  });

  it('A5 mprotect_unfaulted_left_faulted_right', () => {
    const mm = makeMm();
    map(mm, 16, 9, 'rw-', MAP_NORESERVE);
    mprotect(mm, 16, 3, R);
    write(mm, 24, 1);
    mprotect(mm, 22, 3, R);
    mprotect(mm, 19, 3, R);
    expect(picture(mm)).toBe('16-25 r--p nr @1');
  });

  it('splits in three, and joins again', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    write(mm, 16, 12);
    mprotect(mm, 20, 4, R);
    expect(picture(mm)).toBe('16-20 rw-p ac @1\n20-24 r--p ac @1\n24-28 rw-p ac @1');
    mprotect(mm, 20, 4, RW);
    expect(picture(mm)).toBe('16-28 rw-p ac @1');
  });

  it('joins progressively over several VMAs', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    mprotect(mm, 18, 2, prot('---'));
    mprotect(mm, 22, 2, prot('rwx'));
    expect(mprotect(mm, 16, 12, R)).toBe(0);
    expect(picture(mm)).toBe('16-28 r--p');
    expect(mm.mapCount).toBe(1);
  });
});

describe('measured on a live 6.18 kernel (spec 08 F)', () => {
  it('memory made read-only was never charged: made writable it joins what was', () => {
    const mm = makeMm({ profile: 'v6.18' });
    map(mm, 16, 4);
    map(mm, 20, 4, 'r--');
    mprotect(mm, 20, 4, RW);
    expect(picture(mm)).toBe('16-24 rw-p ac');
  });

  it('faulted memory made read-only keeps its charge, and stays apart from fresh read-only memory', () => {
    const mm = makeMm({ profile: 'v6.18' });
    map(mm, 16, 4);
    write(mm, 16, 1);
    mprotect(mm, 16, 4, R);
    map(mm, 20, 4, 'r--');
    expect(picture(mm)).toBe('16-20 r--p ac @1\n20-24 r--p');
  });

  it('unfaulted memory gives it back, and joins', () => {
    const mm = makeMm({ profile: 'v6.18' });
    map(mm, 16, 4);
    mprotect(mm, 16, 4, R);
    map(mm, 20, 4, 'r--');
    expect(picture(mm)).toBe('16-24 r--p');
  });
});

describe('mprotect and the charge (spec 01.5)', () => {
  it('charges memory that becomes writable, and gives back what was never written', () => {
    const mm = makeMm();
    map(mm, 16, 8, 'r--');
    expect(mm.env.committed).toBe(0);
    mprotect(mm, 16, 8, RW);
    expect([picture(mm), mm.env.committed, mm.dataVm]).toEqual(['16-24 rw-p ac', 8, 8]);
    mprotect(mm, 16, 8, R);
    expect([picture(mm), mm.env.committed, mm.dataVm]).toEqual(['16-24 r--p', 0, 0]);
  });

  it('keeps the charge of memory that has been written to', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    write(mm, 16, 1);
    mprotect(mm, 16, 8, R);
    expect([picture(mm), mm.env.committed]).toEqual(['16-24 r--p ac @1', 8]);
  });

  it('returns the charge when the split fails', () => {
    const mm = makeMm({ settings: { maxMapCount: 1 } });
    map(mm, 16, 8, 'r--');
    expect(outcome(mprotect(mm, 18, 2, RW))).toBe('ENOMEM');
    expect(mm.env.committed).toBe(0);
  });
});

describe('mprotect refusals', () => {
  it('argument rules', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    expect(outcome(mprotectBytes(mm, 65537, 4096, R))).toBe('EINVAL');
    expect(mprotect(mm, 16, 0, R)).toBe(0);
    expect(outcome(mprotect(mm, 16, 4, R | PROT_GROWSDOWN | PROT_GROWSUP))).toBe('EINVAL');
    expect(outcome(mprotect(mm, 16, 4, 0x40))).toBe('EINVAL');
    expect(outcome(mprotectBytes(mm, 65536, 2n ** 64n - 1n, R))).toBe('ENOMEM');
    expect(outcome(mprotect(mm, 100, 1, R))).toBe('ENOMEM');
    expect(outcome(mprotect(mm, 14, 4, R))).toBe('ENOMEM');
  });

  it('changes what lies before a gap', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4);
    expect(outcome(mprotect(mm, 16, 12, R))).toBe('ENOMEM');
    expect(picture(mm)).toBe('16-20 r--p\n24-28 rw-p ac');
  });

  it('the second split may fail after the first was made', () => {
    const mm = makeMm({ settings: { maxMapCount: 2 } });
    map(mm, 16, 8);
    expect(outcome(mprotect(mm, 18, 2, R))).toBe('ENOMEM');
    expect(picture(mm)).toBe('16-18 rw-p ac\n18-24 rw-p ac');
  });

  it('GROWSDOWN reaches down to the start of a stack', () => {
    const mm = makeMm();
    map(mm, 16, 8, 'rw-', MAP_GROWSDOWN);
    map(mm, 600, 4);
    expect(mprotect(mm, 20, 2, R | PROT_GROWSDOWN)).toBe(0);
    expect(picture(mm)).toBe('16-22 r--p gd\n22-24 rw-p gd ac\n600-604 rw-p ac');
    expect(outcome(mprotect(mm, 600, 2, R | PROT_GROWSDOWN))).toBe('EINVAL');
  });

  it('writable and executable memory can be forbidden', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    mm.denyWriteExec = true;
    expect(outcome(mprotect(mm, 16, 4, prot('r-x')))).toBe('EACCES');
    expect(() => map(mm, 32, 4, 'rwx')).toThrow('EACCES');
  });

  it.each(['vma-alloc', 'vma-tree-node', 'anon-vma-chain-alloc'] as const)('%s fails: ENOMEM', (point) => {
    const mm = makeMm();
    map(mm, 16, 8);
    write(mm, 16, 8);
    mm.env.injector = failOnce(point);
    expect(outcome(mprotect(mm, 18, 2, R))).toBe('ENOMEM');
    expect(picture(mm)).toBe('16-24 rw-p ac @1');
  });
});

describe('protection keys', () => {
  it('execute-only memory has a key of its own, which other access takes off', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    mprotect(mm, 16, 4, prot('--x'));
    expect(mm.tree.at(16)?.flags).toBeGreaterThan(2 ** 32);
    mprotect(mm, 16, 4, RW);
    expect(mm.tree.at(16)?.flags).toBeLessThan(2 ** 32);
  });

  it('must be handed out before they are used', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    expect(outcome(mprotect(mm, 16, 4, RW, 1))).toBe('EINVAL');
    const key = pkeyAlloc(mm);
    expect(key).toBe(1);
    expect(mprotect(mm, 16, 4, RW, 1)).toBe(0);
    expect(mm.mapCount).toBe(2);
    expect(pkeyFree(mm, 1)).toBe(0);
    expect(outcome(pkeyFree(mm, 1))).toBe('EINVAL');
  });
});
