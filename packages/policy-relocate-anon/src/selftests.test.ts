import { largeFolio } from '@vmakit/policy-large-folio';
import { MADV_PAGEOUT } from '@vmakit/mm';
import { Scene } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';
import { relocateAnon } from './index.js';

/*
 * Spec 08 table C: the tests that came with the series. Pages 16 to 30 are where things meet, 64 and 96 are elsewhere.
 */

const MUST = ['MUST_RELOCATE_ANON'];

const scene = (): Scene => new Scene({ policies: [relocateAnon(), largeFolio()] });

/** Five touched pages that were touched at 64, to be moved. */
const elsewhere = (from: Scene): Scene => from.map(64, 5).write(64, 5, 6);

describe('a touched mapping that lands beside others', () => {
  test.each<[string, (from: Scene) => Scene, number, string[]]>([
    ['C1 behind an untouched one', (s) => s.map(16, 5), 21, ['16-26 rw-p @16 b']],
    ['C2 before an untouched one', (s) => s.map(21, 5), 16, ['16-26 rw-p @16 b']],
    ['C3 between untouched ones', (s) => s.map(16, 5).map(26, 5), 21, ['16-31 rw-p @16 b']],
    ['C4 behind a touched one', (s) => s.map(16, 5).write(16, 5), 21, ['16-26 rw-p @16 a']],
    ['C5 before a touched one', (s) => s.map(21, 5).write(21, 5), 16, ['16-26 rw-p @16 a']],
    ['C6 between touched and untouched', (s) => s.map(16, 5).write(16, 5).map(26, 5), 21, ['16-31 rw-p @16 a']],
    ['C7 between untouched and touched', (s) => s.map(16, 5).map(26, 5).write(26, 5), 21, ['16-31 rw-p @16 a']],
    [
      'C8 between two touched by themselves: with the next one only',
      (s) => s.map(16, 5).write(16, 5).map(26, 5).write(26, 5),
      21,
      ['16-21 rw-p @16 a', '21-31 rw-p @21 b'],
    ],
    [
      'C9 into a hole of one touched mapping',
      (s) => s.map(16, 15).write(16, 15).unmap(21, 5),
      21,
      ['16-31 rw-p @16 a'],
    ],
  ])('%s', (_name, prepare, to, expected) => {
    const here = elsewhere(prepare(scene()));
    // Letters are given by first appearance: `a` to what was there, or else to the memory that comes.
    here.vmas();
    expect(here.move(64, 5, to, MUST)).toBe(to);
    expect(here.contents(to, 5)).toEqual([6, 6, 6, 6, 6]);
    expect(here.vmas()).toEqual(expected);
  });
});

test('C10 rights keep it apart, and mprotect joins it afterwards', () => {
  const here = elsewhere(scene().map(16, 5).write(16, 5)).protect(64, 5, 'r');
  here.move(64, 5, 21, MUST);
  expect(here.vmas()).toEqual(['16-21 rw-p @16 a', '21-26 r--p @21 a']);
  here.protect(21, 5, 'rw');
  expect(here.vmas()).toEqual(['16-26 rw-p @16 a']);
});

describe('forked memory is never relocated', () => {
  test('C11 by neither side', () => {
    const here = scene().map(16, 3).write(16, 3);
    const parent = here.process;
    const child = here.fork();
    expect(here.move(16, 1, 64, MUST)).toBe('EFAULT');
    expect(here.as(child).move(16, 1, 64, MUST)).toBe('EFAULT');
    expect(here.as(parent).move(16, 1, 64, ['RELOCATE_ANON'])).toBe(64);
  });

  test('C12 nor in a chain of forks', () => {
    const here = scene().map(16, 3).write(16, 3);
    const first = here.process;
    const second = here.fork();
    const third = here.as(second).fork();
    for (const process of [first, second, third]) expect(here.as(process).move(16, 1, 64, MUST)).toBe('EFAULT');
  });

  test('C13 nor when an anon_vma was used again', () => {
    const here = scene().map(16, 3).write(16, 3);
    const first = here.process;
    const second = here.fork();
    const third = here.as(second).fork();
    expect(here.as(second).move(16, 3, 64, MUST)).toBe('EFAULT');
    here.unmap(16, 3);
    const fourth = here.as(third).fork();
    expect(fourth.mm.tree.first?.anonVma?.id).toBe(2);
    for (const process of [first, third, fourth]) expect(here.as(process).move(16, 1, 64, MUST)).toBe('EFAULT');
  });

  test('once the child is gone it can be', () => {
    const here = scene().map(16, 3).write(16, 3);
    here.fork().exit();
    expect(here.move(16, 3, 64, MUST)).toBe(64);
    expect(here.vmas()).toEqual(['64-67 rw-p @64 a']);
  });
});

test('C14 what merges as it is needs no relocation', () => {
  const here = scene().map(16, 15).write(16, 15);
  here.move(26, 5, 96);
  here.move(21, 5, 64);
  here.kernel.policies.counters.reset();
  expect(here.move(64, 5, 21, MUST)).toBe(21);
  expect(here.vmas()).toEqual(['16-26 rw-p @16 a', '96-101 rw-p @26 a']);
  expect(here.kernel.policies.counters.read()).toEqual({});
});

describe.each([
  ['two pages', 2, 3],
  ['a table', 512, 1024],
  ['a table, shifted', 512, 1025],
  ['more than two tables', 1300, 2048],
])('C15 relocated memory can be paged out: %s', (_name, pages, to) => {
  test('reclaim finds every page', () => {
    const here = new Scene({ policies: [relocateAnon(), largeFolio()], pages: 2 ** 16 })
      .map(0, pages)
      .write(0, pages, 4);
    expect(here.move(0, pages, to + 2048, MUST)).toBe(to + 2048);
    here.advise(to + 2048, pages, MADV_PAGEOUT);
    expect(new Set(here.pages(to + 2048, pages))).toEqual(new Set(['swap']));
    here.read(to + 2048, pages);
    expect(new Set(here.contents(to + 2048, pages))).toEqual(new Set([4]));
  });
});

describe('merging of neighbours, without and with MUST', () => {
  /** Prepares a side: N nothing, U untouched, X and Y touched by itself, S touched together with the moved memory. */
  function sides(left: string, right: string): Scene {
    const here = scene();
    if (left === 'S' || right === 'S') {
      here.map(16, 15).write(16, 15);
      here.move(21, 5, 64);
      if (left !== 'S') here.unmap(16, 5);
      if (right !== 'S') here.unmap(26, 5);
    } else {
      here.map(64, 5).write(64, 5);
    }
    if (left !== 'N' && left !== 'S') here.map(16, 5);
    if (right !== 'N' && right !== 'S') here.map(26, 5);
    if (left === 'X') here.write(16, 5);
    if (right === 'Y') here.write(26, 5);
    return here;
  }
  const shape = (here: Scene): string =>
    here
      .vmas()
      .map((vma) => vma.split(' ')[0])
      .join(' ');

  test.each([
    ['U', 'U', '16-21 21-26 26-31', '16-31'],
    ['X', 'N', '16-21 21-26', '16-26'],
    ['X', 'Y', '16-21 21-26 26-31', '16-21 21-31'],
    ['X', 'U', '16-21 21-26 26-31', '16-31'],
    ['N', 'Y', '21-26 26-31', '21-31'],
    ['S', 'S', '16-31', '16-31'],
  ])('left %s, right %s', (left, right, plain, must) => {
    const ordinary = sides(left, right);
    ordinary.move(64, 5, 21);
    expect(shape(ordinary)).toBe(plain);
    const relocated = sides(left, right);
    expect(relocated.move(64, 5, 21, MUST)).toBe(21);
    expect(shape(relocated)).toBe(must);
  });
});
