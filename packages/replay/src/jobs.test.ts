import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type JobOutcome, type ReplayJob, runJob } from './job.js';
import { defaultWorkers, runJobs } from './run-jobs.js';
import { HELLO_MAPS, TestFiles, execHello, mapped } from './testing/recordings.js';

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);
const A = '0x7ffff7000000';
const one = files.write('one', [execHello(), mapped(A, 8192)]);
const two = files.write('two', [execHello(), mapped(A, 8192), `1 munmap(${A}, 8192) = 0`]);
const JOBS: readonly ReplayJob[] = [
  { input: one, startMaps },
  { input: join(files.root, 'nowhere') },
  { input: two, startMaps, compare: ['none', 'auto-relocate'] },
  { input: two, startMaps, pictures: true },
];

async function outcomes(workers: number): Promise<JobOutcome[]> {
  const all: JobOutcome[] = [];
  for await (const outcome of runJobs(JOBS, workers)) all.push(outcome);
  return all;
}

describe('jobs', () => {
  it('are replays, comparisons, or inputs that cannot be read', async () => {
    expect(await outcomes(1)).toMatchObject([
      { kind: 'replayed', result: { ok: true, vmas: { end: 6 } }, pictures: [] },
      { kind: 'unreadable', input: JOBS[1]?.input, message: `${JOBS[1]?.input}: no such file or directory` },
      { kind: 'compared', comparison: { runs: [{ policy: 'none' }, { policy: 'auto-relocate' }] } },
      { kind: 'replayed', pictures: [{ pid: 1, program: '/bin/hello' }] },
    ]);
  });

  it('come in their order, whatever is done at the same time', async () => {
    expect(await outcomes(2)).toEqual(await outcomes(1));
  });

  it('tell how much is read', async () => {
    const read: number[] = [];
    await runJob({ input: one }, (bytes) => read.push(bytes));
    expect(read.at(-1)).toBe(Buffer.byteLength([execHello(), mapped(A, 8192), ''].join('\n')));
  });

  it('have a worker for each core, and none to spare', () => {
    expect(defaultWorkers(1)).toBe(1);
    expect(defaultWorkers(0)).toBe(1);
    expect(defaultWorkers(10_000)).toBeGreaterThanOrEqual(1);
  });

  const built = fileURLToPath(new URL('../dist/worker.js', import.meta.url));
  it.skipIf(!existsSync(built))('give the same from threads, which run what is built', { timeout: 60_000 }, () => {
    const script = files.write('run.mjs', [
      `import { runJobs } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};`,
      'const [workers, jobs] = JSON.parse(process.argv[2]);',
      'const all = [];',
      'for await (const outcome of runJobs(jobs, workers, () => {})) all.push(outcome);',
      'console.log(JSON.stringify(all));',
    ]);
    const run = (workers: number): string => {
      return execFileSync(process.execPath, [script, JSON.stringify([workers, JOBS])], { encoding: 'utf8' });
    };
    const alone = run(1);
    expect(JSON.parse(alone)).toHaveLength(JOBS.length);
    expect(run(2)).toBe(alone);
  });
});
