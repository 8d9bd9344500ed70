import { constants } from 'node:os';
import { expect, it } from 'vitest';
import { errnoName } from './errno-names.js';
import { Symbols, unite } from './symbols.js';

it('names the errors as Linux does', ({ skip }) => {
  skip(process.platform !== 'linux', 'the errors of this system are not those of Linux');
  const aliases = new Set(['EWOULDBLOCK', 'ENOTSUP', 'EDEADLOCK']);
  for (const [name, number] of Object.entries(constants.errno)) {
    if (!aliases.has(name)) expect(errnoName(number)).toBe(name);
  }
});

it('names what the kernel returns for a call to be restarted, and numbers without a name', () => {
  expect(errnoName(512)).toBe('ERESTARTSYS');
  expect(errnoName(41)).toBe('errno 41');
  expect(errnoName(4000)).toBe('errno 4000');
});

it('joins flag words of more than 32 bits', () => {
  expect(unite(1, 2)).toBe(3);
  expect(unite(0x8000_0000, 1)).toBe(0x8000_0001);
  expect(unite(2 ** 32, 2 ** 33 + 5)).toBe(2 ** 32 + 2 ** 33 + 5);
});

it('works out names, numbers in any base, and shifted numbers', () => {
  const table = new Symbols('a flag', { A: 1, B: 2, SHIFT: 4 });
  expect(table.find('A|B|0x8')).toBe(11);
  expect(table.find('B|0600')).toBe(0o602);
  expect(table.find('21<<SHIFT')).toBe(21 * 16);
  expect(table.find('-1')).toBe(-1);
  expect(table.find('A|C')).toBeUndefined();
  expect(table.find('')).toBeUndefined();
});
