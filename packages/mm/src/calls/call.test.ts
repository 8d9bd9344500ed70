import { describe, expect, it } from 'vitest';
import { makeMm, map, prot } from '../testing/mm-world.js';
import { MADV_DONTFORK } from './abi.js';
import { brk } from './brk.js';
import { forkMm } from './fork.js';
import { madvise } from './madvise.js';
import { mlock } from './mlock.js';
import { mprotect } from './mprotect.js';
import { munmap } from './munmap.js';

describe('events of calls', () => {
  it('begin and end pair, what happens between them is told in order', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    const told: string[] = [];
    mm.env.bus.listen((event) => {
      if (event.type === 'call.begin') told.push(`${event.call}(${event.start}, ${event.pages})`);
      else if (event.type === 'call.end') told.push(`= ${event.result ?? `${event.errno}, ${event.rule}`}`);
      else told.push(event.type);
    });
    mprotect(mm, 18, 2, prot('r--'));
    mprotect(mm, 18, 2, prot('rw-'));
    munmap(mm, 100, 0);
    madvise(mm, 30, 1, MADV_DONTFORK);
    mlock(mm, 16, 1);
    expect(told).toEqual([
      'mprotect(18, 2)',
      'vma.merge',
      'vma.split',
      'vma.split',
      '= 0',
      'mprotect(18, 2)',
      'vma.merge',
      '= 0',
      'munmap(100, 0)',
      '= EINVAL, spec 01.4: empty range',
      'madvise(30, 1)',
      '= ENOMEM, spec 01.6: gap in the range',
      'mlock(16, 1)',
      'vma.merge',
      'vma.split',
      'fault.end',
      '= 0',
    ]);
  });

  it('brk and fork tell what they gave', () => {
    const mm = makeMm();
    mm.brkStart = mm.brk = 0x10_0000;
    const results: (number | null)[] = [];
    mm.env.bus.listen((event) => {
      if (event.type === 'call.end') results.push(event.result);
    });
    brk(mm, 0x10_3000);
    brk(mm, 0x1000);
    const child = forkMm(mm);
    expect(results).toEqual([0x103, null, 'id' in child ? child.id : -1]);
  });
});
