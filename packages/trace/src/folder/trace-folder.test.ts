import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openTraceFolder } from './trace-folder.js';

const root = mkdtempSync(join(tmpdir(), 'vmakit-folder-'));
afterAll(() => rmSync(root, { recursive: true }));

const edges = fileURLToPath(new URL('../../fixtures/edges', import.meta.url));

/** A folder with the given files. */
function folder(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(root, name);
  mkdirSync(join(path, 'maps'), { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
  return path;
}

const LINE = '31046 1795395084.121318 brk(NULL) = 0x55d471f96000\n';
const MAPS = '7ffd361a9000-7ffd36288000 rw-p 00000000 00:00 0                          [stack]\n';

describe('a trace folder', () => {
  it('knows the kernel, its settings, and the snapshots with their clocks', async () => {
    const { meta, snapshots, recordings } = await openTraceFolder(edges);
    expect(meta).toMatchObject({
      name: 'edges',
      kernel: '6.18.44',
      machine: 'x86_64',
      pageSize: 4096,
      attached: false,
      settings: { maxMapCount: 65530, stackGuardGapPages: 256, anonVmaName: false, transparentHugePages: 'madvise' },
    });
    expect(recordings).toEqual({ perf: join(edges, 'perf.txt.gz'), strace: join(edges, 'strace.txt.gz') });
    expect(snapshots.map(({ pid, kind }) => `${pid} ${kind}`)).toEqual([
      '11312 exec',
      '11313 exit',
      '11347 exec',
      '11347 exit',
      '11312 exit',
    ]);
    expect(snapshots[1]).toMatchObject({ realtime: [1795394394.590304, 1795394394.590383], vmas: 65 });
  });

  it('gives the entries of a snapshot, with smaps where it was taken', async () => {
    const { snapshots } = await openTraceFolder(edges);
    const [atExec, atExit] = snapshots;
    expect((await atExec?.readEntries())?.every((entry) => entry.smaps === null)).toBe(true);
    expect((await atExit?.readEntries())?.every((entry) => entry.smaps !== null)).toBe(true);
  });

  it('opens the more precise recording unless told otherwise', async () => {
    const trace = await openTraceFolder(edges);
    expect((await trace.open()).format).toBe('perf');
    expect((await trace.open('strace')).format).toBe('strace');
  });

  it('needs no meta.json: the names of the snapshots tell whose they are', async () => {
    const path = folder('plain', {
      'strace.txt': LINE,
      'maps/010.7.exit.maps': MAPS,
      'maps/002.7.exec.maps': MAPS,
      'maps/010.7.exit.smaps': MAPS,
      'maps/notes.txt': '',
    });
    const { meta, snapshots } = await openTraceFolder(path);
    expect(meta).toBeNull();
    expect(snapshots.map(({ file, smaps }) => [file, smaps])).toEqual([
      ['maps/002.7.exec.maps', null],
      ['maps/010.7.exit.maps', 'maps/010.7.exit.smaps'],
    ]);
  });

  it('assigns the threads of a process that was attached to', async () => {
    const snapshots = [{ file: 'maps/000.31043.start.maps', pid: 31043, kind: 'start' }];
    const path = folder('attached', { 'strace.txt': LINE, 'meta.json': JSON.stringify({ attached: true, snapshots }) });
    const pids = new Set<number>();
    for await (const batch of await (await openTraceFolder(path)).open()) {
      for (const event of batch) pids.add(event.pid);
    }
    expect([...pids]).toEqual([31043]);
  });
});

describe('a folder that cannot be used gets one sentence', () => {
  it('without a recording', async () => {
    await expect(openTraceFolder(folder('empty', {}))).rejects.toThrow('the directory has no recording');
  });

  it('that is not there', async () => {
    await expect(openTraceFolder(join(root, 'missing'))).rejects.toThrow('no such file or directory');
  });

  it('without the recording that is asked for', async () => {
    const trace = await openTraceFolder(folder('strace-only', { 'strace.txt': LINE }));
    expect(() => trace.open('perf')).toThrow('the directory has no recording of perf');
  });

  it.each([
    ['{', /meta\.json: is not valid JSON/],
    ['[]', /meta\.json: expected a JSON object/],
    ['{"page_size": "4k"}', /meta\.json: expected a number for "page_size"/],
    ['{"settings": {"max_map_count": []}}', /meta\.json: expected a number for "settings\.max_map_count"/],
    ['{"snapshots": [{"file": 1}]}', /meta\.json: expected a string for "snapshots\[0\]\.file"/],
  ])('with a damaged meta.json: %s', async (text, message) => {
    const path = folder('damaged', { 'strace.txt': LINE, 'meta.json': text });
    await expect(openTraceFolder(path)).rejects.toThrow(message);
  });

  it('with a snapshot missing', async () => {
    const snapshots = [{ file: 'maps/000.7.exit.maps.gz', pid: 7, kind: 'exit' }];
    const path = folder('gap', { 'strace.txt': LINE, 'meta.json': JSON.stringify({ snapshots }) });
    const [snapshot] = (await openTraceFolder(path)).snapshots;
    await expect(snapshot?.readEntries()).rejects.toThrow('maps/000.7.exit.maps.gz: no such file or directory');
  });
});
