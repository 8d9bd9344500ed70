import { afterAll, describe, expect, it } from 'vitest';
import { compareRecording } from './compare.js';
import { policiesByName } from './policies.js';
import {
  anonymousRecord,
  perfCall,
  perfExecHello,
  writeFault,
  HELLO_MAPS,
  TestFiles,
  anonymous,
  execHello,
  helloMaps,
  inPieces,
  mapped,
  replayLines,
} from './testing/recordings.js';

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);

const A = '0x7ffff7000000';
const MOVE = `1 mremap(0x7ffff7002000, 8192, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff6ffe000) = 0x7ffff6ffe000`;
/** Touched memory of which the second half moves before the first: on the stock kernel the two stay two. */
const SHIFT = [execHello(), mapped(A, 16384), MOVE];
const endMaps = files.write(
  'end.maps',
  helloMaps(anonymous('7ffff6ffe000-7ffff7000000'), anonymous('7ffff7000000-7ffff7002000')),
);

describe('a recording under a policy', () => {
  it('does what the program asked for: without the flag nothing changes', async () => {
    const result = await replayLines(SHIFT, { startMaps, endMaps, policy: 'relocate-anon' });
    expect(result).toMatchObject({ ok: true, policy: 'relocate-anon', whatIf: true, vmas: { end: 7 } });
    expect(result.activity).toMatchObject({ relocations: 0 });
    expect(result.layouts).toMatchObject([{ matched: true, mergedFurther: false }]);
  });

  it('asks in its place with forceFlag; what merges further than recorded is no difference', async () => {
    const result = await replayLines(SHIFT, { startMaps, endMaps, policy: 'relocate-anon', forceFlag: true });
    expect(result).toMatchObject({ ok: true, vmas: { end: 6 }, checks: { endLayouts: { matched: 1, total: 1 } } });
    expect(result.activity).toMatchObject({ relocations: 1, undone: 0, foliosRewritten: 2 });
    expect(result.unmerged.map(({ rule }) => rule)).not.toContain('page-offset');
  });

  it('needs no flag under auto-relocate', async () => {
    const result = await replayLines(SHIFT, { startMaps, policy: 'auto-relocate' });
    expect(result).toMatchObject({ ok: true, vmas: { end: 6 }, activity: { relocations: 1 } });
  });

  it('is told apart from differences in records and layouts of perf', async () => {
    const anon = 'len: 0x00004000, prot: 0x00000003, flags: 0x00000022, fd: 0xffffffff, off: 0x00000000';
    const move = 'old_len: 0x00002000, new_len: 0x00002000, flags: 0x00000003, new_addr: 0x7ffff6ffe000';
    const lines = [
      ...perfExecHello(),
      ...perfCall('mmap', `addr: 0x00000000, ${anon}`, A),
      writeFault(A),
      writeFault('0x7ffff7002000'),
      ...perfCall('mremap', `addr: 0x7ffff7002000, ${move}`, '0x7ffff6ffe000'),
      ...perfCall('mprotect', `start: ${A}, len: 0x00002000, prot: 0x00000003`, '0x0', [anonymousRecord(A, '0x2000')]),
    ];
    const stock = await replayLines(lines, { endMaps });
    expect(stock).toMatchObject({ ok: true, checks: { mmap2: { matched: 1, total: 1 } }, vmas: { end: 7 } });
    const policy = await replayLines(lines, { endMaps, policy: 'relocate-anon', forceFlag: true });
    expect(policy).toMatchObject({ ok: true, checks: { mmap2: { matched: 1, total: 1 } }, vmas: { end: 6 } });
    expect(policy.layouts).toMatchObject([{ matched: true, mergedFurther: true, differences: [] }]);
  });

  it('relocates memory that comes back once more: it merges with the rest, as recorded', async () => {
    const back = '1 mremap(0x7ffff6ffe000, 8192, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff7002000) = 0x7ffff7002000';
    const result = await replayLines([...SHIFT, back], { startMaps, policy: 'auto-relocate' });
    expect(result).toMatchObject({ ok: true, vmas: { end: 6 } });
  });

  it('says how often a move was taken or passed over, and why', async () => {
    const untouched = { startMaps, assume: 'untouched', policy: 'relocate-anon', forceFlag: true } as const;
    const result = await replayLines(SHIFT, untouched);
    expect(result.activity?.verdicts).toEqual([
      { policy: 'relocate-anon', decision: 'pass', reason: 'untouched: it has no offset to keep', count: 1 },
    ]);
  });

  it('must still be as recorded otherwise', async () => {
    const other = files.write('other.maps', helloMaps(anonymous('7ffff6ffe000-7ffff7001000')));
    const result = await replayLines(SHIFT, { startMaps, endMaps: other, policy: 'relocate-anon', forceFlag: true });
    expect(result).toMatchObject({ ok: false, checks: { endLayouts: { matched: 0, total: 1 } } });
  });

  it('has a name that is known', () => {
    expect(policiesByName('relocate-anon:v1+auto-relocate')).toMatchObject({ name: 'relocate-anon:v1+auto-relocate' });
    expect(policiesByName('none')).toEqual({ name: 'none', policies: [], flag: 0 });
    expect(() => policiesByName('relocate')).toThrow(/there is no policy "relocate"; there are none, relocate-anon, /);
  });
});

describe('a comparison', () => {
  it('reads the recording once and puts the runs side by side, the first to compare with', async () => {
    const request = { input: inPieces(SHIFT), name: 'shift', startMaps, forceFlag: true };
    const { file, runs, pictures } = await compareRecording({ ...request, policies: ['none', 'relocate-anon'] });
    expect(file).toBe('shift');
    expect(runs).toMatchObject([
      { policy: 'none', vmasEnd: 7, mergesGained: 0, relocations: 0, objectsSaved: 0, bytesSaved: 0 },
      { policy: 'relocate-anon', vmasEnd: 6, mergesGained: 1, relocations: 1, foliosRewritten: 2 },
    ]);
    expect(runs[1]?.objectsSaved).toBeGreaterThan(0);
    expect(pictures).toEqual([[], []]);
  });

  it('needs a policy', async () => {
    const request = { input: inPieces(SHIFT), policies: [] };
    await expect(compareRecording(request)).rejects.toThrow('policies: name at least one');
  });
});

describe('the limit of mappings', () => {
  const failed =
    '1 mremap(0x7ffff7001000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff5000000) = -1 ENOMEM (Cannot)';
  // mremap wants room for six more VMAs (spec 01.9): with six it may move, with seven it may not.
  const atLimit = [...SHIFT, failed];

  it('refuses as the recorded kernel did', async () => {
    const result = await replayLines(atLimit, { startMaps, maxMapCount: 12 });
    expect(result).toMatchObject({ ok: true, maxMapCount: 12, callsSaved: 0, checks: { results: { matched: 3 } } });
  });

  it('does not when a policy has kept the number of VMAs below it: the call is saved', async () => {
    const result = await replayLines(atLimit, { startMaps, maxMapCount: 12, policy: 'relocate-anon', forceFlag: true });
    expect(result).toMatchObject({ ok: true, callsSaved: 1, divergences: 0 });
  });

  it('was not the reason where the process cannot have come near it', async () => {
    const huge = '1 mmap(NULL, 2097152, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB, -1, 0) = -1 ENOMEM (Cannot)';
    const result = await replayLines([execHello(), huge], { startMaps, policy: 'auto-relocate' });
    expect(result).toMatchObject({ ok: true, callsSaved: 0, vmas: { end: 5 } });
    expect(result.unknowable).toEqual({ 'limits of the process': 1 });
  });

  it('set lower than recorded is a question of its own: what fails then is a divergence', async () => {
    const result = await replayLines(SHIFT, { startMaps, maxMapCount: 6 });
    expect(result).toMatchObject({ ok: false, whatIf: true, divergences: 1 });
    expect(result.details[0]?.model).toMatch(/^ENOMEM/);
  });
});
