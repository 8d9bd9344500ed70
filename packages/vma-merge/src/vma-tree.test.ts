import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from './testing/world.js';
import { type Vma, allocateVma } from './vma.js';

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
    expect(() => world.tree.insert(allocateVma(world, 19, 21, 19, 0))).toThrow('VMAs do not overlap');
  });

  it('finds holes from the top and from the bottom, clipped to the limits', () => {
    const world = new World();
    world.add(10, 20);
    world.add(25, 30);
    expect(world.tree.findHoleTopDown(5, 0, 30)).toMatchObject({ start: 20, end: 25 });
    expect(world.tree.findHoleTopDown(5, 0, 100)).toMatchObject({ start: 30, end: 100 });
    expect(world.tree.findHoleTopDown(6, 0, 30)).toMatchObject({ start: 0, end: 10 });
    expect(world.tree.findHoleBottomUp(5, 5, 100)).toMatchObject({ start: 5, end: 10 });
    expect(world.tree.findHoleBottomUp(6, 5, 100)).toMatchObject({ start: 30, end: 100 });
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
    const steps = fc.array(change(3000), { minLength: 50, maxLength: 600 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 40 }), (steps, length) => {
        const world = new World();
        for (const step of steps) apply(world, step);
        expectSortedList(world, steps, length, 100, 2500);
      }),
      { numRuns: 60 },
    );
  });

  it('agrees with it when it is several levels deep, however it was filled', () => {
    const steps = fc.array(change(60_000), { minLength: 1500, maxLength: 3000 });
    fc.assert(
      fc.property(steps, fc.constantFrom(1, -1, 7919), fc.nat(9), (steps, stride, length) => {
        const world = new World();
        const count = 4000;
        for (let i = 0; i < count; i++) {
          const start = 15 * ((((i * stride) % count) + count) % count);
          world.add(start, start + 1 + (start % 9));
          if (i % 97 === 0) world.tree.findHoleBottomUp(30, 0, 60_000);
        }
        for (const step of steps) {
          apply(world, step);
          if (step.at % 61 === 0) world.tree.findHoleTopDown(step.pages, 0, step.at);
        }
        expectSortedList(world, steps, length + 5, 700, 59_000);
        while (world.tree.last !== null) world.tree.remove(world.tree.find(steps[0]?.at ?? 0) ?? world.tree.last);
        expect(world.tree.findHoleTopDown(60_000, 0, 60_000)).toMatchObject({ start: 0, end: 60_000 });
      }),
      { numRuns: 8 },
    );
  });
});

interface Change {
  readonly at: number;
  readonly pages: number;
  readonly what: number;
}

function change(pages: number): fc.Arbitrary<Change> {
  return fc.record({ at: fc.nat(pages), pages: fc.integer({ min: 1, max: 9 }), what: fc.nat(5) });
}

function apply(world: World, { at, pages, what }: Change): void {
  const { tree } = world;
  const found = tree.firstOverlap(at, at + pages);
  if (found === null) world.add(at, at + pages);
  else if (what === 0) tree.remove(found);
  else if (what === 1 && found.pages > 1) tree.setRange(found, found.end - 1, found.end);
  else if (what === 2 && (found.prev?.end ?? 0) < found.start) tree.setRange(found, found.start - 1, found.end);
  else if (what === 3 && (found.next?.start ?? Infinity) > found.end) {
    tree.setRange(found, found.start, found.end + 1);
  }
}

function expectSortedList({ tree }: World, steps: readonly Change[], length: number, low: number, high: number): void {
  const list = [...tree];
  expect(list.length).toBe(tree.count);
  expect(list.every((vma, i) => i === 0 || (vma.prev === list[i - 1] && vma.prev.end <= vma.start))).toBe(true);
  for (const { at } of steps) {
    const index = lowestIndex(list, at);
    expect(tree.find(at)).toBe(list[index] ?? null);
  }
  const holes = holesOf(list, low, high).filter(([start, end]) => end - start >= length);
  const top = tree.findHoleTopDown(length, low, high);
  expect(top === null ? undefined : [top.start, top.end]).toEqual(holes.at(-1));
  const bottom = tree.findHoleBottomUp(length, low, high);
  expect(bottom === null ? undefined : [bottom.start, bottom.end]).toEqual(holes[0]);
}

/** The index of the first VMA that ends above `page`. */
function lowestIndex(list: readonly Vma[], page: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as Vma).end > page) high = middle;
    else low = middle + 1;
  }
  return low;
}

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
