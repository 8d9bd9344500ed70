import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { replayRecording } from './replay-recording.js';

/* Recordings of real programs on Linux 6.18: the model does what the kernel did, call by call and VMA by VMA. */

const fixtures = fileURLToPath(new URL('../../trace/fixtures', import.meta.url));
const corpus = fileURLToPath(new URL('../../../../shared/traces', import.meta.url));
const traces = existsSync(corpus)
  ? readdirSync(corpus).filter((name) => existsSync(join(corpus, name, 'meta.json')))
  : [];

/** What strace cannot know, as the README of the traces lists it, and what it shows of no recording. */
const UNKNOWABLE_FROM_STRACE = new Set([
  'stack growth',
  'MAP_GROWSDOWN growth',
  'file unlinked later',
  'size of a SysV segment',
  // The recorder's own program, before the first snapshot.
  'memory that an execve mapped',
  'merges that depend on page faults',
]);

async function expectAsRecorded(input: string, prefer: 'perf' | 'strace'): Promise<void> {
  const { checks, divergences, details, unknowable, snapshotsLeft, recording } = await replayRecording({
    input,
    prefer,
  });
  expect({ divergences, details, snapshotsLeft }).toEqual({ divergences: 0, details: [], snapshotsLeft: [] });
  expect(recording).toMatchObject({ format: prefer, malformed: 0, lost: 0 });
  expect(checks.endLayouts.total).toBeGreaterThan(0);
  expect(checks.results.matched).toBe(checks.results.total);
  expect(checks.mmap2.total > 0).toBe(prefer === 'perf');
  const names = Object.keys(unknowable).filter((name) => prefer === 'perf' || !UNKNOWABLE_FROM_STRACE.has(name));
  expect(names).toEqual([]);
}

describe('bundled recordings', () => {
  it.each(['perf', 'strace'] as const)('the corners of the calls, from %s', async (prefer) => {
    await expectAsRecorded(join(fixtures, 'edges'), prefer);
  });

  it('threads and processes that speak before their birth', async () => {
    const result = await replayRecording({ input: join(fixtures, 'go-build.strace.txt') });
    expect(result).toMatchObject({ ok: true, recording: { malformed: 0 } });
    expect(result.checks.results.total).toBeGreaterThan(50);
  });

  it('a program that perf was attached to', async () => {
    const result = await replayRecording({ input: join(fixtures, 'memcached.perf.txt') });
    expect(result).toMatchObject({ ok: true, recording: { malformed: 0 } });
    expect(result.faults).toBeGreaterThan(50);
  });
});

describe.skipIf(traces.length === 0)('the corpus (skipped where ../shared/traces is not there)', () => {
  // perf sees no system call of a 32-bit program.
  it.each(traces.filter((name) => name !== 'hello32'))('%s from perf', { timeout: 60_000 }, async (name) => {
    await expectAsRecorded(join(corpus, name), 'perf');
  });

  it.each(traces)('%s from strace', { timeout: 60_000 }, async (name) => {
    await expectAsRecorded(join(corpus, name), 'strace');
  });

  it('hello32 from perf names what it cannot see, and from its folder is read from strace', async () => {
    const input = join(corpus, 'hello32');
    const fromPerf = await replayRecording({ input, prefer: 'perf' });
    expect(fromPerf.ok).toBe(true);
    expect(Object.keys(fromPerf.unknowable)).toEqual(['system calls of a 32-bit program (perf does not see them)']);
    expect((await replayRecording({ input })).recording.format).toBe('strace');
  });
});
