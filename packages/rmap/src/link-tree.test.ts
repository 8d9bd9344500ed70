import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AnonVma,
  AnonVmaChain,
  type RmapVma,
  forEachOverlap,
  insertLink,
  linksOf,
  moveAllLinks,
  removeLink,
} from './anon-vma.js';

function vmaAt(anonPageOffset: number, pages: number): RmapVma {
  return {
    mm: { id: 1 },
    start: 1000,
    end: 1000 + pages,
    pageOffset: anonPageOffset,
    anonPageOffset,
    flags: 0,
    anonVma: null,
    chain: null,
    file: null,
    policy: null,
    prev: null,
    next: null,
  };
}

function linkAt(anonVma: AnonVma, offset: number, pages: number): AnonVmaChain {
  const vma = vmaAt(offset, pages);
  vma.chain = new AnonVmaChain(vma, anonVma, null);
  return vma.chain;
}

/** Gives the VMA of a link another range. */
function move({ vma }: AnonVmaChain, offset: number, pages: number): void {
  moveAllLinks(vma, offset, pages);
  vma.anonPageOffset = offset;
  vma.end = vma.start + pages;
}

describe('the tree of links of an anon_vma', () => {
  it('gives links by start, and equal starts in the order in which they came', () => {
    const anonVma = new AnonVma(1, null);
    const links = [linkAt(anonVma, 8, 1), linkAt(anonVma, 4, 9), linkAt(anonVma, 8, 5), linkAt(anonVma, 8, 2)];
    for (const link of links) insertLink(link);
    expect([...linksOf(anonVma)]).toEqual([links[1], links[0], links[2], links[3]]);
  });

  it('visits what overlaps a closed range and stops when told to', () => {
    const anonVma = new AnonVma(1, null);
    for (const offset of [0, 10, 20, 30]) insertLink(linkAt(anonVma, offset, 5));
    const seen: number[] = [];
    forEachOverlap(anonVma, 14, 30, (link) => seen.push(link.vma.anonPageOffset) < 2);
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
          const anonVma = new AnonVma(1, null);
          const list: AnonVmaChain[] = [];
          for (const { offset, pages, what } of steps) {
            const picked = (offset * 37) % Math.max(1, list.length);
            if (what <= 1 && offset % keep === 0 && list.length > 0) {
              removeLink(list.splice(picked, 1)[0] as AnonVmaChain);
            } else if (what === 2 && list.length > 0) {
              const link = list.splice(picked, 1)[0] as AnonVmaChain;
              // By little, so that many keep their places.
              move(link, link.vma.anonPageOffset + (offset % 3) - 1, pages);
              list.push(link);
            } else {
              const link = linkAt(anonVma, offset, pages);
              insertLink(link);
              list.push(link);
            }
          }
          const sorted = list
            .map((link, order) => ({ link, order }))
            .sort((a, b) => a.link.vma.anonPageOffset - b.link.vma.anonPageOffset || a.order - b.order)
            .map(({ link }) => link);
          expect([...linksOf(anonVma)]).toEqual(sorted);
          const found: AnonVmaChain[] = [];
          forEachOverlap(anonVma, 20, 30, (link) => found.push(link) > 0);
          const overlaps = sorted.filter(
            ({ vma }) => vma.anonPageOffset <= 30 && vma.anonPageOffset + (vma.end - vma.start) > 20,
          );
          expect(found).toEqual(overlaps);
        }),
        { numRuns },
      );
    },
  );

  it('stays balanced with very many links', () => {
    const anonVma = new AnonVma(1, null);
    const links: AnonVmaChain[] = [];
    for (let i = 0; i < 20_000; i++) links.push(linkAt(anonVma, i, 1));
    for (const link of links) insertLink(link);
    let visited = 0;
    forEachOverlap(anonVma, 10_000, 10_003, () => ++visited > 0);
    expect(visited).toBe(4);
    for (const link of links) removeLink(link);
    expect(anonVma.linkCount).toBe(0);
  });
});
