import { InvariantError } from '@vmakit/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createArch } from './registry.js';
import { TablePool } from './table-pool.js';

const arch = createArch('x86-64');
const makePool = (): TablePool => new TablePool(arch);

describe('a pool of tables', () => {
  test('counts what it hands out and takes back, by level', () => {
    const pool = makePool();
    const [pte, pmd] = [pool.allocate(0), pool.allocate(1)];
    expect([pte, pmd, [...pool.live]]).toEqual([1, 2, [1, 1, 0, 0]]);
    expect([pool.levelOf(pte), pool.levelOf(pmd), pool.levelOf(3)]).toEqual([0, 1, -1]);
    pool.free(pte);
    expect([pool.allocated, pool.freed, [...pool.live]]).toEqual([2, 1, [0, 1, 0, 0]]);
    expect(pool.allocate(2)).toBe(pte);
  });

  test('keeps tables apart and aligned, in chunk after chunk', () => {
    const pool = makePool();
    const ids = Array.from({ length: 200 }, () => pool.allocate(0));
    for (const id of ids) {
      expect(pool.base(id) % 1024).toBe(0);
      pool.words(id)[pool.base(id)] = id;
      pool.words(id)[pool.base(id) + 1023] = -id;
    }
    for (const id of ids)
      expect([pool.words(id)[pool.base(id)], pool.words(id)[pool.base(id) + 1023]]).toEqual([id, -id]);
    expect(new Set(ids).size).toBe(200);
  });

  test('hands out empty tables, also after one was discarded full', () => {
    const pool = makePool();
    const id = pool.allocate(0);
    pool.words(id).fill(-1, pool.base(id), pool.base(id) + 1024);
    pool.discard(id);
    const again = pool.allocate(0);
    expect(again).toBe(id);
    expect(
      pool
        .words(again)
        .subarray(pool.base(again), pool.base(again) + 1024)
        .every((half) => half === 0),
    ).toBe(true);
  });

  test('knows which entries are zero', () => {
    const pool = new TablePool(createArch('x86-64'));
    const id = pool.allocate(0);
    pool.words(id)[pool.base(id) + 2 * 100 + 1] = 1;
    pool.mayFill(id, 0, 512);
    expect([pool.isZero(id, 0, 512), pool.isZero(id, 0, 100), pool.isZero(id, 101, 411)]).toEqual([false, true, true]);
  });

  test('takes several back in their order, wherever they lie', () => {
    const pool = makePool();
    const ids = Array.from({ length: 200 }, () => pool.allocate(0));
    const back = [5, 4, 3, 70, 64, 63, 62, 65, 100, 102, 101, ...ids.slice(110, 180)];
    pool.freeAll(Int32Array.from([...back, 7]), back.length);
    expect([pool.freed, pool.live[0], pool.levelOf(7)]).toEqual([back.length, 200 - back.length, 0]);
    expect(back.map(() => pool.allocate(1))).toEqual(back.toReversed());
  });

  test('knows where entries may be filled, as it was told', () => {
    const pool = makePool();
    const step = fc.record({ first: fc.nat(20), count: fc.integer({ min: 1, max: 12 }), fills: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const id = pool.allocate(0);
        const at = pool.base(id) + 1;
        for (const { first, count, fills } of steps) {
          if (fills) pool.mayFill(id, first, count);
          else pool.emptied(id, first, count);
          for (let i = first; i < first + count; i++) pool.words(id)[at + 2 * i] = fills ? 1 : 0;
        }
        const filled = Array.from({ length: 512 }, (_, i) => pool.words(id)[at + 2 * i] !== 0);
        expect(filled.every((is, i) => !is || pool.mayBeFilled(id, i))).toBe(true);
        expect(filled.map((_, i) => pool.isZero(id, i, 3))).toEqual(
          filled.map((_, i) => !filled.slice(i, i + 3).includes(true)),
        );
        if (filled.includes(true)) expect(() => pool.free(id)).toThrow('must be empty');
        else pool.free(id);
      }),
    );
  });

  test('finds a free table that is not empty, as none may be', () => {
    const pool = makePool();
    const ids = Int32Array.from({ length: 3 }, () => pool.allocate(0));
    pool.freeAll(ids, 3);
    expect(pool.findUncleared()).toBe(0);
    pool.words(2)[pool.base(2) + 900] = 1;
    expect(pool.findUncleared()).toBe(2);
  });

  test('refuses what it is told to refuse', () => {
    const pool = makePool();
    const asked: string[] = [];
    pool.refuse = (level) => asked.push(level) > 0 && level === 'pmd';
    expect([pool.allocate(0) > 0, pool.allocate(1), pool.allocate(2) > 0]).toEqual([true, 0, true]);
    expect([asked, pool.allocated]).toEqual([['pte', 'pmd', 'pud'], 2]);
  });

  test('a table costs at most 4.5 KiB, all in', () => {
    const pool = makePool();
    for (let i = 0; i < 10_000; i++) pool.allocate(0);
    expect(pool.bytes / 10_000).toBeLessThan(4608);
  });

  test('keeps tables in reserve for another, last in first out', () => {
    const pool = makePool();
    const [owner, other] = [pool.allocate(1), pool.allocate(1)];
    const [first, second] = [pool.allocate(0), pool.allocate(0)];
    pool.deposit(owner, first);
    pool.deposit(owner, second);
    expect([pool.deposited(owner), pool.deposited(other), pool.withdraw(other)]).toEqual([2, 0, 0]);
    expect([pool.withdraw(owner), pool.withdraw(owner), pool.withdraw(owner)]).toEqual([second, first, 0]);
  });
});

describe('a broken rule throws, with the state', () => {
  test('a table that is not empty cannot be freed', () => {
    const pool = makePool();
    const id = pool.allocate(0);
    pool.mayFill(id, 7, 1);
    arch.setPage(pool.words(id), pool.base(id) + 2 * 7, 0, 0x12345, 1, 2);
    expect(() => pool.free(id)).toThrow(InvariantError);
    try {
      pool.free(id);
    } catch (error) {
      expect((error as InvariantError).state).toEqual({ id: 1, level: 'pte', entry: 7, word: '0x8000000012345025' });
    }
  });

  test('nor one that has links to others, or was told of leaves and has one', () => {
    const pool = makePool();
    const [upper, huge] = [pool.allocate(1), pool.allocate(1)];
    pool.addLinks(upper, 2);
    pool.addLinks(upper, -1);
    expect(() => pool.free(upper)).toThrow('must be empty');
    pool.addLinks(upper, -1);
    pool.free(upper);
    pool.holdsLeaves(huge);
    pool.addLinks(huge, 1);
    expect(pool.links(huge)).toBe(-1);
    arch.setPage(pool.words(huge), pool.base(huge), 1, 0x200, 1, 2);
    expect(() => pool.freeAll(Int32Array.of(huge), 1)).toThrow('must be empty');
    arch.clear(pool.words(huge), pool.base(huge));
    pool.freeAll(Int32Array.of(huge), 1);
    expect([pool.freed, pool.links(pool.allocate(1))]).toEqual([2, 0]);
  });

  test('nor one among others', () => {
    const pool = makePool();
    const ids = Int32Array.from({ length: 40 }, () => pool.allocate(0));
    pool.words(30)[pool.base(30) + 1023] = 1;
    for (const id of ids) pool.mayFill(id, 0, 512);
    expect(() => pool.freeAll(ids, 40)).toThrow('must be empty');
    expect(pool.freed).toBe(29);
  });

  test('nor one that has tables in reserve, nor one twice', () => {
    const pool = makePool();
    const owner = pool.allocate(1);
    pool.deposit(owner, pool.allocate(0));
    expect(() => pool.free(owner)).toThrow('reserve');
    const id = pool.allocate(0);
    pool.free(id);
    expect(() => pool.free(id)).toThrow('live');
  });
});
