import { MmError } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import { MADV_GUARD_INSTALL, MADV_PAGEOUT } from '../calls/abi.js';
import { exitMm } from '../calls/exit.js';
import { forkMm } from '../calls/fork.js';
import { madvise } from '../calls/madvise.js';
import type { Mm } from '../mm.js';
import { failOnce, makeMm, map, write } from '../testing/mm-world.js';
import { pages } from '../testing/page-picture.js';
import { beginMigration, finishMigration } from './migrate.js';
import { frameAt } from './access.js';
import { pinRange, unpinAll } from './gup.js';

function fork(mm: Mm): Mm {
  const child = forkMm(mm);
  if (child instanceof MmError) throw new Error(child.rule);
  return child;
}

describe('what fork does to pages (spec 03.4, fork sharing)', () => {
  it('shares, duplicates swap entries, copies guards', () => {
    const mm = makeMm();
    map(mm, 16, 6);
    write(mm, 16, 4);
    madvise(mm, 18, 2, MADV_PAGEOUT);
    madvise(mm, 20, 1, MADV_GUARD_INSTALL);
    const child = fork(mm);
    expect(pages(mm, 0, 64)).toBe('16-18 pte ad am 2\n18-20 swap\n20-21 guard');
    expect(pages(child, 0, 64)).toBe('16-18 pte d am 2\n18-20 swap\n20-21 guard');
    expect([child.rssAnon, child.swapEntries]).toEqual([2, 2]);
  });

  it('a pinned page stays the parent’s, the child gets a copy at once', () => {
    const mm = makeMm();
    map(mm, 16, 3);
    write(mm, 16, 3);
    pinRange(mm, 17, 18, true);
    const child = fork(mm);
    expect(pages(mm, 0, 64)).toBe('16-17 pte ad am 2\n17-18 pte wad aep 1\n18-19 pte ad am 2');
    expect(pages(child, 0, 64)).toBe('16-17 pte d am 2\n17-18 pte wad ae 1\n18-19 pte d am 2');
    unpinAll(mm);
  });

  it('knows its way in the table that it holds from one VMA to the next, and over the end of it', () => {
    const mm = makeMm();
    for (const [start, count] of [
      [16, 1],
      [20, 2],
      [511, 3],
      [520, 1],
    ] as const) {
      map(mm, start, count);
      write(mm, start, count);
    }
    pinRange(mm, 21, 22, true);
    pinRange(mm, 513, 514, true);
    const child = fork(mm);
    expect(pages(child, 0, 1024)).toBe(
      '16-17 pte d am 2\n20-21 pte d am 2\n21-22 pte wad ae 1\n' +
        '511-513 pte d am 2\n513-514 pte wad ae 1\n520-521 pte d am 2',
    );
    const { index } = child.env.memory;
    expect([index[frameAt(child, 21)], index[frameAt(child, 513)]]).toEqual([21, 513]);
    unpinAll(mm);
  });

  it('a huge page that is pinned is split, and each page of it copied', () => {
    const sizes = new Map([[9, 'always'] as const]);
    const mm = makeMm({ settings: { thp: { enabled: 'always', sizes, useZeroPage: true } } });
    map(mm, 512, 1024);
    write(mm, 512, 1024);
    pinRange(mm, 600, 601, false);
    const child = fork(mm);
    expect(pages(mm, 0, 2048)).toBe('512-1024 pte wad aep 1 order 9+0\n1024-1536 pmd ad am 2 order 9+0');
    expect(pages(child, 0, 2048)).toBe('512-1024 pte wad ae 1\n1024-1536 pmd d am 2 order 9+0');
  });

  it('pages under migration come back shared on both sides', () => {
    const mm = makeMm();
    map(mm, 16, 1);
    write(mm, 16, 1);
    const head = frameAt(mm, 16);
    beginMigration(mm.env, head);
    expect(pages(mm, 0, 64)).toBe('16-17 migration');
    const child = fork(mm);
    finishMigration(mm.env, head);
    expect([pages(mm, 0, 64), pages(child, 0, 64)]).toEqual(['16-17 pte ad am 2', '16-17 pte ad am 2']);
  });

  it('a fork that fails leaves nothing of the child, but the parent write-protected', () => {
    const mm = makeMm();
    map(mm, 16, 3);
    write(mm, 16, 3);
    pinRange(mm, 18, 19, true);
    mm.env.injector = failOnce('folio-alloc');
    expect(forkMm(mm)).toBeInstanceOf(MmError);
    expect(pages(mm, 0, 64)).toBe('16-18 pte ad a 1\n18-19 pte wad aep 1');
    expect(mm.env.memory.usedFrames).toBe(3);
    exitMm(mm);
    expect(mm.env.memory.usedFrames).toBe(0);
  });
});
