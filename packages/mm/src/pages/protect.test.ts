import { MmError } from '@vmakit/base';
import type { UserfaultContext } from '@vmakit/vma-merge';
import { describe, expect, it } from 'vitest';
import { forkMm } from '../calls/fork.js';
import { MADV_DONTNEED, MAP_ANONYMOUS, MAP_FIXED, MAP_SHARED } from '../calls/abi.js';
import { madvise } from '../calls/madvise.js';
import { mmap } from '../calls/mmap.js';
import { mprotect } from '../calls/mprotect.js';
import { registerUserfault } from '../calls/userfault.js';
import { touch } from '../calls/access.js';
import { makeMm, map, prot, write } from '../testing/mm-world.js';
import { pages } from '../testing/page-picture.js';
import { FAULT_USERFAULT } from './fault-result.js';
import { clearSoftDirty } from './soft-dirty.js';
import { userfaultPoison, userfaultProtect } from './uffd.js';

describe('mprotect on pages', () => {
  it('takes write permission away, and gives it back at once to exclusive pages only', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    write(mm, 16, 4);
    const child = forkMm(mm);
    if (child instanceof MmError) throw new Error(child.rule);
    write(mm, 16, 2);
    mprotect(mm, 16, 4, prot('r--'));
    mprotect(mm, 16, 4, prot('rw-'));
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad ae 1\n18-20 pte ad am 2');
  });

  it('no access keeps pages and marks', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    write(mm, 16, 2);
    mprotect(mm, 16, 2, prot('---'));
    expect(pages(mm, 0, 64)).toBe('16-18 pte adn ae 1');
    mprotect(mm, 16, 2, prot('rw-'));
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad ae 1');
  });
});

it('clearing soft-dirty marks makes the next store fault, also after a change of rights', () => {
  const mm = makeMm({ settings: { softDirty: true } });
  map(mm, 16, 2);
  write(mm, 16, 2);
  clearSoftDirty(mm);
  expect(pages(mm, 0, 64)).toBe('16-18 pte ad ae 1');
  mprotect(mm, 16, 2, prot('r--'));
  mprotect(mm, 16, 2, prot('rw-'));
  expect(pages(mm, 0, 64)).toBe('16-18 pte ad ae 1');
  write(mm, 16, 1);
  expect(pages(mm, 0, 64)).toBe('16-17 pte wad ae 1\n17-18 pte ad ae 1');
});

const watch = (protectsAbsent: boolean): UserfaultContext => ({
  id: 1,
  remapEvents: false,
  forkEvents: false,
  protectsAbsent,
});

describe('userfaultfd', () => {
  it('protects present pages and marks absent ones; a store goes to its owner', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    write(mm, 16, 2);
    registerUserfault(mm, 16, 4, watch(true), ['wp']);
    expect(userfaultProtect(mm, 16, 20, true)).toBe(null);
    expect(pages(mm, 0, 64)).toBe('16-18 pte ad ae 1\n18-20 marker');
    expect(touch(mm, 16, 1).result).toBe(FAULT_USERFAULT);
    expect(userfaultProtect(mm, 16, 20, false)).toBe(null);
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad ae 1');
  });

  // Found by vmakit live fuzz --seed 15001: the first store left an entry that could be written to.
  it('protects shared memory that was absent, however often it is written to', () => {
    const mm = makeMm();
    mmap(mm, { start: 16, pages: 1, prot: prot('rw-'), flags: MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED });
    registerUserfault(mm, 16, 1, watch(true), ['wp']);
    expect(userfaultProtect(mm, 16, 17, true)).toBe(null);
    expect(touch(mm, 16, 1).result).toBe(FAULT_USERFAULT);
    expect(touch(mm, 16, 1).result).toBe(FAULT_USERFAULT);
    expect(userfaultProtect(mm, 16, 17, false)).toBe(null);
    write(mm, 16, 1);
  });

  // Found by vmakit live fuzz --seed 15102: the page that was dropped was written to again, unseen.
  it('protects pages of files that are dropped, as it does absent ones; not those of anonymous memory', () => {
    const mm = makeMm();
    mmap(mm, { start: 16, pages: 4, prot: prot('rw-'), flags: MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED });
    map(mm, 24, 2);
    write(mm, 16, 2);
    write(mm, 24, 2);
    registerUserfault(mm, 16, 4, watch(false), ['wp']);
    registerUserfault(mm, 24, 2, watch(false), ['wp']);
    expect(userfaultProtect(mm, 17, 20, true)).toBe(null);
    expect(userfaultProtect(mm, 24, 26, true)).toBe(null);
    for (const start of [16, 24]) expect(madvise(mm, start, 2, MADV_DONTNEED)).toBe(0);
    expect(pages(mm, 0, 64)).toBe('17-20 marker');
    expect(touch(mm, 17, 1).result).toBe(FAULT_USERFAULT);
    expect(madvise(mm, 16, 4, MADV_DONTNEED)).toBe(0);
    expect(pages(mm, 0, 64)).toBe('17-20 marker');
  });

  it('protects no page that is dropped where it watches for something else by now', () => {
    const mm = makeMm();
    mmap(mm, { start: 16, pages: 2, prot: prot('rw-'), flags: MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED });
    write(mm, 16, 1);
    const context = watch(false);
    registerUserfault(mm, 16, 2, context, ['wp']);
    expect(userfaultProtect(mm, 16, 18, true)).toBe(null);
    registerUserfault(mm, 16, 2, context, ['missing']);
    expect(madvise(mm, 16, 2, MADV_DONTNEED)).toBe(0);
    expect(pages(mm, 0, 64)).toBe('17-18 marker');
  });

  it('poisons absent pages only, where it is registered', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    expect(userfaultPoison(mm, 16, 18)?.errno).toBe('ENOENT');
  });
});
