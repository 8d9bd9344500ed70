import { describe, expect, it } from 'vitest';
import { MmError, VM_SEALED, withFlags } from '@vmakit/base';
import { failOnce, makeMm, map, outcome, picture, write } from '../testing/mm-world.js';
import { munmap, munmapBytes } from './munmap.js';

describe('munmap (spec 01.4)', () => {
  it('makes a hole: the lower part is the new VMA', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    const original = mm.tree.at(16);
    expect(munmap(mm, 18, 2)).toBe(0);
    expect(picture(mm)).toBe('16-18 rw-p ac\n20-24 rw-p ac');
    expect([mm.mapCount, mm.totalVm, mm.dataVm, mm.env.committed]).toEqual([2, 6, 6, 6]);
    expect(original?.attached).toBe(false);
  });

  it('takes several VMAs and what lies between, cut at both ends', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 24, 4, 'r--');
    map(mm, 32, 4, 'r-x');
    expect(munmap(mm, 18, 16)).toBe(0);
    expect(picture(mm)).toBe('16-18 rw-p ac\n34-36 r-xp');
    expect([mm.totalVm, mm.execVm, mm.dataVm, mm.env.committed]).toEqual([4, 2, 2, 2]);
  });

  it('succeeds where nothing is mapped', () => {
    expect(munmap(makeMm(), 100, 4)).toBe(0);
  });

  it('refuses what is no range of pages below the top', () => {
    const mm = makeMm();
    expect(outcome(munmapBytes(mm, 65537, 4096))).toBe('EINVAL');
    expect(outcome(munmapBytes(mm, 65536, 0))).toBe('EINVAL');
    expect(outcome(munmapBytes(mm, 0xffff_ffff_ff60_0000n, 4096))).toBe('EINVAL');
    expect(outcome(munmapBytes(mm, 65536, 2n ** 64n - 1n))).toBe('EINVAL');
    expect(munmapBytes(mm, 65536, 1)).toBe(0);
  });

  it('tests the map count for a hole inside one VMA only', () => {
    const mm = makeMm({ settings: { maxMapCount: 3 } });
    map(mm, 16, 8);
    map(mm, 32, 8);
    map(mm, 48, 8);
    expect(outcome(munmap(mm, 18, 2))).toBe('ENOMEM');
    expect(munmap(mm, 16, 2)).toBe(0);
    expect(munmap(mm, 20, 16)).toBe(0);
    expect(picture(mm)).toBe('18-20 rw-p ac\n36-40 rw-p ac\n48-56 rw-p ac');
  });

  it('leaves everything but splits when one of the VMAs is sealed', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    map(mm, 20, 4, 'r--');
    const sealed = mm.tree.at(20);
    if (sealed !== null) sealed.flags = withFlags(sealed.flags, VM_SEALED);
    expect(outcome(munmap(mm, 18, 6))).toBe('EPERM');
    expect(picture(mm)).toBe('16-18 rw-p ac\n18-20 rw-p ac\n20-24 r--p sl');
    expect(mm.totalVm).toBe(8);
  });

  it('cuts the VMA off from its anon_vma, which dies with its last VMA', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    write(mm, 16, 4);
    munmap(mm, 16, 2);
    expect(mm.env.anonVmas.liveCount).toBe(1);
    munmap(mm, 18, 2);
    expect(mm.env.anonVmas.liveCount).toBe(0);
    expect(mm.rssAnon).toBe(0);
  });

  it.each(['vma-alloc', 'vma-tree-node', 'anon-vma-chain-alloc', 'unmap-tree-store'] as const)(
    'changes nothing but the split when %s fails',
    (point) => {
      const mm = makeMm();
      map(mm, 16, 8);
      write(mm, 16, 8);
      mm.env.injector = failOnce(point);
      const result = munmap(mm, 18, 2);
      expect(outcome(result)).toBe('ENOMEM');
      expect(result instanceof MmError && result.rule).toMatch(/^spec 0[12]/);
      expect([mm.totalVm, mm.env.committed, mm.rssAnon]).toEqual([8, 8, 8]);
      mm.env.injector = null;
      expect(munmap(mm, 18, 2)).toBe(0);
    },
  );
});
