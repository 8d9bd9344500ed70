import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MOST_ANTICIPATED } from './pages-ahead.js';
import { World } from './testing/world.js';
import { allocateVma } from './vma.js';

/** VMA i is at [4i, 4i + 2), as long as nothing is changed. */
const VMAS = 120_000;

function vastWorld(): World {
  const world = new World();
  for (let i = 0; i < VMAS; i++) world.add(4 * i, 4 * i + 2);
  return world;
}

it('lets calls find what they find without an announcement, whatever they change before the next', () => {
  const world = vastWorld();
  const { tree } = world;
  const { table } = tree;
  const there = new Set(Array.from({ length: VMAS }, (_, i) => i));
  const pages = new Float64Array(MOST_ANTICIPATED);
  // Close together, so that what one call changes is what another was announced for.
  const group = fc.array(fc.nat(60), { minLength: 1, maxLength: MOST_ANTICIPATED });
  const groups = fc.array(fc.tuple(fc.integer({ min: 0, max: VMAS - 100 }), group, fc.nat(3)), { minLength: 20 });
  fc.assert(
    fc.property(groups, (groups) => {
      for (const [from, group, kind] of groups) {
        group.forEach((i, at) => (pages[at] = 4 * (from + i) + (kind & 1)));
        tree.anticipate(pages, group.length);
        for (const i of group.map((i) => from + i)) {
          const row = tree.findRow(4 * i + (kind & 1));
          expect(table.start(row) === 4 * i).toBe(there.has(i));
          if (there.has(i)) tree.remove(row);
          else tree.insert(allocateVma(world, 4 * i, 4 * i + 2, 4 * i, 0).row);
          if (!there.delete(i)) there.add(i);
          // Some calls look elsewhere too, or need not look at all.
          if (kind > 1) expect(tree.firstRowOverlapping(4 * i + 2, 4 * i + 4)).toBe(-1);
        }
      }
    }),
    { numRuns: 40 },
  );
});

it('is worth while for some hundred thousand VMAs, and does nothing for fewer', () => {
  const world = new World();
  world.add(0, 1);
  expect(world.tree.isVast).toBe(false);
  world.tree.anticipate(Float64Array.of(0), 1);
  expect(world.tree.findRow(0)).toBe(world.tree.firstRow);
  const vast = vastWorld().tree;
  expect(vast.isVast).toBe(true);
  expect(() => vast.anticipate(new Float64Array(17), 17)).toThrow('17 pages are announced, 16 may be');
});
