import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LeafGuesses } from './leaf-guesses.js';
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
    expect(() => world.tree.insert(allocateVma(world, 19, 21, 19, 0).row)).toThrow('VMAs do not overlap');
  });

  it('cuts a VMA only inside, and joins only VMAs that touch', () => {
    const world = new World();
    const low = world.add(10, 20);
    const high = world.add(30, 40);
    const [inner, whole] = [allocateVma(world, 12, 18, 12, 0), allocateVma(world, 10, 20, 10, 0)];
    expect(() => world.tree.split(low.row, inner.row)).toThrow('a VMA is cut at a page inside');
    expect(() => world.tree.split(low.row, whole.row)).toThrow('a VMA is cut at a page inside');
    expect(() => world.tree.absorb(low.row, high.row)).toThrow('a VMA absorbs one that it touches');
    expect(() => world.tree.moveBoundary(low.row, high.row, 15)).toThrow('a boundary moves inside two VMAs that touch');
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
      world.tree.remove(high.row);
      world.tree.setRange(low.row, low.start, high.end);
      world.tree.setRange(low.row, high.end - 1, high.end);
      expect(world.tree.at(high.end - 1)).toBe(low);
      vmas[i + 1] = low;
    }
  });

  it('seldom goes down the tree, though a leaf reaches over a hole, as where a compactor moves memory to', () => {
    const world = new World();
    for (let i = 0; i < 5000; i++) world.add(8 * i, 8 * i + 2);
    const far = world.add(2 ** 31, 2 ** 31 + 2);
    const correct = vi.spyOn(LeafGuesses.prototype, 'correct');
    for (let i = 0; i < 5000; i++) {
      const start = 8 * ((1237 * i) % 5000);
      expect(world.tree.at(start)?.start).toBe(start);
      expect(world.tree.at(2 ** 31)).toBe(far);
    }
    expect(correct.mock.calls.length).toBeLessThan(100);
    correct.mockRestore();
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
        while (world.tree.last !== null) world.tree.remove((world.tree.find(steps[0]?.at ?? 0) ?? world.tree.last).row);
        expect(world.tree.findHoleTopDown(60_000, 0, 60_000)).toMatchObject({ start: 0, end: 60_000 });
      }),
      { numRuns: 8 },
    );
  });

  it('finds what is there now, wherever it was found before', () => {
    const steps = fc.array(change(9000), { minLength: 300, maxLength: 600 });
    fc.assert(
      fc.property(steps, fc.array(fc.nat(9000), { minLength: 10, maxLength: 40 }), (steps, pages) => {
        const world = new World();
        for (let i = 0; i < 600; i++) world.add(15 * i, 15 * i + 1 + (i % 9));
        steps.forEach((step, i) => {
          apply(world, step);
          // Leaves go, and their numbers come back somewhere else.
          for (let gone = i % 50 === 0 ? 40 : 0; gone > 0; gone--) removeNear(world, step.at);
          const list = [...world.tree];
          for (const page of [step.at, ...pages])
            expect(world.tree.find(page)?.start).toBe(list[lowestIndex(list, page)]?.start);
        });
      }),
      { numRuns: 15 },
    );
  });

  it('takes a VMA in where one was taken out, whatever has changed meanwhile', () => {
    const steps = fc.array(fc.record({ gone: change(9000), meanwhile: fc.option(change(9000), { freq: 2 }) }), {
      minLength: 300,
      maxLength: 600,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 4, max: 9 }), (steps, length) => {
        const world = new World();
        for (let i = 0; i < 600; i++) world.add(15 * i, 15 * i + 1 + (i % 9));
        for (const { gone, meanwhile } of steps) {
          const found = world.tree.find(gone.at) ?? (world.tree.last as Vma);
          const { start } = found;
          world.tree.remove(found.row);
          // Near by, so that it is the same leaf.
          if (meanwhile !== null) apply(world, { ...meanwhile, at: Math.max(0, start + (meanwhile.at % 30) - 15) });
          if (world.tree.firstOverlap(start, start + 1) === null) world.add(start, start + 1);
          expect(world.tree.at(start)?.start).toBeLessThanOrEqual(start);
        }
        expectSortedList(
          world,
          steps.map(({ gone }) => gone),
          length,
          100,
          8900,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('finds the highest hole again and again, wherever holes have come and gone meanwhile', () => {
    const steps = fc.array(change(2000), { minLength: 50, maxLength: 300 });
    const limits = fc.constantFrom([100, 1900], [0, 1900], [0, 1200], [700, 1950]);
    const searches = fc.record({ length: fc.integer({ min: 1, max: 90 }), limits });
    fc.assert(
      fc.property(steps, fc.array(searches, { minLength: 5, maxLength: 20 }), (steps, searches) => {
        const world = new World();
        steps.forEach((step, i) => {
          apply(world, step);
          const { length, limits } = searches[i % searches.length] as (typeof searches)[number];
          const [low, high] = limits as [number, number];
          const hole = world.tree.findHoleTopDown(length, low, high);
          const fit = holesOf([...world.tree], low, high).filter(([start, end]) => end - start >= length);
          expect(hole === null ? undefined : [hole.start, hole.end]).toEqual(fit.at(-1));
          // What was found is taken, as by mmap, so that the next search has to look below.
          if (hole !== null && i % 3 === 0) world.add(hole.end - length, hole.end);
        });
      }),
      { numRuns: 150 },
    );
  });
});

interface Change {
  readonly at: number;
  readonly pages: number;
  readonly what: number;
}

function change(pages: number): fc.Arbitrary<Change> {
  return fc.record({ at: fc.nat(pages), pages: fc.integer({ min: 1, max: 9 }), what: fc.nat(11) });
}

function apply(world: World, { at, pages, what }: Change): void {
  const { tree } = world;
  const found = tree.firstOverlap(at, at + pages);
  if (found === null) world.add(at, at + pages);
  else if (what === 0) tree.remove(found.row);
  else if (what < 4) changeRange(world, found, what);
  else if (what < 8 && found.pages > 1) cut(world, found, found.start + (pages % (found.pages - 1)) + 1, what < 6);
  else if (found.next !== null && found.next.start === found.end) join(world, found, found.next, pages, what);
}

function removeNear({ tree }: World, page: number): void {
  const found = tree.find(page) ?? tree.last;
  if (found !== null) tree.remove(found.row);
}

function changeRange({ tree }: World, vma: Vma, what: number): void {
  if (what === 1 && vma.pages > 1) tree.setRange(vma.row, vma.end - 1, vma.end);
  else if (what === 2 && (vma.prev?.end ?? 0) < vma.start) tree.setRange(vma.row, vma.start - 1, vma.end);
  else if (what === 3 && (vma.next?.start ?? Infinity) > vma.end) tree.setRange(vma.row, vma.start, vma.end + 1);
}

function cut(world: World, vma: Vma, at: number, below: boolean): void {
  const [start, end] = below ? [vma.start, at] : [at, vma.end];
  world.tree.split(vma.row, allocateVma(world, start, end, start, vma.flags).row);
}

/** One of two neighbours that touch takes the other's place, or the boundary between them moves. */
function join({ tree }: World, low: Vma, high: Vma, pages: number, what: number): void {
  const at = low.start + pages;
  if (what === 8) tree.absorb(low.row, high.row);
  else if (what === 9) tree.absorb(high.row, low.row);
  else if (at < high.end) tree.moveBoundary(low.row, high.row, at);
}

function expectSortedList({ tree }: World, steps: readonly Change[], length: number, low: number, high: number): void {
  const list = [...tree];
  expect(list.length).toBe(tree.count);
  expect(list.every((vma, i) => i === 0 || (vma.prev === list[i - 1] && vma.prev.end <= vma.start))).toBe(true);
  for (const { at } of steps) {
    const index = lowestIndex(list, at);
    expect(tree.find(at)?.start).toBe(list[index]?.start);
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
