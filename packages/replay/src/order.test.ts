import { afterAll, describe, expect, it } from 'vitest';
import { HELLO_MAPS, TestFiles, execHello, mapped, replayLines } from './testing/recordings.js';

/*
 * Recordings tell when calls complete, which need not be the order of their effects: what one thread is about to give
 * back, another may get before the first one's completion is printed (traces/README.md section 1, pitfall 16).
 */

const files = new TestFiles();
afterAll(() => files.remove());
const startMaps = files.write('start.maps', HELLO_MAPS);

const A = '0x7ffff7000000';
const THREADS = [
  execHello(),
  '1 clone(child_stack=0x7ffff0000000, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 2',
  '1 clone(child_stack=0x7fffef000000, flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND) = 3',
  mapped(A, 16384),
];

async function replay(...lines: string[]): Promise<{ ok: boolean; end: number; details: readonly unknown[] }> {
  const { ok, vmas, details } = await replayLines([...THREADS, ...lines], { startMaps });
  return { ok, end: vmas.end, details };
}

describe('calls of several threads', () => {
  it('memory that a munmap under way gives back may be mapped anew', async () => {
    expect(
      await replay(
        '1 munmap(0x7ffff7000000, 16384 <unfinished ...>',
        mapped(A, 8192, 2),
        '1 <... munmap resumed>) = 0',
      ),
    ).toEqual({ ok: true, end: 6, details: [] });
  });

  it('memory that an mremap under way moves away may be mapped anew: what got it waits for the move', async () => {
    expect(
      await replay(
        `1 mremap(${A}, 16384, 32768, MREMAP_MAYMOVE <unfinished ...>`,
        mapped(A, 16384, 2),
        '1 <... mremap resumed>) = 0x7ffff6000000',
      ),
    ).toEqual({ ok: true, end: 7, details: [] });
  });

  it('several may wait for each other in a row', async () => {
    expect(
      await replay(
        mapped('0x7ffff5000000', 16384),
        `1 mremap(${A}, 16384, 32768, MREMAP_MAYMOVE <unfinished ...>`,
        '2 mremap(0x7ffff5000000, 16384, 16384, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7ffff8000000 <unfinished ...>',
        mapped('0x7ffff5000000', 4096, 3),
        mapped(A, 16384, 3),
        '2 <... mremap resumed>) = 0x7ffff8000000',
        '1 <... mremap resumed>) = 0x7ffff6000000',
      ),
    ).toEqual({ ok: true, end: 9, details: [] });
  });

  it('a move that could have grown in place had something in its way that has gone since', async () => {
    expect(
      await replay(
        `1 mremap(${A}, 16384, 32768, MREMAP_MAYMOVE <unfinished ...>`,
        mapped('0x7ffff4000000', 4096, 2),
        '1 <... mremap resumed>) = 0x7ffff6000000',
      ),
    ).toEqual({ ok: true, end: 7, details: [] });
  });

  it('without another thread the same is a divergence', async () => {
    const alone = [execHello(), mapped(A, 16384), `1 mremap(${A}, 16384, 32768, MREMAP_MAYMOVE) = 0x7ffff6000000`];
    const { ok, details } = await replayLines(alone, { startMaps });
    expect(ok).toBe(false);
    expect(details).toMatchObject([{ recorded: '0x7ffff6000000', model: A }]);
  });

  it('a call that never completes does not hold the others up', async () => {
    const { ok, details } = await replay(
      mapped('0x7ffff3000000', 4096, 3),
      `1 mremap(${A}, 16384, 32768, MREMAP_MAYMOVE <unfinished ...>`,
      mapped(A, 4096, 2),
      mapped('0x7ffff2000000', 4096, 3),
    );
    expect(ok).toBe(false);
    expect(details).toMatchObject([{ recorded: 'free memory at 0x7ffff7000000-0x7ffff7001000' }]);
  });

  it('a fork among calls of other threads has copied nobody knows which of them (strace)', async () => {
    const lines = [
      ...THREADS,
      mapped('0x7ffff3000000', 4096, 3),
      `2 munmap(${A}, 8192 <unfinished ...>`,
      '1 fork( <unfinished ...>',
      '2 <... munmap resumed>) = 0',
      '1 <... fork resumed>) = 9',
      `9 mprotect(${A}, 4096, PROT_READ) = 0`,
      `9 munmap(${A}, 16384) = 0`,
    ];
    const { ok, unknowable } = await replayLines(lines, { startMaps });
    expect({ ok, unknowable }).toEqual({
      ok: true,
      unknowable: { 'the moment of a fork among calls of other threads': 1 },
    });
  });
});
