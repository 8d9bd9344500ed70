import { MmError } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import { MADV_COLD, MADV_DONTNEED, MADV_FREE, MADV_PAGEOUT } from '../calls/abi.js';
import { touch } from '../calls/access.js';
import { exitMm } from '../calls/exit.js';
import { forkMm } from '../calls/fork.js';
import { madvise } from '../calls/madvise.js';
import type { Mm } from '../mm.js';
import { failOnce, makeMm, map, write } from '../testing/mm-world.js';
import { pages } from '../testing/page-picture.js';
import { readByte } from './access.js';
import { pinRange, unpinAll } from './gup.js';

const read = (mm: Mm, start: number, count: number): void => void touch(mm, start, count, { write: false });

function withFolios(order: number, swapLargeFolios = true): Mm {
  const sizes = new Map([[order, 'always'] as const]);
  return makeMm({ settings: { swapLargeFolios, thp: { enabled: 'always', sizes, useZeroPage: true } } });
}

function fork(mm: Mm): Mm {
  const child = forkMm(mm);
  if (child instanceof MmError) throw new Error(child.rule);
  return child;
}

describe('paging out and in (spec 03.8)', () => {
  it('keeps content, and remembers which pages were exclusive', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    touch(mm, 16, 4, { value: 42 });
    madvise(mm, 16, 4, MADV_PAGEOUT);
    expect([pages(mm, 0, 64), mm.rssAnon, mm.swapEntries]).toEqual(['16-20 swap x', 0, 4]);
    expect(readByte(mm, 17)).toBe(42);
    expect(pages(mm, 0, 64)).toBe('16-17 swap x\n17-18 pte wa ae 1\n18-20 swap x');
    expect([mm.env.swap.used, mm.env.memory.usedFrames]).toEqual([3, 1]);
  });

  it('a page that a forked child has in swap too comes back read-only and stays in the cache', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    write(mm, 16, 2);
    madvise(mm, 16, 2, MADV_PAGEOUT);
    const child = fork(mm);
    expect([pages(mm, 0, 64), pages(child, 0, 64)]).toEqual(['16-18 swap', '16-18 swap']);
    read(child, 16, 1);
    expect(pages(child, 0, 64)).toBe('16-17 pte a ac 1\n17-18 swap');
    write(child, 17, 1);
    expect(pages(child, 0, 64)).toBe('16-17 pte a ac 1\n17-18 pte wad ae 1');
    read(mm, 16, 2);
    expect(pages(mm, 0, 64)).toBe('16-17 pte a am 2\n17-18 pte a a 1');
    expect(mm.env.swap.used).toBe(0);
  });

  it('a large folio goes and comes as a whole', () => {
    const mm = withFolios(2);
    map(mm, 16, 8);
    write(mm, 16, 8);
    madvise(mm, 16, 4, MADV_PAGEOUT);
    expect(pages(mm, 0, 64)).toBe('16-20 swap x\n20-24 pte wad ae 1 order 2+0');
    read(mm, 18, 1);
    expect(pages(mm, 0, 64)).toBe('16-20 pte wa ae 1 order 2+0\n20-24 pte wad ae 1 order 2+0');
  });

  it('a large folio that is cut by the range, or that swap cannot take whole, is split', () => {
    const cut = withFolios(2);
    map(cut, 16, 4);
    write(cut, 16, 4);
    madvise(cut, 16, 2, MADV_PAGEOUT);
    expect(pages(cut, 0, 64)).toBe('16-18 swap x\n18-20 pte wad ae 1');
    const pieces = withFolios(2, false);
    map(pieces, 16, 4);
    write(pieces, 16, 4);
    madvise(pieces, 16, 4, MADV_PAGEOUT);
    read(pieces, 16, 1);
    expect(pages(pieces, 0, 64)).toBe('16-17 pte wa ae 1\n17-20 swap x');
  });

  it('leaves pages that others map, that are pinned, or that swap has no room for', () => {
    const mm = makeMm();
    map(mm, 16, 3);
    write(mm, 16, 3);
    pinRange(mm, 17, 18, true);
    mm.env.injector = failOnce('swap-slot');
    madvise(mm, 16, 3, MADV_PAGEOUT);
    expect(pages(mm, 0, 64)).toBe('16-17 pte wad ae 1\n17-18 pte wad aep 1\n18-19 swap x');
    unpinAll(mm);
    const child = fork(mm);
    madvise(child, 16, 3, MADV_PAGEOUT);
    expect(pages(child, 0, 64)).toBe('16-18 pte d am 2\n18-19 swap');
  });
});

describe('hints', () => {
  it('COLD takes the accessed marks, FREE the modified ones as well', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    write(mm, 16, 4);
    madvise(mm, 16, 2, MADV_COLD);
    madvise(mm, 18, 2, MADV_FREE);
    expect(pages(mm, 0, 64)).toBe('16-18 pte wd ae 1\n18-20 pte w ae 1');
  });

  it('pages freed lazily are dropped by reclaim unless they were written to since', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    write(mm, 16, 2);
    madvise(mm, 16, 2, MADV_FREE);
    write(mm, 17, 1);
    madvise(mm, 16, 2, MADV_PAGEOUT);
    expect(pages(mm, 0, 64)).toBe('17-18 pte wad ae 1');
    madvise(mm, 16, 2, MADV_PAGEOUT);
    expect(pages(mm, 0, 64)).toBe('17-18 swap x');
  });

  it('a store to a page just freed lazily copies it: its batch still holds a reference', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    write(mm, 16, 2);
    exitMm(fork(mm));
    madvise(mm, 16, 1, MADV_FREE);
    const before = mm.env.memory.generation.slice();
    write(mm, 16, 2);
    expect(mm.env.memory.generation.filter((generation, frame) => generation !== before[frame])).toHaveLength(1);
  });

  it('nothing is left of memory that was paged out when its process ends', () => {
    const mm = withFolios(4);
    map(mm, 16, 64);
    write(mm, 16, 64);
    madvise(mm, 20, 30, MADV_PAGEOUT);
    const child = fork(mm);
    read(child, 16, 40);
    madvise(mm, 16, 20, MADV_DONTNEED);
    exitMm(mm);
    exitMm(child);
    expect([mm.env.memory.usedFrames, mm.env.swap.used, mm.env.anonVmas.liveCount]).toEqual([0, 0, 0]);
  });
});
