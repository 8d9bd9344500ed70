import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_FAILED, EXIT_OK, EXIT_UNUSABLE } from '../exit-codes.js';
import { ROOT, vmakit } from '../testing/vmakit.js';

const COMPACTOR = join(ROOT, 'demo/compactor');
const EDGES = join(ROOT, 'packages/trace/fixtures/edges');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmakit-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of the test's own folder. */
function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('vmakit replay', () => {
  it('replays the bundled recording and says what merged, what did not, and that it is as recorded', async () => {
    const { out, complaint, code } = await vmakit('replay', COMPACTOR);
    expect(code).toBe(EXIT_OK);
    expect(complaint).toBe('');
    expect(out).toContain('VMAs           start 13, peak 1,719, end 977');
    expect(out).toContain('949  page-offset');
    expect(out).toContain('records of VMAs (MMAP2)  15,005 of 15,005');
    expect(out).toContain('the model did what the kernel did');
  });

  it('writes the very maps that the kernel printed', async () => {
    const target = join(folder, 'maps');
    const { code } = await vmakit('replay', EDGES, '--write-maps', target);
    expect(code).toBe(EXIT_OK);
    const recorded = readdirSync(join(EDGES, 'maps')).filter((name) => /\.exit\.maps/.test(name));
    expect(recorded).toHaveLength(3);
    for (const name of recorded) {
      const [, pid = ''] = name.split('.');
      const bytes = readFileSync(join(EDGES, 'maps', name));
      const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
      // The gate of the old system calls is in maps, but is no mapping of the process.
      const mappings = text.replace(/^.*\[vsyscall\]\n/m, '');
      expect(readFileSync(join(target, `${pid}.maps`), 'utf8')).toBe(mappings);
    }
  });

  it('prints one documented object with --json', async () => {
    const { out, code } = await vmakit('replay', EDGES, '--json');
    expect(code).toBe(EXIT_OK);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      divergences: 0,
      checks: { endLayouts: { matched: 3, total: 3 }, mmap2: { matched: 270, total: 270 } },
      recording: { format: 'perf', profile: 'v6.18', malformed: 0 },
      policy: 'none',
    });
  });

  it('has every field of that object in its documentation', async () => {
    const { out } = await vmakit('replay', EDGES, '--compare', 'none', '--json');
    const documentation = readFileSync(join(ROOT, 'docs/replay-json.md'), 'utf8');
    const [run] = (JSON.parse(out) as { comparison: [{ result: Record<string, unknown> }] }).comparison;
    const fields = [...Object.keys(run), ...Object.keys(run.result), ...Object.keys(run.result['checks'] as object)];
    expect(fields.filter((field) => !documentation.includes(`\`${field}\``))).toEqual([]);
  });

  it('replays several recordings and sums them up', async () => {
    const { out, code } = await vmakit('replay', EDGES, COMPACTOR, '--json');
    expect(code).toBe(EXIT_OK);
    const both = JSON.parse(out) as { checks: unknown; recordings: { recording: { input: string } }[] };
    expect(both.checks).toMatchObject({ endLayouts: { matched: 4, total: 4 } });
    expect(both.recordings.map(({ recording }) => recording.input)).toEqual([EDGES, COMPACTOR]);
  });

  it('shows what relocation would have saved, and writes the report', async () => {
    const report = join(folder, 'report.html');
    const compared = ['--compare', 'none,relocate-anon,auto-relocate', '--force-flag'];
    const { out, code } = await vmakit('replay', COMPACTOR, ...compared, '--report', report);
    expect(code).toBe(EXIT_OK);
    expect(out).toMatch(/VMAs at the end +977 +26 +26\n/);
    expect(out).toMatch(/moves relocated +0 +4,489 +4,488\n/);
    expect(out).toMatch(/folios rewritten +0 +8,688 +8,686\n/);
    // What relocates unasked looks at every page before it begins.
    expect(out).toMatch(/PTEs walked for it +0 +8,688 +17,372\n/);
    expect(readFileSync(report, 'utf8')).toMatch(/^<!doctype html>/);
  });

  it('ends with 1 when a call did something else than recorded, and says where', async () => {
    const copy = join(folder, 'wrong');
    cpSync(EDGES, copy, { recursive: true });
    const text = gunzipSync(readFileSync(join(EDGES, 'strace.txt.gz'))).toString();
    const [recorded = ''] = /^.*\bmunmap\(.*\) = 0$/m.exec(text) ?? [];
    const line = text.slice(0, text.indexOf(recorded)).split('\n').length;
    const wrong = `${recorded.slice(0, -1)}-1 EINVAL (Invalid argument)`;
    writeFileSync(join(copy, 'strace.txt.gz'), gzipSync(text.replace(recorded, wrong)));
    const { out, code } = await vmakit('replay', copy, '--from', 'strace');
    expect(out).toContain(`strace.txt.gz:${line}`);
    expect(out).toContain('EINVAL');
    expect(code).toBe(EXIT_FAILED);
  });

  it('counts lines that it cannot understand and replays the rest', async () => {
    const text = readFileSync(join(ROOT, 'packages/trace/fixtures/go-build.strace.txt'), 'utf8');
    const lines = text.split('\n');
    lines.splice(3, 0, '4711  1795394488.5 mmap(NULL, 40');
    const { out, code } = await vmakit('replay', write('bad-line.strace', lines.join('\n')), '--json');
    expect(code).toBe(EXIT_OK);
    const { recording } = JSON.parse(out) as { recording: { malformed: number; diagnostics: { line: number }[] } };
    expect(recording.malformed).toBe(1);
    expect(recording.diagnostics.map(({ line }) => line)).toEqual([4]);
  });

  it('reads standard input', () => {
    const { stdout, status } = spawnSync(
      process.execPath,
      [
        '--import',
        'tsx',
        '--conditions=@vmakit/source',
        join(ROOT, 'packages/cli/src/bin.ts'),
        'replay',
        '-',
        '--json',
      ],
      { cwd: ROOT, input: readFileSync(join(EDGES, 'strace.txt.gz')), encoding: 'utf8' },
    );
    expect(status).toBe(EXIT_OK);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, recording: { format: 'strace', assumption: 'touched' } });
  });
});

describe('vmakit replay refuses in one sentence', () => {
  const perf = readFileSync(join(COMPACTOR, 'perf.txt.gz'));

  it.each([
    ['an input that is not there', () => ['/nowhere'], 'no such file or directory'],
    ['a file taken for a folder', () => [join(EDGES, 'meta.json/x')], 'a part of the path is not a directory'],
    ['an empty file', () => [write('empty.txt', '')], 'the input is empty'],
    ['a program', () => [process.execPath], 'is a program, not a recording'],
    ['a gzip file that was cut off', () => [write('cut.gz', perf.subarray(0, 20_000))], 'the gzip data ends too early'],
    ['a folder without a recording', () => [mkdirSync(join(folder, 'none/'), { recursive: true })!], 'no recording'],
    ['a folder without that recording', () => [COMPACTOR, '--from', 'strace'], 'no recording of strace'],
    ['a snapshot that is not there', () => [COMPACTOR, '--end-maps', '/nowhere'], '/nowhere: no such file'],
    ['a folder that lacks a snapshot', () => [withoutSnapshot()], '001.11676.exit.maps'],
    ['an unknown policy', () => [COMPACTOR, '--policy', 'nonsense'], 'there is no policy "nonsense"'],
    ['a policy and a comparison', () => [COMPACTOR, '--policy', 'none', '--compare', 'none'], 'exclude each other'],
    ['no workers at all', () => [COMPACTOR, '--jobs', '0'], 'A number, 1 or more'],
    ['maps of a comparison', () => [COMPACTOR, '--compare', 'none', '--write-maps', 'x'], 'one recording under one'],
  ])('%s', async (_what, args, sentence) => {
    const { out, complaint, code } = await vmakit('replay', ...args());
    expect(complaint).toContain(sentence);
    expect(complaint).not.toMatch(/^\s+at /m);
    expect(out).toBe('');
    expect(code).toBe(EXIT_UNUSABLE);
  });

  function withoutSnapshot(): string {
    const copy = join(folder, 'lacking');
    cpSync(COMPACTOR, copy, { recursive: true });
    rmSync(join(copy, 'maps/001.11676.exit.maps.gz'));
    return copy;
  }
});
