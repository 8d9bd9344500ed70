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

/*
 * What a recording cannot tell is no divergence: it is counted by its name. Each of these recordings is `ok` with
 * differences that have exactly one name.
 */

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);

const A = '0x7ffff7000000';

async function named(lines: readonly string[], end: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const endMaps = files.write('end.maps', end);
  const { ok, unknowable, layouts } = await replayLines(lines, { startMaps, endMaps });
  expect(layouts.flatMap(({ differences }) => differences)).toEqual([]);
  expect(ok).toBe(true);
  return unknowable;
}

describe('strace does not show', () => {
  it('that a stack grows', async () => {
    const grown = HELLO_MAPS.map((line) => line.replace('7ffffffde000', '7fffffe00000'));
    expect(await named([execHello()], grown)).toEqual({ 'stack growth': 1 });
  });

  it('that other memory grows down', async () => {
    const lines = [execHello(), mapped(A, 8192).replace('ANONYMOUS', 'ANONYMOUS|MAP_GROWSDOWN')];
    const end = helloMaps(anonymous('7ffff6ff0000-7ffff7002000'));
    expect(await named(lines, end)).toEqual({ 'MAP_GROWSDOWN growth': 1 });
  });

  it('which memory was touched, and so what merged', async () => {
    const lines = [
      execHello(),
      mapped(A, 8192),
      `1 mremap(${A}, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff7002000) = 0x7ffff7002000`,
    ];
    // Untouched memory takes the page offset of its new place.
    const end = helloMaps(anonymous('7ffff7001000-7ffff7003000'));
    expect(await named(lines, end)).toEqual({ 'merges that depend on page faults': 2 });
  });

  it('what became of a name, or how large a SysV segment is', async () => {
    const lines = [
      execHello(),
      `1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</tmp/x>, 0) = ${A}`,
      '1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</tmp/new>, 0) = 0x7ffff6000000',
      '1 shmat(7, NULL, 0) = 0x7ffff5000000',
    ];
    const end = helloMaps(
      '7ffff7000000-7ffff7001000 r--p 00000000 fe:00 9 /tmp/x (deleted)',
      '7ffff6000000-7ffff6001000 r--p 00000000 fe:00 9 /tmp/old',
      '7ffff5000000-7ffff5009000 rw-s 00000000 00:01 7 /SYSV00000000 (deleted)',
    );
    expect(await named(lines, end)).toEqual({
      'file unlinked later': 1,
      'file renamed later': 1,
      'size of a SysV segment': 1,
    });
  });

  it('what a userfaultfd was told to watch', async () => {
    const lines = [execHello(), '1 userfaultfd(O_CLOEXEC) = 3', mapped(A, 16384)];
    const end = helloMaps(anonymous('7ffff7000000-7ffff7001000'), anonymous('7ffff7001000-7ffff7004000'));
    expect(await named(lines, end)).toEqual({ 'ranges registered with a userfaultfd': 2 });
  });

  it('what an execve maps, when no snapshot was taken', async () => {
    const lines = ['1 execve("/bin/other", ["other"], 0x7ff /* 3 vars */) = 0', mapped(A, 8192)];
    const endMaps = files.write('end.maps', helloMaps(anonymous('7ffff7000000-7ffff7002000')));
    const result = await replayLines([...lines, '1 mprotect(0x555555555000, 4096, PROT_READ) = 0'], { endMaps });
    expect(result).toMatchObject({ ok: true, divergences: 0 });
    expect(Object.keys(result.unknowable)).toEqual(['memory that an execve mapped']);
  });

  it('limits of the process', async () => {
    const failed = '1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (Cannot)';
    expect(await named([execHello(), failed], HELLO_MAPS)).toEqual({ 'limits of the process': 1 });
  });
});

describe('perf does not show', () => {
  it('the calls of a 32-bit program', async () => {
    const low = (line: string): string =>
      line.replace(/0x(555555|7ffff|7fffff)/g, '0x').replace('0xde000', '0xf000000');
    const exec = perfExecHello().map((line) => (line.includes('MMAP2') ? low(line) : line));
    const result = await replayLines([...exec, writeFault('0xf0001000')]);
    expect(result.ok).toBe(true);
    const endMaps = files.write('32.end', ['f7000000-f7002000 rw-p 00000000 00:00 0']);
    const { ok, unknowable } = await replayLines(exec, { endMaps });
    expect(ok).toBe(true);
    expect(Object.keys(unknowable)).toEqual(['system calls of a 32-bit program (perf does not see them)']);
  });

  it('what it has lost; from then on differences say nothing', async () => {
    const args = `addr: ${A}, len: 0x00002000`;
    const lines = [
      ...perfExecHello(),
      'hello 1/1 2.0: PERF_RECORD_LOST lost 13',
      ...perfCall('mlock', args.replace('addr', 'start'), '0x0'),
    ];
    const result = await replayLines(lines);
    expect(result).toMatchObject({ ok: true, recording: { lost: 13 } });
    expect(result.unknowable).toEqual({ 'events that the recorder lost': 1 });
  });

  it('what was touched, when only calls were recorded: then it means what strace means', async () => {
    const onlyCalls = (lines: readonly string[]): string[] => lines.filter((line) => !line.includes('page_fault'));
    const map = 'addr: 0x0, len: 0x00002000, prot: 0x00000003, flags: 0x00000022, fd: 0xffffffff, off: 0x00000000';
    const move = `addr: ${A}, old_len: 0x1000, new_len: 0x1000, flags: 0x00000003, new_addr: 0x7ffff7002000`;
    const record = [anonymousRecord('0x7ffff7001000', '0x2000')];
    const lines = [
      ...onlyCalls(perfExecHello()),
      ...perfCall('mmap', map, A),
      ...perfCall('mremap', move, '0x7ffff7002000', record),
    ];
    const { ok, unknowable, recording } = await replayLines(lines);
    expect({ ok, unknowable }).toEqual({ ok: true, unknowable: { 'merges that depend on page faults': 1 } });
    expect(recording.assumption).toBe('touched');
  });

  it('data that an execve mapped, without its option -d', async () => {
    const onlyCode = perfExecHello().filter((line) => !line.includes('MMAP2') || line.includes('r-x'));
    const protect = perfCall('mprotect', 'start: 0x7fffffffe000, len: 0x00001000, prot: 0x00000001', '0x0');
    const { ok, unknowable } = await replayLines([...onlyCode, ...protect]);
    expect({ ok, unknowable }).toEqual({ ok: true, unknowable: { 'memory that an execve mapped': 1 } });
  });
});

describe('--assume', () => {
  const lines = [
    execHello(),
    mapped(A, 8192),
    `1 mremap(${A}, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff7002000) = 0x7ffff7002000`,
  ];

  it('touched (the default) gives memory an anon_vma at once, so moves leave neighbours unmerged', async () => {
    const result = await replayLines(lines, { startMaps });
    expect(result.recording.assumption).toBe('touched');
    expect(result.unmerged.find(({ rule }) => rule === 'page-offset')?.touchedPairs).toBe(1);
  });

  it('untouched lets everything merge', async () => {
    const result = await replayLines(lines, { startMaps, assume: 'untouched' });
    expect(result.recording.assumption).toBe('untouched');
    expect(result.unmerged.map(({ rule }) => rule)).not.toContain('page-offset');
  });

  it('is not asked where faults are recorded', async () => {
    const { recording } = await replayLines(perfExecHello(), { assume: 'untouched' });
    expect(recording.assumption).toBe('recorded');
  });

  it('is corrected by smaps: what it shows to be untouched is counted', async () => {
    const smaps = ['7ffff7000000-7ffff7002000 rw-p 00000000 00:00 0', 'Anonymous:             0 kB', 'VmFlags: rd wr'];
    const endMaps = files.write('end.smaps', [...HELLO_MAPS.slice(0, 2), ...smaps, ...HELLO_MAPS.slice(2)]);
    const { layouts } = await replayLines(lines.slice(0, 2), { startMaps, endMaps });
    expect(layouts).toMatchObject([{ matched: true, wronglyTouched: 1 }]);
  });
});
