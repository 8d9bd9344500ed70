import { MmError } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import { touch } from '../calls/access.js';
import { forkMm } from '../calls/fork.js';
import { munmap } from '../calls/munmap.js';
import { failOnce, makeMm, map, write } from '../testing/mm-world.js';
import { pages } from '../testing/page-picture.js';
import { pinRange, unpinAll } from './gup.js';
import { populateRange } from './populate.js';

describe('long-term pins (spec 03.4)', () => {
  it('for writing: faults pages in, and copies shared ones', () => {
    const mm = makeMm();
    map(mm, 16, 3);
    write(mm, 16, 1);
    const child = forkMm(mm);
    if (child instanceof MmError) throw new Error(child.rule);
    expect(pinRange(mm, 16, 18, true)).toBe(null);
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad aep 1');
    unpinAll(mm);
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad ae 1');
  });

  it('for reading: no zero page and no shared page, but nothing becomes writable', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    write(mm, 16, 1);
    const child = forkMm(mm);
    if (child instanceof MmError) throw new Error(child.rule);
    touch(mm, 17, 1, { write: false });
    expect(pinRange(mm, 16, 18, false)).toBe(null);
    expect(pages(mm, 0, 64)).toBe('16-18 pte a aep 1');
  });

  it('keeps the page alive when its mapping goes', () => {
    const mm = makeMm();
    map(mm, 16, 1);
    pinRange(mm, 16, 17, true);
    munmap(mm, 16, 1);
    expect(mm.env.memory.usedFrames).toBe(1);
    unpinAll(mm);
    expect(mm.env.memory.usedFrames).toBe(0);
  });

  it('a range with a hole is refused, and nothing of it stays pinned', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    expect(pinRange(mm, 16, 20, true)?.errno).toBe('EFAULT');
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad ae 1');
  });
});

describe('populating', () => {
  it('reads or writes as asked; a hole ends it after what lies before', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    map(mm, 18, 2, 'r--');
    expect(populateRange(mm, 16, 18, 'write')).toBe(null);
    expect(populateRange(mm, 18, 20, 'write')?.errno).toBe('EINVAL');
    expect(populateRange(mm, 18, 24, 'read')?.errno).toBe('ENOMEM');
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad ae 1\n18-20 zero');
  });

  it('as mlock does: writable memory is written to, holes are passed over', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    map(mm, 20, 2, 'r--');
    expect(populateRange(mm, 0, 64, 'vma')).toBe(null);
    expect(pages(mm, 0, 64)).toBe('16-18 pte wad ae 1\n20-22 zero');
  });

  it('without memory it says so', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    mm.env.injector = failOnce('folio-alloc', 2);
    expect(populateRange(mm, 16, 18, 'write')?.errno).toBe('ENOMEM');
    expect(pages(mm, 0, 64)).toBe('16-17 pte wad ae 1');
  });
});
