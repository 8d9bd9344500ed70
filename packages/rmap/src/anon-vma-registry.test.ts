import { NONE } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import type { AnonVma } from './anon-vma.js';
import { insertLink, linksOf, removeLink } from './anon-vma-links.js';
import { AnonVmaRegistry } from './anon-vma-registry.js';
import { TestVma } from './testing/test-vma.js';

const vmaAt = (registry: AnonVmaRegistry, offset: number): TestVma => new TestVma(registry, 1, 16, 17, offset);
const linkOf = ({ table, row }: TestVma, slot: number, next: number = NONE): number =>
  table.mm.anonVmas.links.make(table, row, slot, next);
const rootIn = (registry: AnonVmaRegistry): AnonVma => registry.inSlot(registry.createRoot());

describe('the registry of anon_vmas', () => {
  it('gives the slot of a dead one away, its id never', () => {
    const registry = new AnonVmaRegistry();
    const dead = rootIn(registry);
    registry.remove(dead.slot);
    expect(() => registry.remove(dead.slot)).toThrow('freed twice');
    const next = rootIn(registry);
    expect([next.slot, next.id]).toEqual([dead.slot, dead.id + 1]);
    expect([registry.byId(dead.id), registry.byId(next.id), registry.liveCount]).toEqual([undefined, next, 1]);
  });

  it('lists the living by id, whatever their slots, through thousands and room made ahead', () => {
    const registry = new AnonVmaRegistry();
    const made = Array.from({ length: 3000 }, () => rootIn(registry));
    registry.reserve(5000);
    for (const anonVma of made) if (anonVma.id % 3 !== 0) registry.remove(anonVma.slot);
    for (let i = 0; i < 100; i++) registry.createRoot();
    const ids = [...registry].map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect([ids.length, registry.liveCount]).toEqual([1100, 1100]);
    expect(ids.every((id) => registry.byId(id)?.id === id)).toBe(true);
  });

  it('counts a child with its parent and its root', () => {
    const registry = new AnonVmaRegistry();
    const root = rootIn(registry);
    const child = registry.inSlot(registry.createChild(root.slot));
    const grandchild = registry.inSlot(registry.createChild(child.slot));
    expect([root.numChildren, child.numChildren, root.refcount, child.refcount]).toEqual([2, 1, 3, 1]);
    expect([grandchild.root, grandchild.parent, grandchild.numActiveVmas]).toEqual([root, child, 1]);
  });

  it('has one object for each one, and knows a parent that is dead by its id', () => {
    const registry = new AnonVmaRegistry();
    const root = rootIn(registry);
    const child = registry.inSlot(registry.createChild(root.slot));
    const grandchild = registry.inSlot(registry.createChild(child.slot));
    expect([registry.byId(child.id), grandchild.parent]).toEqual([child, child]);
    registry.remove(child.slot);
    const next = rootIn(registry);
    expect([next.slot, grandchild.parent, grandchild.parentId]).toEqual([child.slot, null, child.id]);
  });

  it('keeps the links of each one apart as they go from rows to trees and back', () => {
    const registry = new AnonVmaRegistry();
    const { links } = registry;
    const anonVmas = [rootIn(registry), rootIn(registry), rootIn(registry)];
    const made = anonVmas.map(({ slot }) =>
      Array.from({ length: 20 }, (_, i) => {
        const link = linkOf(vmaAt(registry, 100 * slot + i), slot);
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
    const registry = new AnonVmaRegistry();
    const { links } = registry;
    const [a, b] = [linkOf(vmaAt(registry, 1), 0), linkOf(vmaAt(registry, 2), 0)];
    links.giveBack(a);
    links.giveBack(b);
    const vma = vmaAt(registry, 3);
    const again = linkOf(vma, 7, a);
    expect(again).toBe(b);
    expect([links.vma(again), links.slot(again), links.next(again), links.sibling(again)]).toEqual([vma, 7, a, NONE]);
  });
});
