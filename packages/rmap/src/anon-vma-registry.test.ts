import { NONE } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import type { RmapVma } from './anon-vma.js';
import { insertLink, linksOf, removeLink } from './anon-vma-links.js';
import { AnonVmaRegistry } from './anon-vma-registry.js';

function vmaAt(anonPageOffset: number): RmapVma {
  return {
    mm: { id: 1 },
    start: 16,
    end: 17,
    pageOffset: anonPageOffset,
    anonPageOffset,
    flags: 0,
    anonVma: null,
    chain: NONE,
    file: null,
    policy: null,
    prev: null,
    next: null,
  };
}

describe('the registry of anon_vmas', () => {
  it('gives the slot of a dead one away, its id never', () => {
    const registry = new AnonVmaRegistry();
    const dead = registry.createRoot();
    registry.remove(dead);
    const next = registry.createRoot();
    expect([next.slot, next.id]).toEqual([dead.slot, dead.id + 1]);
    expect([registry.byId(dead.id), registry.byId(next.id), registry.liveCount]).toEqual([undefined, next, 1]);
    expect(() => registry.remove(dead)).toThrow('freed twice');
  });

  it('lists the living by id, whatever their slots, through thousands and room made ahead', () => {
    const registry = new AnonVmaRegistry();
    const made = Array.from({ length: 3000 }, () => registry.createRoot());
    registry.reserve(5000);
    for (const anonVma of made) if (anonVma.id % 3 !== 0) registry.remove(anonVma);
    for (let i = 0; i < 100; i++) registry.createRoot();
    const ids = [...registry].map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect([ids.length, registry.liveCount]).toEqual([1100, 1100]);
    expect(ids.every((id) => registry.byId(id)?.id === id)).toBe(true);
  });

  it('counts a child with its parent and its root', () => {
    const registry = new AnonVmaRegistry();
    const root = registry.createRoot();
    const child = registry.createChild(root);
    const grandchild = registry.createChild(child);
    expect([root.numChildren, child.numChildren, root.refcount, child.refcount]).toEqual([2, 1, 3, 1]);
    expect([grandchild.root, grandchild.parent, grandchild.numActiveVmas]).toEqual([root, child, 1]);
  });

  it('keeps the links of each one apart as they go from rows to trees and back', () => {
    const registry = new AnonVmaRegistry();
    const { links } = registry;
    const anonVmas = [registry.createRoot(), registry.createRoot(), registry.createRoot()];
    const made = anonVmas.map(({ slot }) =>
      Array.from({ length: 20 }, (_, i) => {
        const link = links.make(vmaAt(100 * slot + i), slot, NONE);
        insertLink(registry, link);
        return link;
      }),
    );
    const offsets = (): number[][] =>
      anonVmas.map((anonVma) => [...linksOf(anonVma)].map(({ vma }) => vma.anonPageOffset));
    expect(offsets()).toEqual(anonVmas.map(({ slot }) => Array.from({ length: 20 }, (_, i) => 100 * slot + i)));
    for (const row of made) {
      for (const link of row.slice(2)) {
        removeLink(registry, link);
        links.giveBack(link);
      }
    }
    expect(offsets()).toEqual(anonVmas.map(({ slot }) => [100 * slot, 100 * slot + 1]));
    expect(anonVmas.map(({ slot }) => registry.treeOf(slot))).toEqual([null, null, null]);
  });
});

describe('links', () => {
  it('are used again, the one given back last first', () => {
    const { links } = new AnonVmaRegistry();
    const [a, b] = [links.make(vmaAt(1), 0, NONE), links.make(vmaAt(2), 0, NONE)];
    links.giveBack(a);
    links.giveBack(b);
    const vma = vmaAt(3);
    const again = links.make(vma, 7, a);
    expect(again).toBe(b);
    expect([links.vma(again), links.slot(again), links.next(again), links.sibling(again)]).toEqual([vma, 7, a, NONE]);
  });
});
