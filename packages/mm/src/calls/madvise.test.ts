import { describe, expect, it } from 'vitest';
import { failOnce, makeMm, map, outcome, picture, prot, write } from '../testing/mm-world.js';
import type { Mm } from '../mm.js';
import { touch } from './access.js';
import {
  MADV_COLD,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_UNMERGEABLE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_SHARED,
} from './abi.js';
import { madvise, madviseBytes, processMadvise } from './madvise.js';
import { mlock } from './mlock.js';
import { mmap } from './mmap.js';
import { mprotect } from './mprotect.js';
import { mseal } from './mseal.js';

/** Twelve pages from 16 on, all written to. */
function twelve(): Mm {
  const mm = makeMm();
  map(mm, 16, 12);
  write(mm, 16, 12);
  return mm;
}

describe('madvise, flags (spec 01.6)', () => {
  it.each([
    ['DONTFORK', MADV_DONTFORK, 'dc ac', MADV_DOFORK],
    ['WIPEONFORK', MADV_WIPEONFORK, 'ac wf', MADV_KEEPONFORK],
    ['DONTDUMP', MADV_DONTDUMP, 'ac dd', MADV_DODUMP],
    ['RANDOM', MADV_RANDOM, 'rr ac', MADV_NORMAL],
    ['SEQUENTIAL', MADV_SEQUENTIAL, 'sr ac', MADV_NORMAL],
    ['MERGEABLE', MADV_MERGEABLE, 'ac mg', MADV_UNMERGEABLE],
  ])('%s splits, its opposite joins again', (_name, advice, flags, opposite) => {
    const mm = twelve();
    expect(madvise(mm, 20, 4, advice)).toBe(0);
    expect(picture(mm)).toBe(`16-20 rw-p ac @1\n20-24 rw-p ${flags} @1\n24-28 rw-p ac @1`);
    expect(madvise(mm, 20, 4, opposite)).toBe(0);
    expect(picture(mm)).toBe('16-28 rw-p ac @1');
  });

  it('HUGEPAGE and NOHUGEPAGE replace each other', () => {
    const mm = twelve();
    madvise(mm, 16, 12, MADV_HUGEPAGE);
    expect(picture(mm)).toBe('16-28 rw-p ac hg @1');
    madvise(mm, 16, 12, MADV_NOHUGEPAGE);
    expect(picture(mm)).toBe('16-28 rw-p ac nh @1');
  });

  it('gaps do not stop it, but are told', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4);
    expect(outcome(madvise(mm, 14, 12, MADV_DONTFORK))).toBe('ENOMEM');
    expect(picture(mm)).toBe('16-20 rw-p dc ac\n24-26 rw-p dc ac\n26-28 rw-p ac');
    expect(outcome(madvise(mm, 40, 4, MADV_DONTFORK))).toBe('ENOMEM');
  });

  it('a lack of memory or of map count is EAGAIN', () => {
    const mm = twelve();
    mm.env.injector = failOnce('vma-alloc');
    expect(outcome(madvise(mm, 20, 4, MADV_DONTFORK))).toBe('EAGAIN');
    mm.env.injector = null;
    mm.env.settings.maxMapCount = 1;
    expect(outcome(madvise(mm, 20, 4, MADV_DONTFORK))).toBe('EAGAIN');
  });

  it('argument rules', () => {
    const mm = twelve();
    expect(outcome(madvise(mm, 16, 4, 5))).toBe('EINVAL');
    expect(outcome(madviseBytes(mm, 65537, 4096, MADV_DONTNEED))).toBe('EINVAL');
    expect(outcome(madviseBytes(mm, 65536, 2n ** 64n - 1n, MADV_DONTNEED))).toBe('EINVAL');
    expect(madvise(mm, 500, 0, MADV_DONTNEED)).toBe(0);
  });

  it('what does not suit the mapping is refused', () => {
    const mm = makeMm();
    mmap(mm, { start: 16, pages: 4, prot: prot('rw-'), flags: MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED });
    expect(outcome(madvise(mm, 16, 4, MADV_WIPEONFORK))).toBe('EINVAL');
    expect(outcome(madvise(mm, 16, 4, MADV_FREE))).toBe('EINVAL');
    expect(madvise(mm, 16, 4, MADV_MERGEABLE)).toBe(0);
    expect(picture(mm)).toBe('16-20 rw-s +0');
    expect(madvise(mm, 16, 4, MADV_REMOVE)).toBe(0);
    map(mm, 32, 4);
    expect(outcome(madvise(mm, 32, 4, MADV_REMOVE))).toBe('EINVAL');
  });
});

describe('madvise, pages (spec 01.6)', () => {
  it('DONTNEED drops pages and keeps the anon_vma', () => {
    const mm = twelve();
    expect(madvise(mm, 16, 4, MADV_DONTNEED)).toBe(0);
    expect([mm.rssAnon, picture(mm)]).toEqual([8, '16-28 rw-p ac @1']);
  });

  it('locked memory is neither dropped nor paged out, unless asked for by name', () => {
    const mm = twelve();
    mlock(mm, 16, 4);
    for (const advice of [MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_GUARD_INSTALL]) {
      expect(outcome(madvise(mm, 16, 4, advice))).toBe('EINVAL');
    }
    expect(mm.rssAnon).toBe(12);
    expect(madvise(mm, 16, 4, MADV_DONTNEED_LOCKED)).toBe(0);
    expect(mm.rssAnon).toBe(8);
  });

  it('guards make the VMA faulted, and accesses fail until they are removed', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    expect(madvise(mm, 17, 1, MADV_GUARD_INSTALL)).toBe(0);
    expect(picture(mm)).toBe('16-20 rw-p gu ac @1');
    expect(touch(mm, 16, 4).page).toBe(17);
    expect(madvise(mm, 16, 4, MADV_DONTNEED)).toBe(0);
    expect(touch(mm, 16, 4).page).toBe(17);
    expect(madvise(mm, 16, 4, MADV_GUARD_REMOVE)).toBe(0);
    expect(touch(mm, 16, 4).touched).toBe(4);
  });

  it('before 6.18 guards leave no flag', () => {
    const mm = makeMm({ profile: 'rfc-v2' });
    map(mm, 16, 4);
    madvise(mm, 17, 1, MADV_GUARD_INSTALL);
    expect(picture(mm)).toBe('16-20 rw-p ac @1');
  });

  it('POPULATE_WRITE stops at what it cannot write', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4, 'r--');
    expect(outcome(madvise(mm, 16, 12, MADV_POPULATE_WRITE))).toBe('ENOMEM');
    expect(mm.rssAnon).toBe(4);
    expect(outcome(madvise(mm, 24, 4, MADV_POPULATE_WRITE))).toBe('EINVAL');
    expect(madvise(mm, 24, 4, MADV_POPULATE_READ)).toBe(0);
    expect(madvise(mm, 24, 4, MADV_WILLNEED)).toBe(0);
  });

  it('sealed memory that the program cannot write keeps its contents', () => {
    const mm = twelve();
    mseal(mm, 16, 4);
    mprotect(mm, 20, 4, prot('r--'));
    mseal(mm, 20, 4);
    expect(madvise(mm, 16, 4, MADV_DONTNEED)).toBe(0);
    expect(outcome(madvise(mm, 20, 4, MADV_DONTNEED))).toBe('EPERM');
    expect(outcome(madvise(mm, 20, 4, MADV_WIPEONFORK))).toBe('EPERM');
    expect(madvise(mm, 20, 4, MADV_COLD)).toBe(0);
  });
});

describe('process_madvise', () => {
  it('gives the pages advised, and little advice to others', () => {
    const mm = twelve();
    const ranges = [
      { start: 16, pages: 4 },
      { start: 40, pages: 4 },
    ];
    expect(processMadvise(mm, ranges, MADV_COLD, false)).toBe(4);
    expect(outcome(processMadvise(mm, ranges, MADV_DONTNEED, false))).toBe('EINVAL');
    expect(processMadvise(mm, ranges, MADV_DONTNEED, true)).toBe(4);
  });
});
