import { InvariantError, NONE } from '@vmakit/base';
import { MappedFile } from '@vmakit/folio';
import { describe, expect, it } from 'vitest';
import { RW, World } from './testing/world.js';
import { allocateVma, duplicateVma, freeVma } from './vma.js';

describe('the table of VMAs of an address space', () => {
  it('has one object for each VMA, made when somebody asks for it', () => {
    const world = new World();
    const { table } = world.tree;
    const row = table.allocate(10, 20, 10, RW);
    expect(table.view(row)).toBe(table.view(row));
    expect(table.viewOrNull(NONE)).toBeNull();
    expect(table.view(row)).toMatchObject({ mm: world, start: 10, end: 20, pages: 10, flags: RW, attached: false });
  });

  it('gives the row of a VMA that is gone to the next one, with nothing left of the old', () => {
    const { table } = new World().tree;
    const row = table.allocate(10, 20, 10, RW);
    table.view(row).name = 'heap';
    table.free(row);
    expect(table.allocate(30, 31, 7, 0)).toBe(row);
    expect(table.view(row)).toMatchObject({
      start: 30,
      end: 31,
      pageOffset: 7,
      anonPageOffset: 7,
      flags: 0,
      name: null,
    });
  });

  it('keeps what each VMA has while it grows', () => {
    const { table } = new World().tree;
    const rows = Array.from({ length: 1000 }, (_, i) => table.allocate(2 * i, 2 * i + 1, i, i));
    const views = rows.filter((row) => row % 3 === 0).map((row) => table.view(row));
    expect(views.every((vma, i) => vma.start === 6 * i && vma.flags === 3 * i && table.view(3 * i) === vma)).toBe(true);
  });

  it('copies a VMA into another address space, attributes and all, but not its links', () => {
    const [world, other] = [new World(), new World()];
    const vma = world.addFaulted(10, 20);
    vma.file = new MappedFile({ id: 1, kind: 'regular', sizePages: 100 });
    vma.anonPageOffset = 17;
    const copy = duplicateVma(vma, other);
    expect(copy).toMatchObject({ mm: other, start: 10, end: 20, file: vma.file, anonPageOffset: 17, pageOffset: 10 });
    expect([copy.faulted, copy.chain, copy.attached]).toEqual([false, NONE, false]);
  });

  it('frees a VMA once, out of its tree and unlinked', () => {
    const world = new World();
    expect(() => freeVma(world.add(10, 20))).toThrow(InvariantError);
    const vma = allocateVma(world, 30, 40, 30, RW);
    freeVma(vma);
    expect(() => freeVma(vma)).toThrow('a VMA is freed once');
  });
});
