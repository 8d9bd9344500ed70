import { describe, expect, it } from 'vitest';
import type { MemoryPolicy, UserfaultContext } from '@vmakit/vma-merge';
import { failOnce, makeMm, map, outcome, picture, prot, write } from '../testing/mm-world.js';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_SHARED, MS_ASYNC, MS_INVALIDATE, MS_SYNC } from './abi.js';
import { makeFile } from './files.js';
import { mbind } from './mbind.js';
import { mlock } from './mlock.js';
import { mmap } from './mmap.js';
import { msync } from './msync.js';
import { setAnonymousName, setMemoryMerge } from './prctl.js';
import { registerUserfault, releaseUserfault, unregisterUserfault } from './userfault.js';

const BIND: MemoryPolicy = { mode: 'bind', flags: 0, nodes: 1 };
const watch = (id: number): UserfaultContext => ({ id, remapEvents: false, forkEvents: false, protectsAbsent: false });

describe('mbind', () => {
  it('a policy keeps VMAs apart, an equal one joins them', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    expect(mbind(mm, 20, 4, BIND)).toBe(0);
    expect(mm.mapCount).toBe(3);
    expect(mbind(mm, 16, 4, { ...BIND })).toBe(0);
    expect(picture(mm)).toBe('16-24 rw-p ac\n24-28 rw-p ac');
    expect(mbind(mm, 0, 100, null)).toBe(0);
    expect(picture(mm)).toBe('16-28 rw-p ac');
  });

  it('wants the whole range mapped', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    expect(outcome(mbind(mm, 16, 8, BIND))).toBe('EFAULT');
    expect(outcome(mbind(mm, 40, 8, null))).toBe('EFAULT');
    mm.env.injector = failOnce('policy-duplicate');
    expect(outcome(mbind(mm, 16, 4, BIND))).toBe('ENOMEM');
  });
});

describe('userfaultfd registration', () => {
  it('splits, and joins when it ends', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    const context = watch(1);
    expect(registerUserfault(mm, 20, 4, context, ['missing', 'wp'])).toBe(0);
    expect(picture(mm)).toBe('16-20 rw-p ac\n20-24 rw-p um uw ac\n24-28 rw-p ac');
    expect(outcome(registerUserfault(mm, 16, 12, watch(2), ['missing']))).toBe('EBUSY');
    expect(unregisterUserfault(mm, 16, 12)).toBe(0);
    expect(picture(mm)).toBe('16-28 rw-p ac');
  });

  it('ends when its owner goes, even without memory to merge', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    const context = watch(1);
    registerUserfault(mm, 20, 4, context, ['missing']);
    mm.env.injector = failOnce('vma-tree-node');
    releaseUserfault(mm, context);
    expect(picture(mm)).toBe('16-20 rw-p ac\n20-24 rw-p ac\n24-28 rw-p ac');
  });

  it('is refused for what nobody can watch', () => {
    const mm = makeMm();
    const file = makeFile(mm.env, 'regular', 4, '/file');
    mmap(mm, { start: 16, pages: 4, prot: prot('r--'), flags: MAP_SHARED | MAP_FIXED, file });
    expect(outcome(registerUserfault(mm, 16, 4, watch(1), ['missing']))).toBe('EINVAL');
    expect(outcome(registerUserfault(mm, 100, 4, watch(1), ['missing']))).toBe('EINVAL');
    expect(outcome(registerUserfault(mm, 16, 0, watch(1), ['missing']))).toBe('EINVAL');
    expect(outcome(registerUserfault(mm, 16, 4, watch(1), []))).toBe('EINVAL');
  });
});

describe('names and KSM marks (prctl)', () => {
  it('names keep VMAs apart; equal names join', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    setAnonymousName(mm, 16, 4, 'heap');
    expect(mm.mapCount).toBe(2);
    setAnonymousName(mm, 20, 4, 'heap');
    expect(mm.mapCount).toBe(1);
    expect(mm.tree.at(16)?.name).toBe('heap');
  });

  it('naming loses sticky flags that the merge gathered, as the kernel does', () => {
    const mm = makeMm({ settings: { softDirty: true } });
    map(mm, 16, 4);
    const below = mm.tree.at(16);
    map(mm, 20, 4, 'r--');
    const above = mm.tree.at(20);
    if (below === null || above === null) throw new Error('not mapped');
    above.flags = below.flags;
    below.name = 'heap';
    above.flags -= above.flags & (2 ** 27);
    setAnonymousName(mm, 20, 4, 'heap');
    expect(picture(mm)).toBe('16-24 rw-p ac');
  });

  it('refusals', () => {
    const mm = makeMm();
    const file = makeFile(mm.env, 'regular', 4, '/file');
    mmap(mm, { start: 16, pages: 4, prot: prot('r--'), flags: MAP_SHARED | MAP_FIXED, file });
    expect(outcome(setAnonymousName(mm, 16, 4, 'x'))).toBe('EBADF');
    expect(outcome(setAnonymousName(mm, 16, 4, 'a[b]'))).toBe('EINVAL');
    map(mm, 20, 4);
    expect(outcome(setAnonymousName(mm, 20, 8, 'x'))).toBe('ENOMEM');
    expect(mm.tree.at(20)?.name).toBe('x');
    const unnamed = makeMm({ settings: { anonymousNames: false } });
    map(unnamed, 16, 4);
    expect(outcome(setAnonymousName(unnamed, 16, 4, 'x'))).toBe('EINVAL');
  });

  it('PR_SET_MEMORY_MERGE marks what is there and what comes, and takes the marks back', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    mmap(mm, { start: 32, pages: 4, prot: prot('rw-'), flags: MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED });
    setMemoryMerge(mm, true);
    map(mm, 20, 4);
    write(mm, 16, 1);
    expect(picture(mm)).toBe('16-24 rw-p ac mg @1\n32-36 rw-s +0');
    setMemoryMerge(mm, false);
    map(mm, 24, 4);
    expect(picture(mm)).toBe('16-28 rw-p ac @1\n32-36 rw-s +0');
  });
});

describe('msync', () => {
  it('checks and changes nothing', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4);
    expect(msync(mm, 16, 4, MS_SYNC)).toBe(0);
    expect(outcome(msync(mm, 16, 12, MS_SYNC))).toBe('ENOMEM');
    expect(outcome(msync(mm, 16, 4, MS_SYNC | MS_ASYNC))).toBe('EINVAL');
    mlock(mm, 24, 4);
    expect(outcome(msync(mm, 24, 4, MS_INVALIDATE))).toBe('EBUSY');
  });
});
