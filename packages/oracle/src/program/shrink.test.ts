import { expect, test } from 'vitest';
import type { Operation } from '@vmakit/trace';
import { operationLine } from '../report/operation-line.js';
import { ProgramGenerator } from './generator.js';
import { shrink } from './shrink.js';

test('what does not matter goes, what stays becomes simple and moves together', async () => {
  const { operations } = new ProgramGenerator(7, 120, ['fork']).generate(3);
  /** "Shows" itself when a child moves something of at least two pages upwards. */
  const shows = async (program: readonly Operation[]): Promise<boolean> =>
    program.some((one) => {
      if (one.op !== 'mremap' || one.p === 0 || typeof one.addr !== 'number' || typeof one.oldLen !== 'number')
        return false;
      return typeof one.newAddr === 'number' && one.newAddr > one.addr && one.oldLen >= 2;
    });
  expect(await shows(operations)).toBe(true);
  const shrunk = await shrink(operations, shows);
  expect(shrunk.operations.map(operationLine)).toMatchInlineSnapshot(`
    [
      "process 0: fork child 1",
      "process 1: mremap addr 102, oldLen 2, newLen 1, flags MAYMOVE|FIXED, newAddr 104",
    ]
  `);
});

test('a child goes with the fork that made it, and what is done to a file with the file', async () => {
  const program: Operation[] = [
    { op: 'memfd', p: 0, fd: 0, len: 4 },
    { op: 'fork', p: 0, child: 1 },
    { op: 'mmap', p: 1, addr: 8, len: 2, prot: 'rw-', flags: ['PRIVATE', 'FIXED'], fd: 0, off: 0 },
    { op: 'touch', p: 0, addr: 8, len: 1, write: true, stride: 1, value: 1 },
  ];
  const tried: number[] = [];
  await shrink(program, async (candidate) => {
    tried.push(candidate.length);
    const has = (op: Operation['op']): boolean => candidate.some((one) => one.op === op);
    expect(has('mmap') && !(has('fork') && has('memfd'))).toBe(false);
    return candidate.some((one) => one.op === 'touch');
  });
  expect(tried.length).toBeGreaterThan(0);
});

test('it stops after so many tries', async () => {
  const { operations } = new ProgramGenerator(7, 120).generate(1);
  const { tries } = await shrink(operations, async () => false, 10);
  expect(tries).toBe(10);
});
