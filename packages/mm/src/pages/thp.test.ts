import { MmError } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import { MADV_COLLAPSE, MADV_DONTNEED, MADV_NOHUGEPAGE, MADV_HUGEPAGE } from '../calls/abi.js';
import { madvise } from '../calls/madvise.js';
import { mprotect } from '../calls/mprotect.js';
import { munmap } from '../calls/munmap.js';
import type { Mm } from '../mm.js';
import { failOnce, makeMm, map, prot, write } from '../testing/mm-world.js';
import { pages } from '../testing/page-picture.js';
import { frameAt } from './access.js';
import { splitFolio } from './folio-split.js';
import { pinRange, unpinAll } from './gup.js';

function hugePage(): Mm {
  const sizes = new Map([[9, 'inherit'] as const]);
  const mm = makeMm({ settings: { thp: { enabled: 'always', sizes, useZeroPage: true } } });
  map(mm, 512, 512);
  write(mm, 512, 512);
  return mm;
}

describe('splitting a huge entry (spec 04.10)', () => {
  it('a new VMA boundary inside splits it, the folio stays whole', () => {
    const mm = hugePage();
    mprotect(mm, 600, 10, prot('r--'));
    expect(pages(mm, 0, 2048)).toBe(
      '512-600 pte wad ae 1 order 9+0\n600-610 pte ad ae 1 order 9+88\n610-1024 pte wad ae 1 order 9+98',
    );
    mprotect(mm, 600, 10, prot('rw-'));
    expect(pages(mm, 0, 2048)).toBe('512-1024 pte wad ae 1 order 9+0');
  });

  it('a whole entry is protected as it is', () => {
    const mm = hugePage();
    mprotect(mm, 512, 512, prot('---'));
    expect(pages(mm, 0, 2048)).toBe('512-1024 pmd adn ae 1 order 9+0');
  });

  it('dropping a part marks the folio for the split queue', () => {
    const mm = hugePage();
    madvise(mm, 520, 8, MADV_DONTNEED);
    expect(pages(mm, 0, 2048)).toBe('512-520 pte wad aet 1 order 9+0\n528-1024 pte wad aet 1 order 9+16');
    expect(mm.rssAnon).toBe(504);
  });

  it('the table in reserve is given back with the entry', () => {
    const mm = hugePage();
    munmap(mm, 512, 512);
    expect([...mm.pages.tables].slice(0, -1).every((count) => count === 0)).toBe(true);
    expect(mm.env.memory.usedFrames).toBe(0);
  });
});

describe('splitting a folio (spec 07.1)', () => {
  /** As callers do: with one reference. */
  function split(mm: Mm, page: number): string | null {
    const head = mm.env.memory.headOf(frameAt(mm, page));
    mm.env.memory.get(head);
    const failure = splitFolio(mm.env, head);
    mm.env.memory.put(head);
    return failure;
  }

  it('gives single pages with the marks that they had; unmapped ones are freed', () => {
    const mm = hugePage();
    munmap(mm, 520, 504);
    expect(split(mm, 512)).toBe(null);
    expect([pages(mm, 0, 2048), mm.env.memory.usedFrames]).toEqual(['512-520 pte wad ae 1', 8]);
  });

  it('pages that hold nothing but zeroes become the zero page', () => {
    const sizes = new Map([[4, 'always'] as const]);
    const mm = makeMm({ settings: { thp: { enabled: 'always', sizes, useZeroPage: true } } });
    map(mm, 16, 16);
    write(mm, 18, 2);
    expect(split(mm, 16)).toBe(null);
    expect(pages(mm, 0, 64)).toBe('16-18 zero\n18-20 pte wad ae 1\n20-32 zero');
    expect([mm.rssAnon, mm.env.memory.usedFrames]).toEqual([2, 2]);
  });

  it('fails with EAGAIN while it is pinned, and when told to', () => {
    const mm = hugePage();
    pinRange(mm, 700, 701, true);
    expect(split(mm, 512)).toBe('EAGAIN');
    unpinAll(mm);
    mm.env.injector = failOnce('folio-split');
    expect(split(mm, 512)).toBe('EAGAIN');
    expect(pages(mm, 0, 2048)).toBe('512-1024 pmd wad ae 1 order 9+0');
  });
});

it('MADV_COLLAPSE makes a huge page of small ones', () => {
  const sizes = new Map([[9, 'inherit'] as const]);
  const mm = makeMm({ settings: { thp: { enabled: 'madvise', sizes, useZeroPage: true } } });
  map(mm, 512, 512);
  madvise(mm, 512, 512, MADV_NOHUGEPAGE);
  write(mm, 512, 512);
  madvise(mm, 512, 512, MADV_HUGEPAGE);
  expect(madvise(mm, 512, 512, MADV_COLLAPSE)).toBe(0);
  expect([pages(mm, 0, 2048), mm.rssAnon, mm.env.memory.usedFrames]).toEqual([
    '512-1024 pmd wad ae 1 order 9+0',
    512,
    512,
  ]);
});

it('MADV_COLLAPSE refuses ranges without a whole huge page as the live kernel does', () => {
  const sizes = new Map([[9, 'inherit'] as const]);
  const mm = makeMm({ settings: { thp: { enabled: 'madvise', sizes, useZeroPage: true } } });
  const collapse = (start: number, count: number): unknown => {
    const result = madvise(mm, start, count, MADV_COLLAPSE);
    return result instanceof MmError ? result.errno : result;
  };
  map(mm, 512, 64);
  write(mm, 512, 64);
  expect(collapse(512, 5), 'in a small mapping').toBe('EINVAL');
  map(mm, 2048, 1024);
  expect(collapse(2048, 5), 'of untouched memory').toBe('EINVAL');
  write(mm, 2048, 1);
  expect(collapse(2048, 5), 'from a boundary').toBe(0);
  expect(collapse(2049, 5), 'between boundaries').toBe('EINVAL');
  expect(collapse(2049, 511), 'up to a boundary').toBe(0);
  expect(collapse(2049, 512), 'across a boundary').toBe(0);
});
