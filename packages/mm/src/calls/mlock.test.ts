import { describe, expect, it } from 'vitest';
import { frameAt } from '../pages/access.js';
import { makeMm, map, outcome, picture, prot, write } from '../testing/mm-world.js';
import { MAP_ANONYMOUS, MAP_DROPPABLE, MAP_FIXED, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT } from './abi.js';
import { mlock, mlockBytes, mlockall, munlock, munlockall } from './mlock.js';
import { mmap } from './mmap.js';

describe('mlock (spec 01.7)', () => {
  it('splits, populates, and joins again when unlocked', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    expect(mlock(mm, 20, 4)).toBe(0);
    expect(picture(mm)).toBe('16-20 rw-p ac\n20-24 rw-p lo ac @1\n24-28 rw-p ac');
    expect([mm.lockedVm, mm.rssAnon]).toEqual([4, 4]);
    expect(munlock(mm, 20, 4)).toBe(0);
    expect(picture(mm)).toBe('16-28 rw-p ac @1');
    expect(mm.lockedVm).toBe(0);
  });

  it('on fault: locks without populating', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    expect(mlock(mm, 16, 8, MLOCK_ONFAULT)).toBe(0);
    expect([picture(mm), mm.rssAnon, mm.lockedVm]).toEqual(['16-24 rw-p lo lf ac', 0, 8]);
    mlock(mm, 16, 4);
    expect([picture(mm), mm.lockedVm]).toEqual(['16-20 rw-p lo ac @1\n20-24 rw-p lo lf ac', 8]);
  });

  it.each([
    ['with protection keys, which forbid to read it', {}, 'ENOMEM', 0],
    ['without, where it can be read', { protectionKeys: 0 }, '0', 1],
  ] as const)('locks memory that may only be executed, and reads it in: %s', (_name, settings, result, present) => {
    const mm = makeMm({ settings });
    map(mm, 16, 1, '--x');
    expect(outcome(mlock(mm, 16, 1))).toBe(result);
    expect(picture(mm)).toBe('16-17 --xp lo');
    expect(Number(frameAt(mm, 16) >= 0)).toBe(present);
  });

  it('takes every page that the bytes touch', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    expect(mlockBytes(mm, 17 * 4096 + 4095, 2)).toBe(0);
    expect(mm.lockedVm).toBe(2);
    expect(mlockBytes(mm, 17 * 4096, 0)).toBe(0);
    // The sum wraps to nothing, as in the kernel.
    expect(mlockBytes(mm, 17 * 4096 + 1, 2n ** 64n - 1n)).toBe(0);
  });

  it('what is locked already does not count twice against RLIMIT_MEMLOCK', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    mm.limits = { ...mm.limits, lockedMemory: 8 };
    expect(mlock(mm, 16, 6)).toBe(0);
    expect(mlock(mm, 18, 6)).toBe(0);
    expect(outcome(mlock(mm, 24, 1))).toBe('ENOMEM');
    mm.limits = { ...mm.limits, lockedMemory: 0 };
    expect(outcome(mlock(mm, 16, 1))).toBe('EPERM');
  });

  it('locks up to a gap, then says ENOMEM and populates nothing', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4);
    expect(outcome(mlock(mm, 16, 12))).toBe('ENOMEM');
    expect([picture(mm), mm.lockedVm, mm.rssAnon]).toEqual(['16-20 rw-p lo ac\n24-28 rw-p ac', 4, 0]);
    expect(outcome(munlock(mm, 20, 2))).toBe('ENOMEM');
    expect(outcome(mlock(mm, 16, 4, 2))).toBe('EINVAL');
  });

  it('memory without access is locked, but cannot be populated', () => {
    const mm = makeMm();
    map(mm, 16, 4, '---');
    expect(outcome(mlock(mm, 16, 4))).toBe('ENOMEM');
    expect(picture(mm)).toBe('16-20 ---p lo');
  });

  it('passes over what cannot be locked', () => {
    const mm = makeMm();
    mmap(mm, { start: 16, pages: 4, prot: prot('rw-'), flags: MAP_DROPPABLE | MAP_ANONYMOUS | MAP_FIXED });
    expect([outcome(mlock(mm, 16, 4)), picture(mm), mm.lockedVm]).toEqual(['0', '16-20 rw-p nr wf dd dp @1', 0]);
  });
});

describe('mlockall (spec 01.7)', () => {
  it('locks what is there, and what comes', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4, '---');
    expect(mlockall(mm, MCL_CURRENT | MCL_FUTURE)).toBe(0);
    map(mm, 32, 4);
    expect(picture(mm)).toBe('16-20 rw-p lo ac @1\n24-28 ---p lo\n32-36 rw-p lo ac @2');
    expect(mm.lockedVm).toBe(12);
    expect(munlockall(mm)).toBe(0);
    map(mm, 40, 4);
    expect([mm.lockedVm, picture(mm).includes('lo')]).toEqual([0, false]);
  });

  it('in future only, on fault', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    expect(mlockall(mm, MCL_FUTURE | MCL_ONFAULT)).toBe(0);
    map(mm, 24, 4);
    expect(picture(mm)).toBe('16-20 rw-p ac\n24-28 rw-p lo lf ac');
  });

  it('refuses', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    write(mm, 16, 1);
    expect(outcome(mlockall(mm, 0))).toBe('EINVAL');
    expect(outcome(mlockall(mm, MCL_ONFAULT))).toBe('EINVAL');
    expect(outcome(mlockall(mm, 8))).toBe('EINVAL');
    mm.limits = { ...mm.limits, lockedMemory: 3 };
    expect(outcome(mlockall(mm, MCL_CURRENT))).toBe('ENOMEM');
    expect(mlockall(mm, MCL_FUTURE)).toBe(0);
    expect(() => map(mm, 32, 4)).toThrow('EAGAIN');
    mm.limits = { ...mm.limits, lockedMemory: 0 };
    expect(outcome(mlockall(mm, MCL_FUTURE))).toBe('EPERM');
  });
});
