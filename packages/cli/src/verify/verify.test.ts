import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_FAILED, EXIT_OK, EXIT_UNUSABLE } from '../exit-codes.js';
import { ROOT, vmakit } from '../testing/vmakit.js';

const SUBSET = join(ROOT, 'packages/verify/fixtures/golden-subset.jsonl.gz');
const WORDS = join(ROOT, 'packages/verify/fixtures/golden-words-subset.jsonl.gz');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmakit-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of the test's own folder. */
function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The first scenario of the bundled ones, as lines. */
function firstScenario(): string[] {
  const lines = gunzipSync(readFileSync(SUBSET)).toString().split('\n');
  const next = lines.findIndex((line, i) => i > 0 && line.includes('"format"'));
  return lines.slice(0, next);
}

/** That scenario with another answer to its first mmap: one that no kernel gives. */
function wrongScenario(): string {
  const [header, first, ...rest] = firstScenario();
  return [header, (first as string).replace(/"ret":\d+/, '"ret":77'), ...rest].join('\n');
}

describe('vmakit verify', () => {
  it('runs scenarios and words, and says how many passed', async () => {
    const { out, complaint, code } = await vmakit('verify', SUBSET, WORDS, '--jobs', '1', '--filter', 'relocate/');
    expect(complaint).toBe('');
    expect(out).toMatch(/^\d+ passed, 0 failed\n$/);
    expect(code).toBe(EXIT_OK);
  });

  it('shows what differs as a picture, with the rule behind it, and fails', async () => {
    const file = write('wrong.jsonl', wrongScenario());
    const { out, code } = await vmakit('verify', file, '--jobs', '1');
    expect(code).toBe(EXIT_FAILED);
    expect(out).toContain('wrong.jsonl:2, operation 1');
    expect(out).toMatch(/expected .*77/);
    expect(out).toContain('0 passed, 1 failed');
  });

  it('groups failures with --summary', async () => {
    const file = write('summary.jsonl', `${wrongScenario()}\n${wrongScenario()}`);
    const { out, code } = await vmakit('verify', file, '--jobs', '1', '--summary');
    expect(code).toBe(EXIT_FAILED);
    expect(out).toMatch(/ {4}2 {2}mmap {2}ret/);
  });

  it('gives one object with --json', async () => {
    const good = await vmakit('verify', SUBSET, '--jobs', '1', '--filter', 'args/', '--check', '--json');
    const { passed, failed, operations, failures, knownViolations } = JSON.parse(good.out);
    expect({ failed, failures, knownViolations }).toEqual({ failed: 0, failures: [], knownViolations: {} });
    expect(operations).toBeGreaterThan(passed);
    const bad = await vmakit('verify', write('json.jsonl', wrongScenario()), '--jobs', '1', '--json');
    expect(bad.code).toBe(EXIT_FAILED);
    expect(JSON.parse(bad.out).failures[0]).toMatchObject({
      line: 2,
      kind: 'difference',
      operation: { index: 0, op: 'mmap' },
      difference: { field: 'ret', expected: 77 },
    });
  });

  it('prints each operation with the state after it with --steps', async () => {
    const { out, code } = await vmakit('verify', SUBSET, '--filter', 'args/new-len-bytes', '--steps');
    expect(code).toBe(EXIT_OK);
    expect(out).toContain('process 0: mmap addr 16, len 8');
    expect(out).toContain('16-24 rw-p off 16 unfaulted ac sd');
  });

  it('makes every point fail with --inject', async () => {
    const { out, code } = await vmakit('verify', SUBSET, '--jobs', '1', '--inject', '--filter', 'args/new-len-bytes');
    expect(code).toBe(EXIT_OK);
    expect(out).toMatch(/^ +vma-alloc +[1-9]/m);
    expect(out).toMatch(/^[1-9]\d* passed, 0 failed$/m);
  });

  it('shows the known bugs of the series with --bugs, without any file', async () => {
    const { out, code } = await vmakit('verify', '--bugs', 'v1');
    expect(code).toBe(EXIT_OK);
    expect(out).toMatch(/A4 +undoAfterMove +known-bugs\/tables-fail +4 +move-step 2 +S4\.8/);
    expect(out).toContain('Not to be seen');
    expect(out).not.toContain('not shown');
    const { bugs } = JSON.parse((await vmakit('verify', '--bugs', 'rfc-v2', '--json')).out);
    expect(bugs.find(({ id }: { readonly id: string }) => id === 'R6').sighting.breaks).toEqual(['C1']);
  });
});

describe('what vmakit verify does not take', () => {
  it.each([
    ['no file', [], 'expected a file'],
    ['an unknown architecture', [SUBSET, '--arch', 'vax'], 'vax'],
    ['a wrong number of jobs', [SUBSET, '--jobs', '0'], 'A number from 1 to 256.'],
    ['an unknown variant', [SUBSET, '--bugs', 'v9'], 'rfc-v2'],
  ])('%s', async (_what, args, said) => {
    const { complaint, code } = await vmakit('verify', ...args);
    expect(complaint).toContain(said);
    expect(code).toBe(EXIT_UNUSABLE);
  });

  it.each([
    ['a file that is not there', () => join(folder, 'nowhere'), 'nowhere'],
    ['an empty file', () => write('empty.jsonl', ''), 'empty.jsonl'],
    ['text', () => write('text.jsonl', 'hello\n'), 'text.jsonl:1'],
    ['an operation without a header', () => write('headless.jsonl', '{"op":"exit","p":0}\n'), 'headless.jsonl:1'],
    [
      'an unknown operation',
      () => write('unknown.jsonl', `${firstScenario()[0]}\n{"op":"dance","p":0,"ret":0,"state":"same"}\n`),
      'unknown.jsonl:2: unknown operation "dance"',
    ],
  ])('%s: says the file, the line and what was expected', async (_what, file, said) => {
    const { complaint, code } = await vmakit('verify', file(), '--jobs', '1');
    expect(complaint).toContain(said);
    expect(complaint).not.toContain('    at ');
    expect(code).toBe(EXIT_UNUSABLE);
  });
});
