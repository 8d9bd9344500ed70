import { describe, expect, it } from 'vitest';
import { MmError, VM_SEALED, withFlags } from '@vmakit/base';
import { NO_LOCK_TRACKER } from '@vmakit/locking';
import { chainOf } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { type WorldOptions, failOnce, makeMm, map, outcome, picture, write } from '../testing/mm-world.js';
import { MAP_LOCKED } from './abi.js';
import { forkMm } from './fork.js';
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

describe('a VMA that is not whole in the range', () => {
  /** What `act` leaves of the address space that it gives: in steps, since locks are checked, and at once. */
  const inStepsAndAtOnce = (act: (mm: Mm) => Mm, options: WorldOptions = {}): [string, string] => {
    const [steps, once] = [makeMm(options), makeMm({ ...options, locks: NO_LOCK_TRACKER })].map((first) => {
      const mm = act(first);
      const links = [...mm.tree].map((vma) => [...chainOf(vma)].map(({ anonVma }) => anonVma.id).join('>'));
      const { mergeCounters, committed, anonVmas } = mm.env;
      const totals = [mm.mapCount, mm.totalVm, mm.lockedVm, mm.rssAnon, committed, anonVmas.liveCount];
      return [picture(mm), links, totals, `${mergeCounters.splits} splits`].join('\n');
    });
    return [steps as string, once as string];
  };

  it.each<[string, (mm: Mm) => void]>([
    ['its end goes', (mm) => munmap(mm, 20, 4)],
    ['its start goes', (mm) => munmap(mm, 12, 8)],
    ['its middle goes', (mm) => munmap(mm, 18, 2)],
    ['two at the edges', (mm) => munmap(mm, 20, 14)],
    ['something else comes into it', (mm) => map(mm, 18, 2, 'r--')],
    ['the like comes into it', (mm) => map(mm, 18, 2)],
  ])('%s', (_name, act) => {
    const [steps, once] = inStepsAndAtOnce((mm) => {
      map(mm, 16, 8);
      map(mm, 28, 2, 'r-x');
      map(mm, 32, 8, 'rw-', MAP_LOCKED);
      write(mm, 16, 8);
      act(mm);
      return mm;
    });
    expect(once).toBe(steps);
    expect(steps).not.toContain('0 splits');
  });

  it.each([14, 22])('is cut when what was to replace it from %i on is refused', (start) => {
    const [steps, once] = inStepsAndAtOnce((mm) => {
      map(mm, 16, 8);
      mm.limits.addressSpace = 8;
      expect(() => map(mm, start, 4)).toThrow('ENOMEM');
      expect([...mm.tree]).toHaveLength(2);
      return mm;
    });
    expect(once).toBe(steps);
  });

  it('is cut when one behind it is sealed', () => {
    const [steps, once] = inStepsAndAtOnce((mm) => {
      map(mm, 16, 4);
      map(mm, 20, 4, 'r--');
      const sealed = mm.tree.at(20) as Vma;
      sealed.flags = withFlags(sealed.flags, VM_SEALED);
      expect(outcome(munmap(mm, 18, 6))).toBe('EPERM');
      expect([...mm.tree]).toHaveLength(3);
      return mm;
    });
    expect(once).toBe(steps);
  });

  it('is cut twice when what was to come into its middle is refused', () => {
    const settings = { overcommit: 'never', commitLimit: 2048 } as const;
    const [steps, once] = inStepsAndAtOnce(
      (mm) => {
        map(mm, 16, 8, 'r--');
        expect(() => map(mm, 18, 2)).toThrow('ENOMEM');
        expect([...mm.tree]).toHaveLength(3);
        return mm;
      },
      { settings },
    );
    expect(once).toBe(steps);
  });

  it('is cut in two in a forked child, where a split turns the order of links around', () => {
    const [steps, once] = inStepsAndAtOnce((mm) => {
      map(mm, 16, 8);
      write(mm, 16, 8);
      const child = forkMm(mm) as Mm;
      munmap(child, 20, 4);
      return child;
    });
    expect(once).toBe(steps);
    expect(steps).toMatch(/^16-20 .*\n1>2\n/);
  });
});
