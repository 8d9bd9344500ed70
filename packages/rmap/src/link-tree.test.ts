import { NONE } from '@vmakit/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnonVma, RmapVma } from './anon-vma.js';
import { forEachOverlap, insertLink, linksOf, moveAllLinks, removeLink } from './anon-vma-links.js';
import { AnonVmaRegistry } from './anon-vma-registry.js';
import { TestVma } from './testing/test-vma.js';

/** A VMA of that range with a link to `anonVma`, which is in its tree. */
function linkedAt(anonVma: AnonVma, offset: number, pages: number): RmapVma {
  const { registry, slot } = anonVma;
  const vma = new TestVma(registry, 1, 1000, 1000 + pages, offset);
  vma.anonVmaSlot = slot;
  vma.chain = registry.links.make(vma.table, vma.row, slot, NONE);
  insertLink(registry, vma.chain);
  return vma;
}

/** Takes the link of a VMA away. */
function unlink(vma: RmapVma): void {
  const registry = vma.mm.anonVmas;
  removeLink(registry, vma.chain);
  registry.links.giveBack(vma.chain);
}

/** Gives a VMA another range. */
function move(vma: RmapVma, offset: number, pages: number): void {
  moveAllLinks(vma.mm.anonVmas, vma.chain, vma.anonPageOffset, offset, pages);
  vma.anonPageOffset = offset;
  vma.end = vma.start + pages;
}

function makeAnonVma(): AnonVma {
  const registry = new AnonVmaRegistry();
  return registry.inSlot(registry.createRoot());
}
const vmasOf = (anonVma: AnonVma): RmapVma[] => [...linksOf(anonVma)].map(({ vma }) => vma);

describe('the tree of links of an anon_vma', () => {
  it('gives links by start, and equal starts in the order in which they came', () => {
    const anonVma = makeAnonVma();
    const [a, b, c, d] = [[8, 1] as const, [4, 9] as const, [8, 5] as const, [8, 2] as const].map(([offset, pages]) =>
      linkedAt(anonVma, offset, pages),
    );
    expect(vmasOf(anonVma)).toEqual([b, a, c, d]);
  });

  it('visits what overlaps a closed range and stops when told to', () => {
    const anonVma = makeAnonVma();
    for (const offset of [0, 10, 20, 30]) linkedAt(anonVma, offset, 5);
    const seen: number[] = [];
    forEachOverlap(anonVma, 14, 30, (vma) => seen.push(vma.anonPageOffset) < 2);
    expect(seen).toEqual([10, 20]);
  });

  it.each([
    { minLength: 0, maxLength: 200, numRuns: 100 },
    { minLength: 3000, maxLength: 4000, numRuns: 4 },
  ])(
    'agrees with a plain list through $minLength to $maxLength inserts, removes and moves',
    ({ numRuns, ...lengths }) => {
      const step = fc.record({ offset: fc.nat(60), pages: fc.integer({ min: 1, max: 12 }), what: fc.nat(3) });
      fc.assert(
        fc.property(fc.array(step, lengths), fc.integer({ min: 1, max: 9 }), (steps, keep) => {
          const anonVma = makeAnonVma();
          const list: RmapVma[] = [];
          for (const { offset, pages, what } of steps) {
            const picked = (offset * 37) % Math.max(1, list.length);
            if (what <= 1 && offset % keep === 0 && list.length > 0) {
              unlink(list.splice(picked, 1)[0] as RmapVma);
            } else if (what === 2 && list.length > 0) {
              const vma = list.splice(picked, 1)[0] as RmapVma;
              // By little, so that many keep their places.
              move(vma, vma.anonPageOffset + (offset % 3) - 1, pages);
              list.push(vma);
            } else {
              list.push(linkedAt(anonVma, offset, pages));
            }
          }
          const sorted = list
            .map((vma, order) => ({ vma, order }))
            .sort((a, b) => a.vma.anonPageOffset - b.vma.anonPageOffset || a.order - b.order)
            .map(({ vma }) => vma);
          expect(vmasOf(anonVma)).toEqual(sorted);
          const found: RmapVma[] = [];
          forEachOverlap(anonVma, 20, 30, (vma) => found.push(vma) > 0);
          const overlaps = sorted.filter(
            (vma) => vma.anonPageOffset <= 30 && vma.anonPageOffset + (vma.end - vma.start) > 20,
          );
          expect(found).toEqual(overlaps);
        }),
        { numRuns },
      );
    },
  );

  it('stays balanced with very many links', () => {
    const anonVma = makeAnonVma();
    const vmas: RmapVma[] = [];
    for (let i = 0; i < 20_000; i++) vmas.push(linkedAt(anonVma, i, 1));
    let visited = 0;
    forEachOverlap(anonVma, 10_000, 10_003, () => ++visited > 0);
    expect(visited).toBe(4);
    for (const vma of vmas) unlink(vma);
    expect(anonVma.linkCount).toBe(0);
  });
});
