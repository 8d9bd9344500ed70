import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Unavailable, openLiveKernel } from '@vmakit/oracle';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXIT_FAILED, EXIT_UNUSABLE, exitCodeOf } from '../exit-codes.js';
import { createProgram } from '../program.js';

const opened = await openLiveKernel();
const isMissing = opened instanceof Unavailable;
const why = opened instanceof Unavailable ? ` (${opened.reason.replace(/[()]/g, '')})` : '';
if (!(opened instanceof Unavailable)) await opened.close();

const SCENARIOS = fileURLToPath(new URL('../../../oracle/scenarios/found-by-fuzzing.jsonl', import.meta.url));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmakit-live-'));
});

afterEach(async () => {
  process.exitCode = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** Runs the command line; gives what it prints, what it complains about, and its exit code. */
async function vmakit(...args: string[]): Promise<{ out: string; complaint: string; code: unknown }> {
  let out = '';
  let complaint = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    const code = await exitCodeOf(
      () => createProgram().parseAsync(args, { from: 'user' }),
      (text) => (complaint += text),
    );
    return { out, complaint, code: code ?? process.exitCode };
  } finally {
    write.mockRestore();
  }
}

describe.skipIf(isMissing)(`vmakit live${why}`, () => {
  test('fuzz tells how much was compared', { timeout: 60_000 }, async () => {
    const { out, code } = await vmakit(
      'live',
      'fuzz',
      '--operations',
      '3000',
      '--seed',
      '5',
      '--out',
      folder,
      '--json',
    );
    const report = JSON.parse(out) as Record<string, number>;
    expect(report).toMatchObject({ seed: 5, differences: 0 });
    expect(report['operations']).toBeGreaterThanOrEqual(3000);
    expect(code).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  test('fuzz writes what differs as a scenario with both states and as a C program', { timeout: 60_000 }, async () => {
    const other = opened instanceof Unavailable || opened.settings.profile.name === 'v7.3' ? 'v6.18' : 'v7.3';
    const { out, code } = await vmakit('live', 'fuzz', '--profile', other, '--seed', '1', '--out', folder);
    expect(code).toBe(EXIT_FAILED);
    expect(out).toMatch(/After that: .*: live .*, model /);
    const names = (await readdir(folder)).sort();
    expect(names).toEqual([expect.stringMatching(/^live-1-\d+\.c$/), expect.stringMatching(/^live-1-\d+\.jsonl$/)]);
    const [program = '', scenario = ''] = names;
    expect(await readFile(join(folder, program), 'utf8')).toContain('int main(void)');
    const headers = (await readFile(join(folder, scenario), 'utf8'))
      .split('\n')
      .filter((line) => line.includes('"format"'));
    expect(headers.map((line) => (JSON.parse(line) as { name: string }).name.split('/')[1])).toEqual(['live', 'model']);
  });

  test('verify performs scenarios and says what it left out', async () => {
    const { out, code } = await vmakit('live', 'verify', SCENARIOS, '--json');
    expect(JSON.parse(out)).toMatchObject({ differences: 0, interrupted: [] });
    expect(code).toBe(0);
  });

  test('snapshot reads a running process', async () => {
    const { out } = await vmakit('live', 'snapshot', String(process.pid), '--json');
    const { vmas, pairs } = JSON.parse(out) as { vmas: unknown[]; pairs: { certainty: string }[] };
    expect(vmas.length).toBeGreaterThan(10);
    for (const { certainty } of pairs) expect(['known', 'inferred']).toContain(certainty);
  });

  test.each([
    ['a process that is not there', ['live', 'snapshot', '999999999'], 'process 999999999 cannot be looked at'],
    ['a mix that does not exist', ['live', 'fuzz', '--mix', 'nonsense'], '--mix: there is no "nonsense"'],
    ['a file that is not there', ['live', 'verify', '/no/such/file'], '/no/such/file'],
  ])('%s is said in one sentence', async (_, args, sentence) => {
    const { complaint, code } = await vmakit(...args);
    expect(complaint).toContain(sentence);
    expect(complaint).not.toContain('\n');
    expect(code).toBe(EXIT_UNUSABLE);
  });
});
