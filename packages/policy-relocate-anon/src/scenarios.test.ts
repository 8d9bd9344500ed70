import { MmError } from '@vmakit/base';
import { FailNth } from '@vmakit/check';
import { MADV_PAGEOUT, MAP_FIXED, MAP_PRIVATE, registerUserfault } from '@vmakit/mm';
import { largeFolio } from '@vmakit/policy-large-folio';
import { Scene } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';
import { type Variant, relocateAnon } from './index.js';

/*
 * Spec 08 table E: where the series as posted and the corrected one part. Source: pages 16 to 23, destination: 64.
 */

const RELOCATE = ['RELOCATE_ANON'];
const MUST = ['MUST_RELOCATE_ANON'];

function scene(variant: Variant, pages = 8): Scene {
  return new Scene({ policies: [relocateAnon({ variant }), largeFolio()] }).map(16, pages).write(16, pages);
}

/** Everything that a call that fails must leave alone. */
function state(here: Scene): unknown {
  const { mm } = here.process;
  const { env } = mm;
  return [
    here.vmas(),
    here.pages(16, 8),
    here.pages(64, 8),
    [mm.totalVm, mm.lockedVm, mm.mapCount, mm.hiwaterVm, env.committed, env.anonVmas.liveCount],
    here.locks.held(),
  ];
}

describe('E1 a pinned page', () => {
  test('posted: the call succeeds, the page keeps its old offset and an anon_vma that is gone', () => {
    const here = scene('v1').pin(17, 1);
    expect(here.move(16, 8, 64, MUST)).toBe(64);
    expect(here.pages(64, 3)).toEqual(['a:64', 'b:17', 'a:66']);
    expect(here.kernel.env.anonVmas.liveCount).toBe(1);
  });

  test('corrected: an ordinary move, or EFAULT with nothing changed', () => {
    const plain = scene('corrected').pin(17, 1);
    expect(plain.move(16, 8, 64, RELOCATE)).toBe(64);
    expect(plain.vmas()).toEqual(['64-72 rw-p @16 a']);
    const must = scene('corrected').pin(17, 1);
    const before = state(must);
    expect(must.move(16, 8, 64, MUST)).toBe('EFAULT');
    expect(state(must)).toEqual(before);
  });
});

describe('E2 pages that are not there', () => {
  const swapped = (variant: Variant): Scene => {
    const here = scene(variant);
    here.advise(16, 1, MADV_PAGEOUT);
    return here;
  };

  test('E2c in swap and nowhere else: relocated, and right when it comes back', () => {
    for (const variant of ['v1', 'corrected'] as const) {
      const here = swapped(variant);
      expect(here.move(16, 8, 64, MUST)).toBe(64);
      here.read(64, 1);
      expect(here.pages(64, 2)).toEqual(['a:64', 'a:65']);
    }
  });

  test('with the repair of the recordings every absent page is an obstacle', () => {
    const policies = [relocateAnon({ variant: 'recorder', repairs: { swap: true } }), largeFolio()];
    const here = new Scene({ policies }).map(16, 8).write(16, 8);
    here.advise(16, 1, MADV_PAGEOUT);
    expect(here.move(16, 8, 64, MUST)).toBe('EFAULT');
  });
});

describe('E3 a folio that somebody else has locked', () => {
  test('posted: the pages before it are taken back', () => {
    const here = scene('v1');
    here.kernel.env.injector = new FailNth('folio-trylock', 4);
    expect(here.move(16, 8, 64, MUST)).toBe('EFAULT');
    expect(here.pages(16, 8)).toEqual(['a:16', 'a:17', 'a:18', 'a:19', 'a:20', 'a:21', 'a:22', 'a:23']);
  });

  test('corrected: nothing has changed', () => {
    const here = scene('corrected');
    const before = state(here);
    here.kernel.env.injector = new FailNth('folio-trylock', 4);
    expect(here.move(16, 8, 64, MUST)).toBe('EFAULT');
    expect(state(here)).toEqual(before);
  });

  test('E3c posted: locked at another page while taking back, folios stay behind with the new place', () => {
    const here = scene('v1');
    let reached = 0;
    // The third page is busy on the way forward, the second one when it is to be taken back.
    here.kernel.env.injector = { fails: (point) => point === 'folio-trylock' && [3, 5].includes(++reached) };
    expect(here.move(16, 8, 64, RELOCATE)).toBe(64);
    expect(here.pages(64, 3)).toEqual(['a:16', 'b:65', 'a:18']);
  });

  test('E3c corrected: taking back does not lock, so it cannot fail', () => {
    const here = scene('corrected');
    let reached = 0;
    here.kernel.env.injector = { fails: (point) => point === 'folio-trylock' && [3, 5].includes(++reached) };
    expect(here.move(16, 8, 64, RELOCATE)).toBe(64);
    expect(here.pages(64, 3)).toEqual(['a:16', 'a:17', 'a:18']);
  });
});

describe('E4 the tables of the second half cannot be moved', () => {
  const wide = (variant: Variant): Scene => {
    const here = new Scene({ policies: [relocateAnon({ variant }), largeFolio()] }).map(500, 600);
    here.write(500, 1).write(600, 1);
    here.kernel.env.injector = new FailNth('move-step', 2);
    return here;
  };

  test('posted: what had been moved keeps the new place', () => {
    const here = wide('v1');
    expect(here.move(500, 600, 2000, RELOCATE)).toBe('ENOMEM');
    expect([...here.pages(500, 1), ...here.pages(600, 1)]).toEqual(['a:2000', 'b:600']);
  });

  test('corrected: all is as it was', () => {
    const here = wide('corrected');
    expect(here.move(500, 600, 2000, RELOCATE)).toBe('ENOMEM');
    expect([...here.pages(500, 1), ...here.pages(600, 1)]).toEqual(['a:500', 'a:600']);
    expect(here.vmas()).toEqual(['500-1100 rw-p @500 a']);
  });
});

test('E5 the merge after relocation swallows the source: the call goes on with the merged mapping', () => {
  const here = new Scene({ policies: [relocateAnon(), largeFolio()] }).map(0, 32).write(0, 32);
  here.unmap(8, 4);
  expect(here.move(12, 4, 8, MUST)).toBe(8);
  expect(here.vmas()).toEqual(['0-12 rw-p @0 a', '16-32 rw-p @16 a']);
  expect(here.pages(8, 4)).toEqual(['a:8', 'a:9', 'a:10', 'a:11']);
  expect(here.kernel.policies.counters.read()).toMatchObject({ merged: 1, mergedWithSource: 1, sourceReplaced: 1 });
});

describe('E6 accounts when relocation falls back', () => {
  const failing = (variant: Variant, flags: string[]): number => {
    const here = scene(variant);
    here.kernel.env.injector = new FailNth('relocate-entry', 3);
    here.move(16, 8, 64, flags);
    return here.kernel.env.committed;
  };

  test('posted: as many pages too few are promised as were to be moved', () => {
    expect(failing('v1', RELOCATE)).toBe(0);
    expect(failing('v1', MUST)).toBe(0);
  });

  test('corrected: unchanged', () => {
    expect(failing('corrected', RELOCATE)).toBe(8);
    expect(failing('corrected', MUST)).toBe(8);
  });
});

test('E7 MUST on a forked parent: posted leaks the charge of DONTUNMAP, corrected does not', () => {
  const leaked = (variant: Variant): number => {
    const here = scene(variant);
    here.fork();
    const { committed } = here.kernel.env;
    expect(here.move(16, 8, 64, [...MUST, 'DONTUNMAP'])).toBe('EFAULT');
    return here.kernel.env.committed - committed;
  };
  expect([leaked('v1'), leaked('corrected')]).toEqual([8, 0]);
});

describe('E8 a userfaultfd without remap events', () => {
  /** Both registered; whether the neighbour still is after a relocating move beside it. */
  const stillWatched = (variant: Variant): boolean => {
    const here = scene(variant).map(56, 8).write(56, 8);
    const { mm } = here.process;
    const context = { id: 1, remapEvents: false, forkEvents: false, protectsAbsent: false };
    mm.uffd = context;
    for (const [page, pages] of [
      [16, 8],
      [56, 8],
    ] as const) {
      const result = registerUserfault(mm, here.origin + page, pages, context, ['wp']);
      expect(result).not.toBeInstanceOf(MmError);
    }
    expect(here.move(16, 8, 64, RELOCATE)).toBe(64);
    return mm.tree.at(here.origin + 56)?.uffd !== null;
  };

  test('posted: the neighbour loses its registration; corrected: no merge', () => {
    expect([stillWatched('v1'), stillWatched('corrected')]).toEqual([false, true]);
  });
});

test('E9 DONTUNMAP right behind the source: posted merges with it, corrected stays apart', () => {
  const after = (variant: Variant): string[] => {
    const here = scene(variant);
    expect(here.move(16, 8, 24, [...MUST, 'DONTUNMAP'])).toBe(24);
    return here.vmas();
  };
  expect(after('corrected')).toEqual(['16-24 rw-p @16 -', '24-32 rw-p @24 a']);
  expect(after('v1')).toEqual(['16-32 rw-p @16 a']);
});

test('E10 between touched and untouched the anon_vma of the previous one is taken, and all merge', () => {
  const here = scene('corrected').map(56, 8).write(56, 8).map(72, 8);
  here.move(16, 8, 64, MUST);
  expect(here.vmas()).toEqual(['56-80 rw-p @56 a']);
  expect(here.process.mm.tree.first?.anonVma?.numActiveVmas).toBe(1);
});

test('E11 again and back: the offset is always that of the address', () => {
  const here = scene('corrected');
  for (const [from, to] of [
    [16, 64],
    [64, 96],
    [96, 16],
  ] as const) {
    here.move(from, 8, to, MUST);
    expect(here.vmas()[0]).toMatch(new RegExp(`^${to}-${to + 8} rw-p @${to} `));
  }
});

test('E14 in a move of several, the parts before one that must not be relocated stay moved and relocated', () => {
  const here = new Scene({ policies: [relocateAnon(), largeFolio()] }).map(18, 1).write(18, 1);
  here.fork();
  here.map(16, 1).write(16, 1);
  expect(here.move(16, 3, 64, MUST)).toBe('EFAULT');
  expect(here.vmas().map((vma) => vma.slice(0, 15))).toEqual(['18-19 rw-p @18 ', '64-65 rw-p @64 ']);
});

test('E15 beside a forked parent: relocated and merged, but not once more', () => {
  const here = new Scene({ policies: [relocateAnon(), largeFolio()] }).map(72, 8).write(72, 8);
  const parent = here.process;
  here.fork();
  here.as(parent).map(16, 8).write(16, 8);
  expect(here.move(16, 8, 64, MUST)).toBe(64);
  expect(here.vmas()).toEqual(['64-80 rw-p @64 a']);
  expect(here.move(64, 8, 96, MUST)).toBe('EFAULT');
});

test('E16 when the source cannot be unmapped the call succeeds and the charge leaks: also without relocation', () => {
  const here = scene('corrected');
  here.kernel.env.injector = new FailNth('unmap-tree-store', 1);
  expect(here.move(16, 4, 64, RELOCATE)).toBe(64);
  expect(here.kernel.env.committed).toBe(12);
  here.unmap(16, 8).unmap(64, 4);
  expect(here.kernel.env.committed).toBe(8);
});

test('untouched memory moves with MUST too; a private mapping of /dev/zero is not relocated', () => {
  const here = new Scene({ policies: [relocateAnon(), largeFolio()] }).map(16, 8);
  expect(here.move(16, 8, 64, MUST)).toBe(64);
  const zero = here.kernel.createFile({ kind: 'zero', sizePages: 0, name: '/dev/zero' });
  here.process.mmap(here.address(16), 4 * 4096, 3, MAP_PRIVATE | MAP_FIXED, { file: zero });
  here.write(16, 4);
  expect(here.move(16, 4, 96, MUST)).toBe('EFAULT');
});
