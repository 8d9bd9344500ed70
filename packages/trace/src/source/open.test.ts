import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../events.js';
import { TraceInputError } from './input-error.js';
import { openRecording, readRecording } from './open.js';
import { parseRecording } from './parse.js';

const folder = mkdtempSync(join(tmpdir(), 'vmakit-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const STRACE = '7 1795394394.5 munmap(0x7f0000000000, 4096) = 0\n';

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The same gzip data with a wrong checksum. */
function withDamage(packed: Uint8Array): Uint8Array {
  const damaged = Uint8Array.from(packed);
  damaged[damaged.length - 6] = (damaged[damaged.length - 6] as number) ^ 0xff;
  return damaged;
}

async function readAll(path: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const batch of readRecording(path)) events.push(...batch);
  return events;
}

/** The sentence with which reading a file fails. */
async function problemOf(path: string): Promise<string> {
  try {
    await readAll(path);
  } catch (error) {
    expect(error).toBeInstanceOf(TraceInputError);
    return (error as TraceInputError).message.replaceAll(`${folder}/`, '');
  }
  throw new Error('it was read');
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('recognition by content', () => {
  it('reads plain and gzip files under any name', async () => {
    expect(await readAll(file('a.data', STRACE))).toHaveLength(1);
    expect(await readAll(file('b.data', gzipSync(STRACE)))).toHaveLength(1);
  });

  it('takes the more precise recording of a folder', async () => {
    const recording = await openRecording(join(fixtures, 'edges'));
    expect(recording.format).toBe('perf');
    expect(recording.file).toBe(join(fixtures, 'edges', 'perf.txt.gz'));
  });

  it.each([
    ['strace', '12:34:56 brk(NULL) = 0x55d471f96000'],
    ['strace', '[pid  7] <... brk resumed>) = 0x55d471f96000'],
    ['strace', 'strace: Process 31043 attached with 10 threads\n31043 futex(0x1, FUTEX_WAIT) = 0'],
    ['strace', 'some output of the program itself\n7 +++ exited with 0 +++'],
    ['perf', '# ========\n# captured on : x\n edges 1/1 [000]  2.5: exceptions:page_fault_user: address=0x1'],
    ['perf', '       perf-exec     0 [-01]     0.000000: PERF_RECORD_COMM: perf-exec:11699/11699'],
    ['perf', ' swapper     0/0  0.000000000: PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x1) @ 0]: x [kernel]'],
    ['tracefs', '# tracer: nop\n  hello-2761    [001] d....  2853.570984: page_fault_user: address=0x7f43878322c8'],
    ['tracefs', '  my-app-2761 ( 2761) [001] .....  2853.570984: sys_brk -> 0x0'],
  ])('%s: %s', (format, text) => {
    expect(parseRecording(text).format).toBe(format);
  });
});

describe('input that cannot be read gets one sentence', () => {
  it.each([
    ['empty', '', 'the input is empty'],
    ['empty.gz', gzipSync(''), 'the input is empty'],
    ['blank', '\n\n', 'the input has no line of text'],
    ['binary', Buffer.from([1, 2, 0, 3, 10, 0, 9]), 'is a binary file, not the text of strace, perf script or tracefs'],
    ['prose', 'Hello.\n', 'is not the text of strace, perf script or tracefs: no line of its beginning has their form'],
    ['maps', '7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n', 'is a /proc/PID/maps listing, not a recording'],
    [
      'perf.data',
      'PERFILE2....',
      'is a perf.data file; give the output of "perf script" (see the README for its options)',
    ],
    ['a.xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), 'is compressed with xz; gzip and plain text can be read'],
    ['damaged.gz', withDamage(gzipSync(STRACE)), 'the gzip data is damaged'],
  ])('%s', async (name, content, sentence) => {
    expect(await problemOf(file(name, content))).toBe(`${name}: ${sentence}`);
  });

  it('a missing file', async () => {
    expect(await problemOf(join(folder, 'missing'))).toBe('missing: no such file or directory');
  });

  it('a folder without a recording', async () => {
    mkdirSync(join(folder, 'nothing'));
    expect(await problemOf(join(folder, 'nothing'))).toBe(
      'nothing: the directory has no recording (perf.txt, strace.txt, or either with .gz)',
    );
  });

  it('a gzip file that was cut off, after the events before the cut', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => STRACE.replace('4096', String((i * 7919) % 100_003)));
    const whole = gzipSync(lines.join(''));
    const path = file('cut.gz', whole.subarray(0, whole.length - 2000));
    let events = 0;
    let problem: unknown;
    try {
      for await (const batch of readRecording(path)) events += batch.length;
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(TraceInputError);
    expect(events).toBeGreaterThan(10_000);
    expect((problem as TraceInputError).line).toBe(events);
    expect((problem as TraceInputError).message).toBe(
      `${path}: the gzip data ends too early (after line ${events}): the file was cut off`,
    );
  });
});

describe('streaming', () => {
  const bytes = Buffer.from(STRACE.repeat(3) + STRACE.trimEnd());

  it.each([1, 7, 64, 1000])('gives the same events whatever the pieces are (%i bytes)', async (size) => {
    const recording = await openRecording(pieces(bytes, size), { name: 'pipe' });
    const events: RecordedEvent[] = [];
    for await (const batch of recording) events.push(...batch);
    expect(events).toEqual(parseRecording(bytes, { name: 'pipe' }).events);
    expect(recording.report).toMatchObject({ bytesRead: bytes.length, lines: 4, events: 4 });
  });

  it('reads gzip members that were joined', async () => {
    const path = file('joined.gz', Buffer.concat([gzipSync(STRACE), gzipSync(STRACE)]));
    expect(await readAll(path)).toHaveLength(2);
  });

  it('does not keep a line that is no text', async () => {
    const long = Buffer.alloc(3 << 20, 0x61);
    const input = Buffer.concat([Buffer.from(STRACE), long, Buffer.from(`\n${STRACE}`)]);
    const recording = await openRecording(pieces(input, 1 << 16));
    let events = 0;
    for await (const batch of recording) events += batch.length;
    expect(events).toBe(2);
    expect(recording.report).toMatchObject({ lines: 3, malformed: 1 });
    expect(recording.report.diagnostics[0]?.expected).toBe('a line of text, at most 1 MiB long');
  });

  it('gives the size of a file and what was read of it', async () => {
    const packed = gzipSync(STRACE.repeat(100));
    const recording = await openRecording(file('sized.gz', packed));
    expect(recording.bytesTotal).toBe(packed.length);
    for await (const _ of recording);
    expect(recording.report.bytesRead).toBe(packed.length);
  });

  it('can be left early', async () => {
    for await (const batch of readRecording(join(fixtures, 'edges'))) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
  });

  it('can be iterated over once', async () => {
    const recording = await openRecording(file('once', STRACE));
    for await (const _ of recording);
    await expect(async () => {
      for await (const _ of recording);
    }).rejects.toThrow(TypeError);
  });
});
