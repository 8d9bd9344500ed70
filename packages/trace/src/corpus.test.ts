import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from './events.js';
import { openTraceFolder } from './folder/trace-folder.js';
import type { TraceFolder } from './folder/trace-folder.js';
import type { TraceCounts } from './folder/meta.js';
import type { Recording } from './recording.js';

/* Every line of real recordings is understood, and the counts are those that the recorder wrote down. */

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
const corpus = fileURLToPath(new URL('../../../../shared/traces', import.meta.url));
const traces = existsSync(corpus)
  ? readdirSync(corpus).filter((name) => existsSync(join(corpus, name, 'meta.json')))
  : [];

type Counts = Record<string, number>;

function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

async function eachEvent(recording: Recording, visit: (event: RecordedEvent) => void): Promise<void> {
  for await (const batch of recording) batch.forEach(visit);
}

/** Names that `meta.json` uses for the events of perf. */
function perfNames(event: RecordedEvent): string[] {
  switch (event.kind) {
    case 'page-fault':
      return [
        event.user ? 'fault_user' : 'fault_kernel',
        ...(event.write ? ['fault_write'] : event.fetch ? ['fault_exec'] : ['fault_read']),
        ...(event.present ? ['fault_protection'] : []),
      ];
    case 'syscall-start':
      return ['syscall_enter'];
    case 'mmap2':
      return ['mmap2_record'];
    case 'fork-record':
      return ['fork_record'];
    default:
      return [event.kind];
  }
}

async function checkPerf(folder: TraceFolder, expected: TraceCounts): Promise<void> {
  const recording = await folder.open('perf');
  const counts: Counts = {};
  const births = new Set<number>();
  await eachEvent(recording, (event) => {
    for (const name of perfNames(event)) count(counts, name);
    if (event.kind === 'birth') births.add(event.tid);
  });
  expect(recording.format).toBe('perf');
  expect(recording.report.diagnostics).toEqual([]);
  expect(recording.report).toMatchObject({ malformed: 0, lines: expected.perfLines, unpaired: 0, lost: 0 });
  expect(births.size).toBe(counts['fork_record'] ?? 0);
  // The recorder counts the kernel's own mapping among the records.
  const kernelRecords = folder.meta?.attached === true ? 1 : 0;
  const mapped = (counts['mmap2_record'] ?? 0) + kernelRecords;
  expect({ ...counts, mmap2_record: mapped }).toMatchObject(expected.perf);
}

async function checkStrace(folder: TraceFolder, expected: TraceCounts): Promise<void> {
  const recording = await folder.open('strace');
  const syscalls: Counts = {};
  const failed: Counts = {};
  const processes = new Set<number>();
  await eachEvent(recording, (event) => {
    processes.add(event.pid);
    // The recorder counts the processes that it took a snapshot of: one that is killed has none.
    if (event.kind === 'exit' && event.signal !== null) processes.delete(event.pid);
    if (event.kind !== 'syscall') return;
    count(syscalls, event.name);
    const isMemoryCall = !['execve', 'prctl', 'arch_prctl'].includes(event.call);
    if (event.errno !== null && isMemoryCall) count(failed, `${event.name} ${event.errno}`);
  });
  expect(recording).toMatchObject({ format: 'strace', clock: 'realtime' });
  expect(recording.report.diagnostics).toEqual([]);
  expect(recording.report).toMatchObject({ malformed: 0, ignored: 0, lines: expected.straceLines, unpaired: 0 });
  expect(syscalls).toEqual(expected.syscalls);
  expect(failed).toEqual(expected.failed);
  expect(processes.size).toBe(expected.processes);
}

async function check(path: string): Promise<void> {
  const folder = await openTraceFolder(path);
  const expected = folder.meta?.events as TraceCounts;
  await checkStrace(folder, expected);
  await checkPerf(folder, expected);
  for (const snapshot of folder.snapshots) {
    const entries = await snapshot.readEntries();
    expect(entries.length, snapshot.file).toBe(snapshot.vmas);
  }
}

it('the bundled recording is understood to the last line', async () => {
  await check(join(fixtures, 'edges'));
});

describe('the recordings of the corpus are understood to the last line', () => {
  it('are there to be read', ({ skip }) => {
    skip(traces.length === 0, '../shared/traces is not there');
    expect(traces.length).toBeGreaterThan(0);
  });

  it.each(traces)('%s', { timeout: 60_000 }, async (name) => {
    await check(join(corpus, name));
  });
});
