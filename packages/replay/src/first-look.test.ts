import { describe, expect, it } from 'vitest';
import { mapped, replayLines } from './testing/recordings.js';

/* Recordings do not name their machine; their addresses do. */

/** A recording of arm64: the heap above 2^47, libraries below 2^48, everything a multiple of the page size. */
function arm64(pageBytes: number): string[] {
  const place = (index: number): string => `0x${(0xffff_8000_0000 + index * 3 * pageBytes).toString(16)}`;
  const maps = Array.from({ length: 20 }, (_, at) => mapped(place(at), pageBytes));
  return ['1 brk(NULL) = 0xaaaae5dcb000', ...maps, `1 munmap(${place(3)}, ${pageBytes}) = 0`];
}

describe('the machine of a recording', () => {
  it.each([
    ['4k', 4096],
    ['16k', 16_384],
    ['64k', 65_536],
  ])('arm64 with pages of %s shows by its addresses', async (name, bytes) => {
    const result = await replayLines(arm64(bytes));
    expect(result).toMatchObject({ ok: true, checks: { results: { matched: 21, total: 21 } }, vmas: { peak: 20 } });
    expect(result.recording.profileNote).toContain(`the addresses are those of arm64-${name}`);
  });

  it('rounds to its own pages', async () => {
    const lines = [...arm64(65_536), mapped('0xffff90000000', 4096), '1 munmap(0xffff90000000, 65536) = 0'];
    expect(await replayLines(lines)).toMatchObject({ ok: true, vmas: { end: 19 } });
  });

  it('is x86-64 otherwise', async () => {
    const { recording } = await replayLines([mapped('0x7ffff7000000', 4096)]);
    expect(recording.profileNote).not.toContain('addresses');
  });
});
