import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from './testing/world.js';
import { Vma } from './vma.js';

describe('the tree of VMAs', () => {
  it('finds the VMA that holds a page, or the next one', () => {
    const world = new World();
    world.add(10, 20);
    world.add(30, 40);
    expect(world.tree.find(5)?.start).toBe(10);
    expect(world.tree.find(19)?.start).toBe(10);
    expect(world.tree.find(20)?.start).toBe(30);
    expect(world.tree.at(20)).toBeNull();
    expect(world.tree.find(40)).toBeNull();
  });

  it('refuses a VMA that overlaps another', () => {
    const world = new World();
    world.add(10, 20);
    expect(() => world.tree.insert(new Vma(world, 19, 21, 19, 0))).toThrow('VMAs do not overlap');
  });

  it('finds holes from the top and from the bottom, clipped to the limits', () => {
    const world = new World();
    world.add(10, 20);
    world.add(25, 30);
    expect(world.tree.findHoleTopDown(5, 0, 30)).toEqual({ start: 20, end: 25 });
    expect(world.tree.findHoleTopDown(5, 0, 100)).toEqual({ start: 30, end: 100 });
    expect(world.tree.findHoleTopDown(6, 0, 30)).toEqual({ start: 0, end: 10 });
    expect(world.tree.findHoleBottomUp(5, 5, 100)).toEqual({ start: 5, end: 10 });
    expect(world.tree.findHoleBottomUp(6, 5, 100)).toEqual({ start: 30, end: 100 });
    expect(world.tree.findHoleTopDown(11, 0, 30)).toBeNull();
  });

  it('finds a VMA whose start moved up over the key of the next leaf', () => {
    const world = new World();
    const vmas = Array.from({ length: 80 }, (_, i) => world.add(10 * i, 10 * i + 10));
    for (let i = 0; i + 1 < vmas.length; i++) {
      const [low, high] = [vmas[i] as Vma, vmas[i + 1] as Vma];
      world.tree.remove(high);
      world.tree.setRange(low, low.start, high.end);
      world.tree.setRange(low, high.end - 1, high.end);
      expect(world.tree.at(high.end - 1)).toBe(low);
      vmas[i + 1] = low;
    }
  });

  it('agrees with a plain sorted list through any changes', () => {
    const step = fc.record({ at: fc.nat(3000), pages: fc.integer({ min: 1, max: 9 }), what: fc.nat(5) });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 50, maxLength: 600 }),
        fc.integer({ min: 1, max: 40 }),
        (steps, length) => {
          const world = new World();
          const { tree } = world;
          for (const { at, pages, what } of steps) {
            const found = tree.firstOverlap(at, at + pages);
            if (found === null) world.add(at, at + pages);
            else if (what === 0) tree.remove(found);
            else if (what === 1 && found.pages > 1) tree.setRange(found, found.end - 1, found.end);
            else if (what === 2 && (found.prev?.end ?? 0) < found.start) {
              tree.setRange(found, found.start - 1, found.end);
            } else if (what === 3 && (found.next?.start ?? 9999) > found.end) {
              tree.setRange(found, found.start, found.end + 1);
            }
          }
          const list = [...tree];
          expect(list.length).toBe(tree.count);
          for (const { at } of steps) {
            expect(tree.find(at)).toBe(list.find((vma) => vma.end > at) ?? null);
          }
          const [low, high] = [100, 2500];
          const holes = holesOf(list, low, high).filter(([start, end]) => end - start >= length);
          const top = tree.findHoleTopDown(length, low, high);
          expect(top === null ? undefined : [top.start, top.end]).toEqual(holes.at(-1));
          const bottom = tree.findHoleBottomUp(length, low, high);
          expect(bottom === null ? undefined : [bottom.start, bottom.end]).toEqual(holes[0]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Every hole of [low, high), ascending, by the definition. */
function holesOf(list: readonly Vma[], low: number, high: number): [number, number][] {
  const edges = [...list.map((vma) => [vma.start, vma.end] as const), [high, high] as const];
  const holes: [number, number][] = [];
  let from = 0;
  for (const [start, end] of edges) {
    const hole: [number, number] = [Math.max(from, low), Math.min(start, high)];
    if (hole[1] >= hole[0] && hole[1] > low - 1) holes.push(hole);
    from = end;
  }
  return holes.filter(([start, end]) => end > start);
}
