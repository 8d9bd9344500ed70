import { describe, expect, it } from 'vitest';
import { VM_SHADOW_STACK } from '@vmakit/base';
import { archByName } from '@vmakit/pagetable';
import type { Mm } from '../mm.js';
import { makeMm, map, outcome, prot } from '../testing/mm-world.js';
import { MAP_32BIT, MAP_ANONYMOUS, MAP_FIXED, MAP_GROWSDOWN, MAP_PRIVATE, MAP_SHARED } from './abi.js';
import { makeFile } from './files.js';
import { mmap } from './mmap.js';
import { getUnmappedArea } from './placement.js';

const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const TOP = 10_000_000;

/** An address space whose search from the top begins at page {@link TOP}, which is not a multiple of 512. */
function topDown(): Mm {
  return makeMm({ layout: { mmapBase: TOP, unmappedBase: 1000 } });
}

function place(mm: Mm, pages: number, hint = 0, flags = ANON): string {
  return outcome(mmap(mm, { start: hint, pages, prot: prot('rw-'), flags }));
}

describe('get_unmapped_area on x86-64 (spec 01.8)', () => {
  it('takes the highest gap that fits', () => {
    const mm = topDown();
    expect(place(mm, 4)).toBe(String(TOP - 4));
    map(mm, TOP - 20, 4);
    expect(place(mm, 12)).toBe(String(TOP - 16));
    expect(place(mm, 1)).toBe(String(TOP - 21));
  });

  it('takes a hint that is free, else searches', () => {
    const mm = topDown();
    map(mm, 5000, 8);
    expect(place(mm, 8, 4992)).toBe('4992');
    expect(place(mm, 8, 5004)).toBe(String(TOP - 8));
    expect(place(mm, 8, 2)).toBe('2');
  });

  it('a hint below mmap_min_addr is raised to it', () => {
    const mm = makeMm({ settings: { mmapMinPage: 16 } });
    expect(place(mm, 4, 3)).toBe('16');
    expect(outcome(mmap(mm, { start: 3, pages: 1, prot: 0, flags: ANON | MAP_FIXED }))).toBe('EPERM');
  });

  it('aligns anonymous memory in multiples of 2 MiB, files of at least that, but not shared memory', () => {
    const mm = topDown();
    expect(Number(place(mm, 1024)) % 512).toBe(0);
    expect(Number(place(mm, 1536)) % 512).toBe(0);
    expect(Number(place(mm, 768)) % 512).not.toBe(0);
    expect(Number(place(topDown(), 1024, 0, MAP_SHARED | MAP_ANONYMOUS))).toBe(TOP - 1024);
    const file = makeFile(mm.env, 'regular', 4096, '/file');
    const start = getUnmappedArea(mm, 0, false, 1100, 10, file, MAP_PRIVATE, 0);
    expect((Number(start) - 10) % 512).toBe(0);
  });

  it('an aligned search that lands right moves one huge page up: it had asked for that much more', () => {
    const mm = makeMm({ layout: { mmapBase: 512 * 1000 } });
    expect(place(mm, 512)).toBe(String(512 * 999));
  });

  it('falls back to the plain search when the padded one finds nothing', () => {
    const mm = makeMm({ layout: { mmapBase: 1000, unmappedBase: 1000, taskSize: 1000 } });
    map(mm, 1, 380);
    expect(place(mm, 512)).toBe('488');
  });

  it('stays clear of the guard gap of a stack', () => {
    const mm = topDown();
    map(mm, TOP - 8, 8, 'rw-', MAP_GROWSDOWN);
    expect(place(mm, 4)).toBe(String(TOP - 8 - 256 - 4));
    expect(place(mm, 4, TOP - 12)).toBe(String(TOP - 8 - 256 - 8));
  });

  it('leaves a page below a shadow stack', () => {
    const mm = topDown();
    map(mm, TOP - 8, 8);
    map(mm, TOP - 16, 4);
    expect(getUnmappedArea(mm, 0, false, 4, 0, null, ANON, VM_SHADOW_STACK)).toBe(TOP - 20);
    expect(getUnmappedArea(mm, 0, false, 3, 0, null, ANON, VM_SHADOW_STACK)).toBe(TOP - 11);
  });

  it('32BIT is placed from 1 GiB up to 2 GiB', () => {
    const mm = topDown();
    expect(place(mm, 4, 0, ANON | MAP_32BIT)).toBe(String(2 ** 18));
    expect(place(mm, 2 ** 18 - 3, 0, ANON | MAP_32BIT)).toBe('ENOMEM');
  });

  it('bottom-up when the layout says so, or when there is no room below the base', () => {
    const legacy = makeMm({ layout: { topDown: false, unmappedBase: 1000 } });
    expect(place(legacy, 4)).toBe('1000');
    const full = makeMm({ layout: { mmapBase: 100, unmappedBase: 1000 } });
    expect(place(full, 200)).toBe('1000');
  });

  it('refuses what is longer than the address space or ends above it', () => {
    const mm = topDown();
    expect(outcome(getUnmappedArea(mm, 0, false, 2 ** 35, 0, null, ANON, 0))).toBe('ENOMEM');
    expect(outcome(getUnmappedArea(mm, 2 ** 35 - 2, false, 2, 0, null, ANON | MAP_FIXED, 0))).toBe('ENOMEM');
  });
});

describe('five levels: addresses above 2^47 on request only', () => {
  it('a hint above the window opens the rest', () => {
    const mm = makeMm({ arch: archByName('x86-64-la57') });
    const high = 2 ** 40;
    expect(Number(place(mm, 4))).toBeLessThan(2 ** 35);
    expect(place(mm, 4, high)).toBe(String(high));
    expect(Number(place(mm, 4, high + 1))).toBeGreaterThan(2 ** 35);
    // Across the border is no place for a hint.
    expect(Number(place(mm, 4, 2 ** 35 - 2))).toBeLessThan(2 ** 35 - 2);
  });
});

describe('get_unmapped_area of the other architectures', () => {
  it('arm64: a hint must lie above mmap_min_addr and inside the window', () => {
    const mm = makeMm({ arch: archByName('arm64-4k'), layout: { mmapBase: TOP } });
    expect(place(mm, 4, 5000)).toBe('5000');
    expect(place(mm, 4)).toBe(String(TOP - 4));
    expect(place(mm, 4, 2 ** 36 - 2)).toBe(String(TOP - 8));
  });
});

describe('the window of recorded scenarios', () => {
  it('everything outside counts as taken', () => {
    const mm = makeMm({ layout: { window: { start: 2 ** 20, end: 2 ** 20 + 64 } } });
    expect(place(mm, 4)).toBe(String(2 ** 20 + 60));
    expect(place(mm, 4, 2 ** 20 + 8)).toBe(String(2 ** 20 + 8));
    expect(place(mm, 4, 5000)).toBe(String(2 ** 20 + 56));
    expect(place(mm, 50)).toBe('ENOMEM');
  });
});
