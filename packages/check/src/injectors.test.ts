import { createKernel } from '@vmakit/kernel';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '@vmakit/mm';
import { expect, it } from 'vitest';
import { ArmedInjector, CountingInjector, FailNth } from './injectors.js';

const PAGE = 4096;
const AT = 0x10000;

it('counts what is reached', () => {
  const injector = new CountingInjector();
  const process = createKernel({ injector }).spawn();
  process.mmap(AT * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  injector.reset();
  process.touch(AT, 8);
  expect(injector.count('folio-alloc')).toBe(8);
  expect(injector.count('anon-vma-alloc')).toBe(1);
  expect(injector.count('swap-slot')).toBe(0);
});

it('makes the n-th time fail, once', () => {
  const injector = new FailNth('folio-alloc', 3);
  const process = createKernel({ injector }).spawn();
  process.mmap(AT * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  expect(process.touch(AT, 8)).toMatchObject({ touched: 2, page: AT + 2 });
  expect(injector.struck).toBe(true);
  expect(process.touch(AT, 8)).toMatchObject({ touched: 8, page: -1 });
  expect(() => new FailNth('folio-alloc', 0)).toThrow('n: 0 is not a positive integer');
});

it('can be armed while the model runs, each point by itself', () => {
  const injector = new ArmedInjector();
  injector.arm('move-step', 2);
  injector.arm('folio-alloc', 1);
  expect([injector.fails('move-step'), injector.fails('folio-alloc'), injector.fails('move-step')]).toEqual([
    false,
    true,
    true,
  ]);
  expect(injector.fails('move-step')).toBe(false);
  expect(injector.struck).toBe(2);
});
