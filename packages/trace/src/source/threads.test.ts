import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { openTraceFolder } from '../folder/trace-folder.js';
import { openRecording } from './open.js';

const root = mkdtempSync(join(tmpdir(), 'vmakit-threads-'));
afterAll(() => rmSync(root, { recursive: true }));

const THREAD = 'flags=CLONE_VM|CLONE_THREAD';

/** Files as `strace -ff -o PREFIX` writes them; gives the prefix. */
function files(name: string, byThread: Readonly<Record<string, readonly string[]>>): string {
  const prefix = join(root, name);
  for (const [suffix, lines] of Object.entries(byThread)) {
    const text = lines.map((line) => `${line}\n`).join('');
    writeFileSync(`${prefix}.${suffix}`, suffix.endsWith('.gz') ? gzipSync(text) : text);
  }
  return prefix;
}

/** `kind call tid/pid file:line` of every event. */
async function story(prefix: string): Promise<string[]> {
  const recording = await openRecording(prefix);
  const told: string[] = [];
  for await (const batch of recording) {
    for (const event of batch) {
      const what = event.kind === 'syscall' ? event.call : event.kind;
      told.push(`${what} ${event.tid}/${event.pid} ${event.file.slice(prefix.length + 1)}:${event.line}`);
    }
  }
  expect(recording.report).toMatchObject({ malformed: 0, bytesRead: recording.bytesTotal });
  return told;
}

describe('the files of strace -ff', () => {
  it('are one recording in the order of time, with births and the place of each line', async () => {
    const prefix = files('plain', {
      7: [
        '1795394394.1 brk(NULL) = 0x1000',
        `1795394394.2 clone(child_stack=0x1000, ${THREAD}) = 8`,
        '1795394394.5 +++ exited with 0 +++',
      ],
      '8.gz': ['1795394394.3 brk(NULL) = 0x1000', '1795394394.4 +++ exited with 0 +++'],
    });
    expect(await story(prefix)).toEqual([
      'brk 7/7 7:1',
      'birth 8/7 7:2',
      'clone 7/7 7:2',
      'brk 8/7 8.gz:1',
      'exit 8/7 8.gz:2',
      'exit 7/7 7:3',
    ]);
  });

  it('put a call at its end when -T tells it, but munmap at its start', async () => {
    const prefix = files('spent', {
      7: ['1795394394.1 brk(NULL) = 0x1000 <0.500000>', '1795394394.8 brk(NULL) = 0x1000 <0.000001>'],
      8: ['1795394394.2 munmap(0x1000, 4096) = 0 <0.900000>'],
    });
    expect(await story(prefix)).toEqual(['munmap 8/8 8:1', 'brk 7/7 7:1', 'brk 7/7 7:2']);
  });

  it('may be the recording of a folder', async () => {
    files('strace.txt', { 7: ['1795394394.1 brk(NULL) = 0x1000'], 8: ['1795394394.2 brk(NULL) = 0x1000'] });
    const folder = await openTraceFolder(root);
    expect(folder.recordings.strace).toBe(join(root, 'strace.txt'));
    let events = 0;
    for await (const batch of await folder.open()) events += batch.length;
    expect(events).toBe(2);
  });

  it('cannot be put in order without times', async () => {
    const prefix = files('bare', { 7: ['brk(NULL) = 0x1000'] });
    await expect(story(prefix)).rejects.toThrow('can be put in order only with times');
  });

  it('are not there, or empty', async () => {
    await expect(story(join(root, 'nothing'))).rejects.toThrow('no such file or directory');
    await expect(story(files('empty', { 7: [] }))).rejects.toThrow('the files of the threads are empty');
  });
});
