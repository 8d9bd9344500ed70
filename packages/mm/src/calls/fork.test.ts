import { describe, expect, it } from 'vitest';
import { MmError, VM_UFFD_MISSING } from '@vmakit/base';
import { failOnce, makeMm, map, outcome, picture, prot, write } from '../testing/mm-world.js';
import { type Mm, defaultLayout } from '../mm.js';
import { MADV_DONTFORK, MADV_GUARD_INSTALL, MADV_WIPEONFORK, MCL_CURRENT, MCL_FUTURE } from './abi.js';
import { touch } from './access.js';
import { exitMm } from './exit.js';
import { execMm, forkMm } from './fork.js';
import { madvise } from './madvise.js';
import { mlockall } from './mlock.js';
import { mprotect } from './mprotect.js';
import { registerUserfault } from './userfault.js';

function fork(mm: Mm): Mm {
  const child = forkMm(mm);
  if (child instanceof MmError) throw new Error(`fork: ${outcome(child)}`);
  return child;
}

const liveTables = (mm: Mm): number => mm.env.tablePool.live.reduce((sum, count) => sum + count, 0);

describe('fork (spec 01.10)', () => {
  it('copies VMAs; faulted ones get an anon_vma of their own and link to the parent’s', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4, 'r--');
    write(mm, 16, 2);
    const child = fork(mm);
    expect(picture(child)).toBe('16-20 rw-p ac @2+1\n24-28 r--p');
    expect([child.totalVm, child.dataVm, child.mapCount, child.rssAnon]).toEqual([8, 4, 2, 2]);
    expect(mm.env.committed).toBe(8);
  });

  it('DONTFORK memory is missing in the child, WIPEONFORK memory is fresh', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    write(mm, 16, 12);
    madvise(mm, 16, 4, MADV_DONTFORK);
    madvise(mm, 20, 4, MADV_WIPEONFORK);
    const child = fork(mm);
    expect(picture(child)).toBe('20-24 rw-p ac wf\n24-28 rw-p ac @2+1');
    expect([child.totalVm, child.dataVm, child.rssAnon]).toEqual([8, 8, 4]);
  });

  it('locks are not inherited, nor is mlockall for the future', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    mlockall(mm, MCL_CURRENT | MCL_FUTURE);
    const child = fork(mm);
    map(child, 24, 4);
    expect([picture(child), child.lockedVm]).toEqual(['16-20 rw-p ac @2+1\n24-28 rw-p ac', 0]);
  });

  it('a registration is dropped unless its owner asked for fork events', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4);
    registerUserfault(mm, 16, 4, { id: 1, remapEvents: false, forkEvents: false, protectsAbsent: false }, ['missing']);
    registerUserfault(mm, 24, 4, { id: 2, remapEvents: false, forkEvents: true, protectsAbsent: false }, ['missing']);
    const child = fork(mm);
    expect(child.tree.at(16)?.uffd).toBeNull();
    expect((child.tree.at(16)?.flags ?? 0) & VM_UFFD_MISSING).toBe(0);
    expect(child.tree.at(24)?.uffd).toMatchObject({ forkEvents: true });
    expect(child.tree.at(24)?.uffd).not.toBe(mm.tree.at(24)?.uffd);
  });

  it('guards are copied even into memory that was never written', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    madvise(mm, 17, 1, MADV_GUARD_INSTALL);
    expect(touch(fork(mm), 16, 4).page).toBe(17);
  });

  it.each([
    ['vma-alloc', 2],
    ['anon-vma-alloc', 2],
    ['anon-vma-chain-alloc', 2],
    ['vma-tree-node', 2],
    ['page-table-pte', 1],
    ['mmap-lock-killed', 1],
  ] as const)('%s fails: the copy is torn down', (point, n) => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4, 'rwx');
    write(mm, 16, 4);
    write(mm, 24, 4);
    const tables = liveTables(mm);
    mm.env.injector = failOnce(point, n);
    expect(outcome(forkMm(mm) as MmError)).toBe(point === 'mmap-lock-killed' ? 'EINTR' : 'ENOMEM');
    mm.env.injector = null;
    expect(mm.env.committed).toBe(8);
    expect(mm.env.anonVmas.liveCount).toBe(2);
    expect(liveTables(mm)).toBe(tables);
    expect(picture(mm)).toBe('16-20 rw-p ac @1\n24-28 rwxp ac @2');
    write(mm, 16, 4);
  });

  it('does not fit into strict overcommit twice', () => {
    const mm = makeMm({ settings: { overcommit: 'never', commitLimit: 2048 + 100 } });
    map(mm, 16, 60);
    expect(outcome(forkMm(mm) as MmError)).toBe('ENOMEM');
    expect(mm.env.committed).toBe(60);
  });
});

describe('merging after a fork (spec 08 A6, A7)', () => {
  it('A6 forked_target_vma: fresh memory does not merge with a child’s', () => {
    const mm = makeMm();
    map(mm, 16, 5);
    write(mm, 16, 5);
    const child = fork(mm);
    write(child, 16, 5);
    map(child, 21, 5);
    expect(picture(child)).toBe('16-21 rw-p ac @2+1\n21-26 rw-p ac');
    // With the parent's it does.
    map(mm, 21, 5);
    expect(picture(mm)).toBe('16-26 rw-p ac @1');
  });

  it('A7 forked_source_vma: nor does a child’s with fresh memory', () => {
    const mm = makeMm();
    map(mm, 16, 5);
    write(mm, 16, 5);
    const child = fork(mm);
    write(child, 16, 5);
    map(child, 21, 5, 'rwx');
    mprotect(child, 16, 5, prot('rwx'));
    expect(picture(child)).toBe('16-21 rwxp ac @2+1\n21-26 rwxp ac');
  });

  it('a child’s memory split by mprotect joins again', () => {
    const mm = makeMm();
    map(mm, 16, 12);
    write(mm, 16, 12);
    const child = fork(mm);
    mprotect(child, 20, 4, prot('r--'));
    mprotect(child, 20, 4, prot('rw-'));
    expect(picture(child)).toBe('16-28 rw-p ac @2+1');
  });
});

describe('exit and exec', () => {
  it('exit gives everything back', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 5000, 4);
    write(mm, 16, 4);
    write(mm, 5000, 4);
    const child = fork(mm);
    write(child, 16, 1);
    exitMm(child);
    exitMm(mm);
    const { env } = mm;
    expect([env.committed, env.anonVmas.liveCount, liveTables(mm), mm.mapCount]).toEqual([0, 0, 0, 0]);
  });

  it('exec starts empty with the same limits', () => {
    const mm = makeMm();
    mm.limits = { ...mm.limits, data: 7 };
    map(mm, 16, 4);
    const fresh = execMm(mm, defaultLayout(mm.env));
    expect([picture(fresh), fresh.limits.data, fresh.totalVm]).toEqual(['', 7, 0]);
  });
});
