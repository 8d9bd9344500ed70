import { afterAll, describe, expect, it } from 'vitest';
import {
  HELLO_MAPS,
  TestFiles,
  anonymous,
  anonymousRecord,
  execHello,
  helloMaps,
  mapped,
  perfCall,
  perfExecHello,
  replayLines,
  writeFault,
} from './testing/recordings.js';

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);

const A = '0x7ffff7000000';
const MMAP = 'addr: 0x00000000, len: 0x00002000, prot: 0x00000003, flags: 0x00000022, fd: 0xffffffff, off: 0x00000000';

describe('the records of the kernel about VMAs (perf)', () => {
  it('show what an execve has mapped, so no snapshot is needed', async () => {
    const result = await replayLines(perfExecHello());
    expect(result).toMatchObject({ ok: true, vmas: { start: 5, end: 5 }, processes: [{ program: '/bin/hello' }] });
  });

  it('are each compared with the VMA of the model at that moment', async () => {
    const lines = [...perfExecHello(), ...perfCall('mmap', MMAP, A, [anonymousRecord(A, '0x2000')])];
    expect((await replayLines(lines)).checks.mmap2).toEqual({ matched: 1, total: 1 });
  });

  it('that say something else are divergences', async () => {
    const lines = [...perfExecHello(), ...perfCall('mmap', MMAP, A, [anonymousRecord(A, '0x3000', '0x1000')])];
    const result = await replayLines([...lines, ...perfCall('munmap', 'addr: 0x1000, len: 0x1000', '0x0')]);
    expect(result).toMatchObject({ ok: false, divergences: 1, checks: { mmap2: { matched: 0, total: 1 } } });
    expect(result.details).toMatchObject([
      {
        file: 'text',
        line: 12,
        what: 'record of the VMA at 0x7ffff7000000 (//anon)',
        recorded: 'length 0x3000, offset 0x1000',
        model: 'start 0x7ffff7000000, length 0x2000, offset 0x7ffff7000000',
      },
    ]);
  });

  it('of an mprotect are compared one by one, also before the hole at which it fails', async () => {
    const record = (start: string, length: string, offset: string): string =>
      anonymousRecord(start, length, offset).replace('rw-p', 'r--p');
    const lines = [
      ...perfExecHello(),
      ...perfCall('mmap', MMAP, A),
      ...perfCall('mmap', MMAP.replace('0x00000003', '0x00000000'), '0x7ffff7002000'),
      ...perfCall('mprotect', `start: ${A}, len: 0x00005000, prot: 0x00000001`, '0xfffffffffffffff4', [
        record(A, '0x2000', A),
        record(A, '0x4000', A),
      ]),
    ];
    expect(await replayLines(lines)).toMatchObject({ ok: true, checks: { mmap2: { matched: 2, total: 2 } } });
  });

  it('of a stack that grows come from a fault', async () => {
    const grown = anonymousRecord('0x7fffffddc000', '0x23000').replace('//anon', '[stack]');
    const lines = [...perfExecHello(), writeFault('0x7fffffddc008'), grown];
    expect(await replayLines(lines)).toMatchObject({ ok: true, faults: 2, writeFaults: 1 });
  });
});

describe('the layout at the end', () => {
  it('that differs is shown VMA by VMA with the fields that differ', async () => {
    const endMaps = files.write('other.end', helloMaps(anonymous('7ffff7000000-7ffff7003000', 'r--p')));
    const result = await replayLines([execHello(), mapped(A, 8192)], { startMaps, endMaps });
    expect(result).toMatchObject({ ok: false, divergences: 1, checks: { endLayouts: { matched: 0, total: 1 } } });
    expect(result.layouts).toMatchObject([
      {
        pid: 1,
        file: endMaps,
        vmas: 6,
        differing: 1,
        differences: [
          {
            fields: ['end', 'permissions'],
            expected: { start: 0x7ffff7000000, end: 0x7ffff7003000, permissions: 'r--p' },
            actual: { start: 0x7ffff7000000, end: 0x7ffff7002000, permissions: 'rw-p' },
            unknowable: null,
          },
        ],
      },
    ]);
  });

  it('may lack a VMA, or have one too many', async () => {
    const endMaps = files.write('moved.end', helloMaps(anonymous('7ffff6000000-7ffff6002000')));
    const { layouts } = await replayLines([execHello(), mapped(A, 8192)], { startMaps, endMaps });
    const [first, second] = layouts[0]?.differences ?? [];
    expect(first).toMatchObject({ expected: { start: 0x7ffff6000000 }, actual: null });
    expect(second).toMatchObject({ expected: null, actual: { start: 0x7ffff7000000 } });
  });

  it('given by hand is that of the process which is most like it', async () => {
    const endMaps = files.write('child.end', helloMaps(anonymous('7ffff7000000-7ffff7001000')));
    const lines = [
      execHello(),
      mapped(A, 8192),
      '1 fork() = 2',
      '2 munmap(0x7ffff7001000, 4096) = 0',
      '2 exit_group(0) = ?',
      '2 +++ exited with 0 +++',
      '1 exit_group(0) = ?',
    ];
    const { ok, layouts } = await replayLines(lines, { startMaps, endMaps });
    expect({ ok, pids: layouts.map(({ pid }) => pid) }).toEqual({ ok: true, pids: [2] });
  });

  it('has the name of the heap, of names given by prctl, and of deleted files', async () => {
    const lines = [
      execHello(),
      '1 brk(NULL) = 0x555555557000',
      '1 brk(0x555555578000) = 0x555555578000',
      mapped(A, 8192),
      `1 prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, ${A}, 4096, "pool") = 0`,
      '1 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</tmp/x>(deleted), 0x8000) = 0x7ffff6000000',
      '1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 4</memfd:m>(deleted), 0) = 0x7ffff5000000',
    ];
    const endMaps = files.write(
      'names.end',
      helloMaps(
        anonymous('555555557000-555555578000', 'rw-p', '[heap]'),
        anonymous('7ffff7000000-7ffff7001000', 'rw-p', '[anon:pool]'),
        anonymous('7ffff7001000-7ffff7002000'),
        '7ffff6000000-7ffff6001000 r--s 00008000 fe:00 9 /tmp/x (deleted)',
        '7ffff5000000-7ffff5001000 rw-s 00000000 00:01 8 /memfd:m (deleted)',
      ),
    );
    const result = await replayLines(lines, { startMaps, endMaps });
    expect(result.layouts[0]?.differences).toEqual([]);
    expect(result.ok).toBe(true);
  });
});
