import { NONE, VM_DONTEXPAND, VM_EXEC, VM_IO, VM_MIXEDMAP, VM_PFNMAP, VM_SOFTDIRTY, withFlags } from '@vmakit/base';
import { MappedFile } from '@vmakit/folio';
import { describe, expect, it } from 'vitest';
import { mergeNewRange } from './merge.js';
import { MERGE_RULES, MergeRequest } from './merge-request.js';
import { modifyVma } from './modify.js';
import { RW, World } from './testing/world.js';
import { Vma } from './vma.js';

/** Merges the new range [start, end) or adds a VMA for it; says why nothing merged. */
function map(world: World, start: number, end: number, flags = RW): { merged: boolean; left: string; right: string } {
  const request = new MergeRequest(world).begin('new-range', start, end, start, flags);
  request.next = world.tree.find(start);
  request.prev = request.next === null ? world.tree.last : request.next.prev;
  const merged = mergeNewRange(world.context, request) !== NONE;
  if (!merged) world.add(start, end, flags);
  return {
    merged,
    left: MERGE_RULES[request.leftRule] as string,
    right: MERGE_RULES[request.rightRule] as string,
  };
}

/** Changes [start, end) of the VMA that holds it as mprotect would. */
function modify(world: World, start: number, end: number, flags: number): Vma {
  const vma = world.tree.at(start) as Vma;
  const result = modifyVma(world.context, vma, start, end, { flags }, 65530);
  if (!(result instanceof Vma)) throw new Error('out of memory');
  result.flags = flags;
  return result;
}

describe('merging a new range (spec 08 D4, D5, D8)', () => {
  it('grows over neighbours as holes are filled', () => {
    const world = new World();
    world.add(0, 2);
    world.addFaulted(3, 4);
    world.add(0xb, 0xc);
    expect(map(world, 7, 9).merged).toBe(false);
    expect(world.picture()).toBe('0-2 3-4@1 7-9 11-12');
    map(world, 2, 3);
    expect(world.picture()).toBe('0-4@1 7-9 11-12');
    map(world, 4, 5);
    map(world, 6, 7);
    expect(world.picture()).toBe('0-5@1 6-9 11-12');
    map(world, 5, 6);
    map(world, 0xa, 0xb);
    expect(world.picture()).toBe('0-9@1 10-12');
    map(world, 9, 0xa);
    expect(world.picture()).toBe('0-12@1');
    expect(world.mapCount).toBe(1);
    expect(world.tree.first?.anonVma?.numActiveVmas).toBe(1);
  });

  it.each([
    ['IO', VM_IO],
    ['DONTEXPAND', VM_DONTEXPAND],
    ['PFNMAP', VM_PFNMAP],
    ['MIXEDMAP', VM_MIXEDMAP],
  ])('never merges %s memory', (_name, special) => {
    const world = new World();
    world.add(0, 2, RW | special);
    world.add(3, 4, RW | special);
    expect(map(world, 2, 3, RW | special)).toEqual({ merged: false, left: 'special', right: 'special' });
  });

  it('between two faulted VMAs of different anon_vmas merges with the lower one only', () => {
    const world = new World();
    world.addFaulted(0, 2);
    world.addFaulted(3, 4);
    expect(map(world, 2, 3)).toEqual({ merged: true, left: 'mergeable', right: 'neighbours-anon-vma' });
    expect(world.picture()).toBe('0-3@1 3-4@2');
  });

  it('does not remove a VMA with a close hook', () => {
    const world = new World();
    const file = new MappedFile({ id: 1, kind: 'shmem', sizePages: 99, hasCloseHook: true });
    for (const vma of [world.add(0, 2), world.add(3, 4)]) vma.file = file;
    const request = new MergeRequest(world).begin('new-range', 2, 3, 2, RW);
    request.file = file;
    request.prev = world.tree.first;
    request.next = world.tree.last;
    mergeNewRange(world.context, request);
    expect(world.picture()).toBe('0-3 3-4');
    expect(MERGE_RULES[request.rightRule]).toBe('close-hook');
  });

  it('gathers sticky flags on the result', () => {
    const world = new World();
    world.add(0, 2);
    world.add(3, 4, withFlags(RW, VM_SOFTDIRTY));
    map(world, 2, 3);
    expect(world.tree.first?.flags).toBe(withFlags(RW, VM_SOFTDIRTY));
  });

  it('leaves everything as it was when memory runs out', () => {
    const world = new World();
    world.add(0, 2);
    world.addFaulted(3, 4);
    Object.assign(world.context, { injector: { fails: (point: string) => point === 'vma-tree-node' } });
    expect(map(world, 2, 3).merged).toBe(false);
    expect(world.picture()).toBe('0-2 2-3 3-4@1');
    expect(world.tree.last?.anonVma?.linkCount).toBe(1);
  });
});

describe('changing part of a VMA (spec 08 D2, D7, D9)', () => {
  const RWX = RW | VM_EXEC;

  it('in the middle: splits in three, offsets follow', () => {
    const world = new World();
    world.add(0, 3);
    modify(world, 1, 2, RWX);
    expect(world.picture()).toBe('0-1 1-2 2-3');
    expect([...world.tree].map((vma) => vma.pageOffset)).toEqual([0, 1, 2]);
  });

  it.each<[string, [number, number], string]>([
    ['the whole merges with both', [3, 7], '0-9@1'],
    ['the lower part merges left', [3, 5], '0-5@1 5-7@1 7-9'],
    ['the upper part merges right', [5, 7], '0-3 3-5@1 5-9@1'],
    ['the inside merges with neither', [4, 5], '0-3 3-4@1 4-5@1 5-7@1 7-9'],
  ])('%s, and its anon_vma spreads', (_name, [start, end], expected) => {
    const world = new World();
    world.add(0, 3, RWX);
    world.addFaulted(3, 7);
    world.add(7, 9, RWX);
    modify(world, start, end, RWX);
    expect(world.picture()).toBe(expected);
    expect(world.mapCount).toBe(world.tree.count);
    const active = [...world.tree].filter((vma) => vma.anonVma !== null).length;
    expect(world.context.anonVmas.byId(1)?.numActiveVmas).toBe(active);
  });

  it('needs room in the map count to split', () => {
    const world = new World();
    const vma = world.add(0, 3);
    const result = modifyVma(world.context, vma, 1, 2, { flags: RWX }, 1);
    expect(result).toMatchObject({ errno: 'ENOMEM', numbers: { mapCount: 1, maxMapCount: 1 } });
    expect(world.picture()).toBe('0-3');
  });
});
