import type { TablesMovedEvent } from '@vmakit/events';
import { FailNth } from '@vmakit/check';
import { Scene, type SceneOptions } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';

const GIB = 2 ** 18;

/** What the passes over the tables of one call moved. */
function tablesOf(scene: Scene, act: () => void): Partial<TablesMovedEvent>[] {
  return scene
    .events(act)
    .filter((event): event is TablesMovedEvent => event.type === 'mremap.tables')
    .map(({ direction, puds, pmds, hugePmds, hugePmdsSplit, ptes, steps }) => {
      return { direction, puds, pmds, hugePmds, hugePmdsSplit, ptes, steps };
    });
}

const none = { direction: 'forward', puds: 0, pmds: 0, hugePmds: 0, hugePmdsSplit: 0, ptes: 0 } as const;

/** A scene with `pages` pages at 0, every 300th touched, and room up to 4 GiB. */
function sparse(pages: number, options: SceneOptions = {}): Scene {
  const scene = new Scene({ pages: 4 * GIB, ...options }).map(0, pages);
  for (let page = 0; page < pages; page += 300) scene.write(page, 1, 1 + (page % 251));
  return scene;
}

describe('B4 the level that moves follows from the alignment of both ends', () => {
  test.each([
    ['pages to pages', 2, 100_001, { ...none, ptes: 1, steps: 1 }],
    ['one table', 512, 1024, { ...none, pmds: 1, steps: 1 }],
    ['two tables', 1024, 4096, { ...none, pmds: 2, steps: 2 }],
    ['two tables, shifted by a page', 1024, 4097, { ...none, ptes: 4, steps: 4 }],
    ['1 GiB to 1 GiB', GIB, 2 * GIB, { ...none, puds: 1, steps: 1 }],
    ['1 GiB to a 2 MiB boundary', GIB, 2 * GIB + 512, { ...none, pmds: 512, steps: 512 }],
  ])('%s', (_name, pages, to, expected) => {
    const scene = sparse(pages);
    expect(tablesOf(scene, () => scene.move(0, pages, to))).toEqual([expected]);
    for (let page = 0; page < pages; page += 300) {
      expect(scene.contents(to + page, 1)).toEqual([1 + (page % 251)]);
    }
  });

  test('empty tables of the source are passed in one step', () => {
    const scene = new Scene({ pages: 4 * GIB }).map(0, GIB).write(GIB - 1, 1);
    expect(tablesOf(scene, () => scene.move(0, GIB, 2 * GIB + 512))).toEqual([{ ...none, pmds: 1, steps: 512 }]);
    const empty = new Scene({ pages: 4 * GIB }).map(0, GIB);
    expect(tablesOf(empty, () => empty.move(0, GIB, 2 * GIB))).toEqual([{ ...none, steps: 1 }]);
  });
});

describe('realignment', () => {
  test('a range that begins after nothing moves its table whole', () => {
    const scene = new Scene().map(500, 524).write(500, 12);
    expect(tablesOf(scene, () => scene.move(500, 524, 2036))).toEqual([{ ...none, pmds: 1, steps: 2 }]);
  });

  test('not when something is mapped before the destination: it must stay', () => {
    const scene = new Scene().map(500, 524).write(500, 12).map(2030, 4).write(2030, 4, 8);
    expect(tablesOf(scene, () => scene.move(500, 524, 2036))).toEqual([{ ...none, ptes: 12, steps: 2 }]);
    expect(scene.contents(2030, 4)).toEqual([8, 8, 8, 8]);
  });
});

describe('huge entries', () => {
  const huge = { thp: { enabled: 'always', orders: [9] } } as const;

  test('move as they are when both sides are aligned', () => {
    const scene = new Scene(huge).map(512, 512).write(512, 512, 5);
    expect(tablesOf(scene, () => scene.move(512, 512, 1024))).toEqual([{ ...none, hugePmds: 1, steps: 1 }]);
    expect(scene.contents(1024, 512)).toEqual(Array(512).fill(5));
  });

  test('are split when not: the folio stays whole', () => {
    const scene = new Scene(huge).map(512, 512).write(512, 512, 5);
    const [tables] = tablesOf(scene, () => scene.move(512, 512, 1025));
    expect(tables).toEqual({ ...none, hugePmdsSplit: 1, ptes: 512, steps: 2 });
    expect(scene.pages(1025, 1)).toEqual(['a:512']);
  });
});

describe('a failed move', () => {
  test.each([1, 2, 3])('at step %i is taken back completely', (n) => {
    const injector = new FailNth('move-step', n);
    const scene = new Scene().map(500, 1100);
    for (let page = 500; page < 1600; page += 50) scene.write(page, 1, page % 251);
    const before = [scene.vmas(), scene.pages(500, 1100), scene.contents(500, 1100), scene.kernel.env.committed];
    scene.kernel.env.injector = injector;
    const [forward, back] = tablesOf(scene, () => expect(scene.move(500, 1100, 2000)).toBe('ENOMEM'));
    expect(forward?.ptes).toBe(back?.ptes);
    expect([scene.vmas(), scene.pages(500, 1100), scene.contents(500, 1100), scene.kernel.env.committed]).toEqual(
      before,
    );
    expect(scene.locks.held()).toEqual([]);
  });

  test('for want of a table leaves no table behind', () => {
    for (const point of ['page-table-pud', 'page-table-pmd', 'page-table-pte'] as const) {
      const scene = new Scene({ pages: 4 * GIB }).map(16, 8).write(16, 8, 4);
      const tables = [...scene.process.mm.pages.tables];
      scene.kernel.env.injector = new FailNth(point, 1);
      const result = scene.move(16, 8, 3 * GIB);
      if (result === 'ENOMEM') expect([...scene.process.mm.pages.tables]).toEqual(tables);
      else expect(point).toBe('page-table-pud');
      expect(scene.contents(result === 'ENOMEM' ? 16 : 3 * GIB, 8)).toEqual(Array(8).fill(4));
    }
  });
});

test('the same shapes on arm64, with its own sizes', () => {
  const scene = new Scene({ arch: 'arm64-16k', pages: 2 ** 16 }).map(2048, 2048).write(2048, 2048, 6);
  expect(tablesOf(scene, () => scene.move(2048, 2048, 8192))).toEqual([{ ...none, pmds: 1, steps: 1 }]);
  const [shifted] = tablesOf(scene, () => scene.move(8192, 2048, 20_481));
  expect(shifted).toMatchObject({ ptes: 2048, steps: 2 });
  expect(scene.contents(20_481, 2048)).toEqual(Array(2048).fill(6));
});

test('soft-dirty is set by moving entries, not by moving tables', () => {
  const marks = (scene: Scene, page: number): boolean => {
    const { pages, env } = scene.process.mm;
    const table = pages.lookup(0, scene.origin + page);
    return env.arch.isSoftDirty(pages.pool.words(table), pages.entryAt(table, 0, scene.origin + page));
  };
  const scene = new Scene().map(512, 512).write(512, 512);
  scene.process.clearSoftDirty();
  scene.move(512, 512, 1024);
  expect(marks(scene, 1024)).toBe(false);
  scene.move(1024, 512, 2049);
  expect(marks(scene, 2049)).toBe(true);
});
