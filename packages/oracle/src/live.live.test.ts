import { describe, expect, test } from 'vitest';
import type { Operation } from '@vmakit/trace';
import { runCampaign } from './fuzz/campaign.js';
import { openLiveKernel } from './live-kernel.js';
import { recordLive } from './record.js';
import { describeFinding } from './report/describe-finding.js';
import { liveForTests } from './testing/live.js';
import { Unavailable } from './unavailable.js';

const { live, isMissing, why } = await liveForTests();

const FIXED = ['PRIVATE', 'ANONYMOUS', 'FIXED'] as const;
const mmap = (addr: number, len: number, p = 0): Operation => {
  return { op: 'mmap', p, addr, len, prot: 'rw-', flags: FIXED, fd: null, off: 0 };
};
const touch = (addr: number, len: number, value: number, p = 0): Operation => {
  return { op: 'touch', p, addr, len, write: true, stride: 1, value };
};

/** Runs of programs on fixed seeds: a minute or so together, more on a busy machine. */
const CAMPAIGNS = [1, 2, 3].map((seed) => ({ seed, operations: 200_000, seconds: 20 }));

describe.skipIf(isMissing)(`what the live kernel shows${why}`, () => {
  test('mappings, pages with their contents, and the page of a signal', async () => {
    const { steps, visible } = await recordLive(live, [mmap(16, 4), touch(16, 2, 7), touch(19, 3, 8)]);
    expect(steps.map((step) => step.outcome?.err ?? step.outcome?.ret)).toEqual([16, 0, 'SIGSEGV']);
    expect(steps[2]?.outcome?.at).toBe(20);
    const [process] = visible[2] ?? [];
    expect(process?.mappings).toEqual([{ start: 16, end: 20, prot: 'rw-p', file: null, offset: null, flags: 'ac' }]);
    expect(process?.pages.map(({ page, content }) => [page, content])).toEqual([
      [16, 7],
      [17, 7],
      [19, 8],
    ]);
  });

  test('the processes of a fork tree, each by itself, and that a child outlives its parent', async () => {
    const program: Operation[] = [
      mmap(16, 1),
      touch(16, 1, 1),
      { op: 'fork', p: 0, child: 1 },
      { op: 'fork', p: 1, child: 2 },
      touch(16, 1, 2, 2),
      { op: 'exit', p: 1 },
      { op: 'exit', p: 0 },
      touch(16, 1, 3, 2),
    ];
    const { visible } = await recordLive(live, program);
    const contents = visible.map((processes) => processes.map((one) => [one.process, one.pages[0]?.content]));
    expect(contents[4]).toEqual([
      [0, 1],
      [1, 1],
      [2, 2],
    ]);
    expect(contents.at(-1)).toEqual([[2, 3]]);
  });

  test('an address that the kernel chooses is the highest gap of the window', async () => {
    const anywhere: Operation = { ...mmap(0, 3), addr: null, flags: ['PRIVATE', 'ANONYMOUS'] } as Operation;
    const { steps } = await recordLive(live, [anywhere, anywhere]);
    expect(steps.map((step) => step.outcome?.ret)).toEqual([4093, 4090]);
  });
});

describe.skipIf(isMissing)(`random programs on both sides${why}`, () => {
  test.each(CAMPAIGNS)(
    'seed $seed shows no difference',
    { timeout: 180_000 },
    async ({ seed, operations, seconds }) => {
      const report = await runCampaign({ differential: live.differential, seed, operations, seconds });
      const told = await Promise.all(report.findings.map((finding) => describeFinding(live, finding)));
      expect(told.map(({ text }) => text)).toEqual([]);
      expect(report.operations).toBeGreaterThan(1000);
    },
  );

  test('a model of another kernel is told apart, by a program of a few operations', { timeout: 60_000 }, async () => {
    const other = live.model.options.profile === 'v7.3' ? 'v6.18' : 'v7.3';
    const wrong = await openLiveKernel({ profile: other });
    if (wrong instanceof Unavailable) throw new Error(wrong.reason);
    try {
      const { findings } = await runCampaign({ differential: wrong.differential, seed: 1, seconds: 50 });
      expect(findings.length).toBe(1);
      expect(findings[0]?.shrunk.length).toBeLessThan(10);
      const again = await runCampaign({ differential: wrong.differential, seed: 1, seconds: 50 });
      expect(again.findings[0]?.shrunk).toEqual(findings[0]?.shrunk);
    } finally {
      await wrong.close();
    }
  });
});
