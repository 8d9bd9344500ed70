import { afterAll, describe, expect, it } from 'vitest';
import { HELLO_MAPS, TestFiles, anonymous, execHello, helloMaps, mapped, replayLines } from './testing/recordings.js';

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);

const A = '0x7ffff7000000';

describe('calls', () => {
  it('get the addresses that the kernel chose, and merge as they do there', async () => {
    const lines = [execHello(), mapped(A, 8192), mapped('0x7ffff6ffe000', 8192), mapped('0x7ffff7002000', 8192)];
    const result = await replayLines(lines, { startMaps });
    expect(result).toMatchObject({
      ok: true,
      calls: 4,
      callsByName: { mmap: 3, execve: 1 },
      checks: { results: { matched: 3, total: 3 } },
      merges: { left: 1, right: 1, both: 0, splits: 0 },
      vmas: { start: 5, peak: 6, end: 6 },
    });
  });

  it('a break that was refused stays where it was', async () => {
    const lines = [
      execHello(),
      '1 brk(NULL) = 0x555555556800',
      '1 brk(0x555555577800) = 0x555555577800',
      '1 brk(0x7fffffff0000) = 0x555555577800',
      '1 brk(0x555555557000) = 0x555555557000',
    ];
    const endMaps = files.write('brk.end', helloMaps());
    const result = await replayLines(lines, { startMaps, endMaps });
    expect(result).toMatchObject({ ok: true, checks: { results: { matched: 3 } }, vmas: { peak: 6, end: 5 } });
  });

  it('that fail with ENOMEM at a hole have changed what lies before it', async () => {
    const lines = [
      execHello(),
      mapped(A, 4 * 4096, 1, 'PROT_NONE'),
      '1 munmap(0x7ffff7002000, 4096) = 0',
      `1 mprotect(${A}, 16384, PROT_READ) = -1 ENOMEM (Cannot allocate memory)`,
    ];
    const endMaps = files.write(
      'hole.end',
      helloMaps(anonymous('7ffff7000000-7ffff7002000', 'r--p'), anonymous('7ffff7003000-7ffff7004000', '---p')),
    );
    expect(await replayLines(lines, { startMaps, endMaps })).toMatchObject({
      ok: true,
      checks: { endLayouts: { matched: 1 }, results: { matched: 3, total: 3 } },
    });
  });

  it('that fail for files, for rights or for a key do nothing here', async () => {
    const lines = [
      execHello(),
      '1 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 9, 0) = -1 EBADF (Bad file descriptor)',
      '1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</ro>, 0) = -1 EACCES (Permission denied)',
      mapped(A, 4096),
      `1 pkey_mprotect(${A}, 4096, PROT_READ, 1) = -1 EINVAL (Invalid argument)`,
      `1 mremap(${A}, 4096, 8192, 0) = ? ERESTARTNOINTR (To be restarted)`,
    ];
    expect(await replayLines(lines, { startMaps })).toMatchObject({
      ok: true,
      skippedCalls: 4,
      checks: { results: { matched: 1, total: 1 } },
    });
  });

  it('that strace made up are not run', async () => {
    const lines = [execHello(), mapped(A, 8192), `1 munmap(${A}, 8192) = 0 (INJECTED)`];
    expect(await replayLines(lines, { startMaps })).toMatchObject({ ok: true, skippedCalls: 1, vmas: { end: 6 } });
  });
});

describe('a result that differs', () => {
  it('is a divergence with its file and line, the call, and both results', async () => {
    const lines = [execHello(), mapped(A, 8192), `1 mremap(${A}, 8192, 4096, 0) = -1 EFAULT (Bad address)`];
    const result = await replayLines(lines, { startMaps });
    expect(result).toMatchObject({ ok: false, divergences: 1, checks: { results: { matched: 1, total: 2 } } });
    expect(result.details).toEqual([
      {
        file: 'text',
        line: 3,
        pid: 1,
        what: 'mremap(oldAddress 0x7ffff7000000, oldLength 0x2000, newLength 0x1000, flags 0, newAddress null)',
        recorded: 'EFAULT',
        model: '0x7ffff7000000',
      },
    ]);
  });

  it('names the rule by which the model refused, with its numbers', async () => {
    const lines = [execHello(), `1 mprotect(${A}, 4096, PROT_READ) = 0`];
    const [first] = (await replayLines(lines, { startMaps })).details;
    expect(first?.recorded).toBe('0x0');
    expect(first?.model).toBe(`ENOMEM (spec 01.5: start not mapped: start ${0x7ffff7000})`);
  });

  it('is one when a call got memory that the model has in use', async () => {
    const lines = [execHello(), mapped(A, 8192), mapped(A, 4096)];
    const [first] = (await replayLines(lines, { startMaps })).details;
    expect(first).toMatchObject({
      line: 3,
      recorded: 'free memory at 0x7ffff7000000-0x7ffff7001000',
      model: 'something is mapped there',
    });
  });

  it('is kept in detail for the first ones only', async () => {
    const wrong = `1 munmap(${A}, 4096) = -1 EINVAL (Invalid argument)`;
    const result = await replayLines([execHello(), ...Array(5).fill(wrong)], { startMaps, maxDetails: 2 });
    expect(result.divergences).toBe(5);
    expect(result.details.map(({ line }) => line)).toEqual([2, 3]);
  });
});

describe('neighbours left unmerged at the end', () => {
  it('are grouped by the first rule that refused, with the values compared', async () => {
    const lines = [
      execHello(),
      mapped(A, 4 * 4096),
      '1 mremap(0x7ffff7002000, 8192, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff6ffe000) = 0x7ffff6ffe000',
      '1 mremap(0x7ffff7001000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff6ffd000) = 0x7ffff6ffd000',
    ];
    const { unmerged } = await replayLines(lines, { startMaps });
    // What was moved first and what came before it have joined: their page offsets go on.
    expect(unmerged.map(({ rule, pairs, touchedPairs }) => [rule, pairs, touchedPairs])).toEqual([
      ['flags', 1, 0],
      ['page-offset', 1, 1],
      ['special', 1, 0],
    ]);
    expect(unmerged[1]).toMatchObject({
      values: [{ have: 0x7ffff7000, want: 0x7ffff7004, pairs: 1 }],
      examples: [{ pid: 1, left: '7ffff6ffd000-7ffff7000000', right: '7ffff7000000-7ffff7001000' }],
    });
  });
});
