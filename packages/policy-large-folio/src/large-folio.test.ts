import { relocateAnon } from '@vmakit/policy-relocate-anon';
import { Scene, type SceneOptions } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';
import { largeFolio } from './index.js';

/*
 * Spec 07 section 7. Folios of 512 pages are mapped by huge entries, folios of 16 pages by small ones.
 */

const MUST = ['MUST_RELOCATE_ANON'];
const RELOCATE = ['RELOCATE_ANON'];
const HUGE = { enabled: 'always', orders: [9] } as const;
const SIXTEEN = { enabled: 'always', orders: [4] } as const;

type VariantName = 'v1' | 'corrected';

function scene(variant: VariantName, thp: NonNullable<SceneOptions['thp']>): Scene {
  // As posted, the lock of a huge folio is waited for where that must not be (B5): the lock validator would stop there.
  const checksLocks = variant === 'corrected';
  return new Scene({ policies: [relocateAnon({ variant }), largeFolio()], thp, checksLocks, pages: 2 ** 16 });
}

/** What was counted, without the moves of small folios. */
function counts(here: Scene): Record<string, number> {
  const { smallFolioMoved: _moved, ...rest } = here.kernel.policies.counters.read();
  return rest;
}

/** The order of the folio that a page of the scene belongs to. */
function orderAt(here: Scene, page: number): number {
  const { mm } = here.process;
  const { arch, memory } = mm.env;
  for (const level of [0, 1]) {
    const table = mm.pages.lookup(level, here.origin + page);
    if (table === 0) continue;
    const at = mm.pages.entryAt(table, level, here.origin + page);
    return memory.order[arch.pfn(mm.pages.pool.words(table), at, level)] as number;
  }
  return -1;
}

describe('a folio mapped by a huge entry', () => {
  test('inside the range and aligned: one rewrite, still one huge entry', () => {
    const here = scene('corrected', HUGE).map(512, 512).write(512, 512);
    expect(here.move(512, 512, 2048, MUST)).toBe(2048);
    expect(counts(here)).toEqual({ relocate: 1, pmdFolioMoved: 1 });
    expect(here.process.mm.pages.lookup(0, here.origin + 2048)).toBe(0);
    expect(here.pages(2048, 1)).toEqual(['a:2048']);
  });

  test('to a destination that is not aligned: small entries, the folio whole, its offset odd', () => {
    const here = scene('corrected', HUGE).map(512, 512).write(512, 512);
    expect(here.move(512, 512, 2049, MUST)).toBe(2049);
    expect(counts(here)).toEqual({ relocate: 1, pmdSplit: 1, pteLargeFolioMoved: 1 });
    expect(orderAt(here, 2049)).toBe(9);
    expect(here.pages(2049, 2)).toEqual(['a:2049', 'a:2050']);
  });

  test('cut by the range: posted gives up, corrected splits and relocates the part', () => {
    const posted = scene('v1', HUGE).map(512, 512).write(512, 512);
    expect(posted.move(512, 256, 2048, MUST)).toBe('EFAULT');
    expect(posted.move(512, 256, 2048, RELOCATE)).toBe(2048);
    expect(posted.pages(2048, 1)).toEqual(['a:512']);
    const corrected = scene('corrected', HUGE).map(512, 512).write(512, 512);
    expect(corrected.move(512, 256, 2048, MUST)).toBe(2048);
    expect(corrected.pages(2048, 1)).toEqual(['a:2048']);
    expect(corrected.pages(768, 1)).toEqual(['b:768']);
    expect(orderAt(corrected, 768)).toBe(0);
  });

  test('pinned: no relocation in either', () => {
    for (const variant of ['v1', 'corrected'] as const) {
      const here = scene(variant, HUGE).map(512, 512).write(512, 512).pin(600, 1);
      expect(here.move(512, 512, 2048, MUST)).toBe('EFAULT');
      expect(here.pages(512, 1)).toEqual(['a:512']);
    }
  });

  test('the second of two pinned: the first is taken back', () => {
    for (const variant of ['v1', 'corrected'] as const) {
      const here = scene(variant, HUGE).map(512, 1024).write(512, 1024).pin(1024, 1);
      expect(here.move(512, 1024, 2048, RELOCATE)).toBe(2048);
      expect(here.vmas()).toEqual(['2048-3072 rw-p @512 a']);
      expect(here.pages(2048, 1)).toEqual(['a:512']);
    }
  });
});

describe('folios mapped by small entries', () => {
  test('those that cross an end are split, those between go whole', () => {
    const here = scene('corrected', SIXTEEN).map(0, 64).write(0, 64);
    expect(here.move(8, 48, 1024, MUST)).toBe(1024);
    expect(counts(here)).toEqual({ relocate: 1, folioSplit: 2, pteLargeFolioMoved: 2 });
    expect([0, 1024, 1032, 1048, 1064, 56].map((page) => orderAt(here, page))).toEqual([0, 0, 4, 4, 0, 0]);
    expect(here.pages(1031, 2)).toEqual(['a:1031', 'a:1032']);
    expect(here.pages(7, 1)).toEqual(['b:7']);
  });

  test('without its first page: posted is off by one, corrected is right (B2)', () => {
    const holed = (variant: VariantName): string[] => {
      const here = scene(variant, SIXTEEN).map(16, 16).write(16, 16).unmap(16, 1);
      expect(here.move(17, 15, 1024, MUST)).toBe(1024);
      return here.pages(1024, 2);
    };
    expect(holed('v1')).toEqual(['a:1024', 'a:1025']);
    expect(holed('corrected')).toEqual(['a:1024', 'a:1025']);
    const dropped = (variant: VariantName): string[] => {
      const here = scene(variant, SIXTEEN).map(16, 16).write(16, 16);
      here.advise(16, 1, 4);
      expect(here.move(16, 16, 1024, MUST)).toBe(1024);
      return here.pages(1025, 2);
    };
    expect(dropped('v1')).toEqual(['a:1026', 'a:1027']);
    expect(dropped('corrected')).toEqual(['a:1025', 'a:1026']);
  });

  test('at an odd place: posted splits for nothing, corrected goes by where the folio is (B1)', () => {
    const odd = (variant: VariantName): [Record<string, number>, string[]] => {
      const here = scene(variant, SIXTEEN).map(16, 16).write(16, 16);
      here.move(16, 16, 101);
      expect(here.move(101, 16, 1024, MUST)).toBe(1024);
      return [counts(here), here.pages(1024, 2)];
    };
    expect(odd('v1')).toEqual([{ relocate: 1, oddLargeFolio: 1, folioSplit: 1 }, ['a:1024', 'a:1025']]);
    expect(odd('corrected')).toEqual([{ relocate: 1, oddLargeFolio: 1, pteLargeFolioMoved: 1 }, ['a:1024', 'a:1025']]);
  });

  test('of which a part is mapped elsewhere: corrected splits, since the rest must stay (B6)', () => {
    const here = scene('corrected', SIXTEEN).map(16, 16).write(16, 16);
    here.move(24, 8, 200);
    expect(here.move(16, 8, 1024, MUST)).toBe(1024);
    expect(here.pages(1024, 1)).toEqual(['a:1024']);
    expect(here.pages(200, 1)).toEqual(['b:24']);
    expect(orderAt(here, 200)).toBe(0);
  });

  test('pinned: posted passes over it and leaves it behind, corrected fails (A1)', () => {
    const posted = scene('v1', SIXTEEN).map(16, 32).write(16, 32).pin(20, 1);
    expect(posted.move(16, 32, 1024, MUST)).toBe(1024);
    expect(posted.pages(1024, 1)).toEqual(['a:16']);
    expect(posted.pages(1040, 1)).toEqual(['b:1040']);
    const corrected = scene('corrected', SIXTEEN).map(16, 32).write(16, 32).pin(20, 1);
    expect(corrected.move(16, 32, 1024, MUST)).toBe('EFAULT');
    expect(corrected.pages(32, 1)).toEqual(['a:32']);
  });

  test('of the family of the destination: posted refuses to split, corrected splits without the lock (A7)', () => {
    const beside = (variant: VariantName): Scene => {
      const here = scene(variant, SIXTEEN).map(16, 48).write(16, 48);
      return here.protect(16, 24, 'rwx');
    };
    const posted = beside('v1');
    expect(posted.move(56, 8, 8, RELOCATE)).toBe(8);
    expect(counts(posted)).toEqual({ relocate: 1, relocateUndone: 1, folioSplitRefused: 2 });
    const corrected = beside('corrected');
    expect(corrected.move(56, 8, 8, RELOCATE)).toBe(8);
    expect(counts(corrected)).toMatchObject({ relocate: 1, folioSplitRefused: 1 });
    expect(corrected.pages(8, 1)).toEqual(['a:8']);
    expect(corrected.vmas()[0]).toBe('8-16 rw-p @8 a');
    expect(corrected.locks.held()).toEqual([]);
  });
});

test('without this policy relocation gives up at the first large folio', () => {
  const here = new Scene({ policies: [relocateAnon()], thp: SIXTEEN }).map(16, 16).write(16, 16);
  expect(here.move(16, 16, 64, MUST)).toBe('EFAULT');
  expect(here.move(16, 16, 64, RELOCATE)).toBe(64);
  expect(here.vmas()).toEqual(['64-80 rw-p @16 a']);
});
