import { expect, test } from 'vitest';
import { parseMaps } from '@vmakit/trace';
import { snapshotOf } from './read-snapshot.js';
import { findUnmergedPairs } from './unmerged.js';

/** A line of maps with what smaps adds; `kib`: anonymous memory in it. */
function mapping(range: string, flags: string, kib = 0, more = '00000000 00:00 0'): string {
  return [
    `${range} rw-p ${more}`,
    'KernelPageSize:        4 kB',
    `Anonymous:      ${String(kib).padStart(8)} kB`,
    `VmFlags: rd wr mr mw me ${flags}`,
    '',
  ].join('\n');
}

function verdicts(lines: readonly string[]): string[] {
  const snapshot = snapshotOf(1, parseMaps(lines.join('')), new Map());
  return findUnmergedPairs(snapshot).map(({ separation }) => `${separation.certainty} ${separation.rule}`);
}

test('flags that differ are known to keep neighbours apart', () => {
  expect(verdicts([mapping('10000-12000', 'ac'), mapping('12000-13000', 'nr')])).toEqual(['known flags']);
});

test('soft-dirty and guard marks keep nobody apart', () => {
  const pair = [mapping('10000-12000', 'ac sd'), mapping('12000-13000', 'ac gu')];
  expect(verdicts(pair)).toEqual(['inferred not-tried']);
});

test('pages on both sides leave different anon_vmas as the reason', () => {
  expect(verdicts([mapping('10000-12000', 'ac', 8), mapping('12000-13000', 'ac', 4)])).toEqual(['inferred anon-vma']);
});

test('pages on one side leave a moved or forked mapping', () => {
  expect(verdicts([mapping('10000-12000', 'ac', 8), mapping('12000-13000', 'ac')])).toEqual(['inferred page-offset']);
});

test('names and special mappings are known, a userfaultfd is inferred', () => {
  const named = [mapping('10000-12000', 'ac', 0, '00000000 00:00 0  [anon:a]'), mapping('12000-13000', 'ac')];
  expect(verdicts(named)).toEqual(['known name']);
  expect(verdicts([mapping('10000-12000', 'pf'), mapping('12000-13000', 'pf')])).toEqual(['known special']);
  expect(verdicts([mapping('10000-12000', 'ac um'), mapping('12000-13000', 'ac um')])).toEqual([
    'inferred userfaultfd',
  ]);
});

test('a file counts only at consecutive offsets', () => {
  const part = (range: string, offset: string): string => mapping(range, 'ac', 4, `${offset} 08:01 77 /data`);
  expect(verdicts([part('10000-12000', '00000000'), part('12000-13000', '00002000')])).toEqual(['inferred anon-vma']);
  expect(verdicts([part('10000-12000', '00000000'), part('12000-13000', '00009000')])).toEqual([]);
});
