import { gzipSync } from 'node:zlib';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { replayRecording } from './replay-recording.js';
import { HELLO_MAPS, TestFiles, execHello, mapped, perfExecHello, replayLines } from './testing/recordings.js';

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);
const A = '0x7ffff7000000';

describe('a recording with bad lines', () => {
  it('has them counted and reported, and the rest replayed', async () => {
    const lines = [
      execHello(),
      '1 mmap(NULL, 8192, PROT_READ|PROT_WR',
      mapped(A, 8192),
      '\u0000\u0001\u0002',
      `1 munmap(${A}, 4096) = 0`,
      `1 munmap(${A}, `,
    ];
    const result = await replayLines(lines, { startMaps });
    expect(result).toMatchObject({ ok: true, checks: { results: { matched: 2 } }, recording: { malformed: 3 } });
    expect(result.recording.diagnostics.map(({ file, line, expected }) => `${file}:${line}: ${expected}`)).toEqual([
      'text:2: a PROT_ flag',
      'text:4: a system call, "<... NAME resumed>", "---" or "+++"',
      'text:6: a length in bytes',
    ]);
  });

  it('may have ends of lines of another system', async () => {
    const lines = [execHello(), mapped(A, 8192), `1 munmap(${A}, 4096) = 0`].map((line) => `${line}\r`);
    expect(await replayLines(lines, { startMaps })).toMatchObject({ ok: true, recording: { malformed: 0 } });
  });

  it('is refused when no line at all can be understood', async () => {
    const lines = ['1 mmap(NULL, 8192, PROT_READ|PROT_WR', '1 munmap('];
    await expect(replayLines(lines)).rejects.toThrow('text: no line can be understood; line 1: expected a PROT_ flag');
  });
});

/** The message with which an input is refused, without the name of the folder. */
async function refusal(input: string, more: { endMaps?: string; startMaps?: string } = {}): Promise<string> {
  const error: unknown = await replayRecording({ input: join(files.root, input), ...more }).catch((reason) => reason);
  return (error as Error).message.replaceAll(`${files.root}/`, '');
}

describe('an input that cannot be read is refused with one sentence', () => {
  const whole = gzipSync(Array.from({ length: 5000 }, () => mapped(A, 4096)).join('\n'));
  writeFileSync(join(files.root, 'cut.gz'), whole.subarray(0, whole.length / 2));
  files.write('empty-folder/readme', ['nothing']);
  files.write('perf.data', ['PERFILE2']);
  files.write('prose', ['It was a dark and stormy night.']);
  files.write('good', [execHello()]);
  files.write('bad.maps', [HELLO_MAPS[0] ?? '', 'not a line of maps']);
  writeFileSync(join(files.root, 'nothing'), '');

  it.each([
    ['nowhere', 'nowhere: no such file or directory'],
    ['nothing', 'nothing: the input is empty'],
    ['prose', 'prose: is not the text of strace, perf script or tracefs: no line of its beginning has their form'],
    ['perf.data', 'perf.data: is a perf.data file; give the output of "perf script" (see the README for its options)'],
    ['start.maps', 'start.maps: is a /proc/PID/maps listing, not a recording'],
  ])('%s', async (input, message) => {
    expect(await refusal(input)).toBe(message);
  });

  it('a folder without a recording', async () => {
    expect(await refusal('empty-folder')).toMatch(/^empty-folder: .*(no recording|strace|perf)/);
  });

  it('gzip data that was cut off', async () => {
    expect(await refusal('cut.gz')).toMatch(/^cut\.gz: the gzip data ends too early \(after line \d+\): .* cut off$/);
  });

  it('a listing that is none', async () => {
    const endMaps = join(files.root, 'bad.maps');
    const expected = 'expected "start-end perms offset device inode name" or a line of smaps';
    expect(await refusal('good', { endMaps })).toBe(`bad.maps: line 2: ${expected}`);
    expect(await refusal('good', { endMaps: join(files.root, 'no.maps') })).toBe('no.maps: no such file or directory');
  });
});

describe('whatever a recording says', () => {
  it.each([
    [
      'addresses that nobody has',
      '1 mmap(0xfffffffffffff000, 18446744073709547520, PROT_READ, MAP_FIXED|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (x)',
    ],
    ['a length of all there is', '1 munmap(NULL, 18446744073709547520) = -1 EINVAL (Invalid argument)'],
    ['an address between pages', '1 mmap(0x123, 1, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff6000000'],
    ['a result that is no page', '1 mmap(NULL, 1, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff6000123'],
    [
      'a result above all memory',
      '1 mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xffff800000000000',
    ],
    ['nothing mapped', '1 mmap(NULL, 0, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff6000000'],
    [
      'flags of other machines',
      '1 mmap(NULL, 4096, 0x41, 0x800000 /* MAP_??? */|MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff6000000',
    ],
    ['advice from the future', `1 madvise(${A}, 4096, 0x7b /* MADV_??? */) = 0`],
    ['a move onto itself', `1 mremap(${A}, 4096, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, ${A}) = ${A}`],
    ['a move to where it was', `1 mremap(${A}, 8192, 8192, MREMAP_MAYMOVE|MREMAP_DONTUNMAP) = ${A}`],
    ['flags of more than 64 bits', `1 mremap(${A}, 8192, 4096, 0xffffffffffffffffff) = ${A}`],
    ['an address below all memory', '1 mprotect(-1, 16384, PROT_READ) = 0'],
    ['a process that cannot be', '-1 munmap(0x7ffff6000000, 4096) = 0'],
    ['a detach of nothing', '1 shmdt(0x7ffff6000000) = 0'],
    ['parts of no file', '1 remap_file_pages(0x7ffff6000000, 4096, 0, 7, 0) = 0'],
    ['an end before the beginning', '1 +++ exited with 0 +++'],
    ['a child that is its own parent', '1 fork() = 1'],
    ['a break without a heap', '1 brk(0x7ffff6000000) = 0x7ffff6000000'],
  ])('%s makes a result, not a crash', async (_, line) => {
    const lines = [execHello(), mapped(A, 8192), line, mapped('0x7ffff5000000', 4096), `1 munmap(${A}, 4096) = 0`];
    const result = await replayLines(lines, { startMaps });
    expect(result.recording.lines).toBe(5);
    expect(result.divergences).toBeLessThanOrEqual(2);
  });

  it('a recording may end anywhere', async () => {
    const lines = perfExecHello();
    for (let end = 2; end <= lines.length; end++) {
      expect((await replayLines(lines.slice(0, end))).divergences, `after ${end} lines`).toBe(0);
    }
  });
});
