import { Scene } from '@vmakit/policy-testkit';
import { describe, expect, test } from 'vitest';

/** Spec 08 table B: the kernel's own mremap tests, told in pages. */
describe('moving', () => {
  test('B1 overlapping ranges are refused', () => {
    const scene = new Scene().map(16, 8);
    expect(scene.move(16, 8, 20)).toBe('EINVAL');
    expect(scene.move(16, 8, 12)).toBe('EINVAL');
    expect(scene.move(16, 8, 24)).toBe(24);
  });

  test('a touched mapping keeps its offset and anon_vma, an untouched one starts afresh', () => {
    const scene = new Scene().map(16, 8).write(16, 8).map(32, 8);
    scene.move(16, 8, 64);
    scene.move(32, 8, 96);
    expect(scene.vmas()).toEqual(['64-72 rw-p @16 a', '96-104 rw-p @96 -']);
    expect(scene.pages(64, 2)).toEqual(['a:16', 'a:17']);
  });

  test('B7 a move inside one mapping leaves the rest as it was', () => {
    const scene = new Scene({ pages: 2 ** 16 }).map(0, 5120);
    for (let page = 0; page < 5120; page += 256) scene.write(page, 256, page / 256 + 1);
    scene.move(4096 + 256, 256, 4096 - 512 + 256);
    expect(scene.contents(4096, 1)).toEqual([17]);
    expect(scene.contents(3840, 1)).toEqual([18]);
    expect(scene.contents(3839, 1)).toEqual([15]);
    expect(scene.vmas()).toEqual([
      '0-3840 rw-p @0 a',
      '3840-4096 rw-p @4352 a',
      '4096-4352 rw-p @4096 a',
      '4608-5120 rw-p @4608 a',
    ]);
  });

  test('B8 what lies below the start of a moved part stays, though a whole table could move', () => {
    const scene = new Scene({ pages: 2 ** 16 }).map(512, 512).write(512, 512, 3).map(2048, 512);
    scene.unmap(2048, 256);
    scene.move(512 + 256, 256, 2048 + 256);
    expect(scene.contents(512, 256)).toEqual(Array(256).fill(3));
    expect(scene.contents(2304, 1)).toEqual([3]);
  });

  test('B9 shrinking crosses holes, in place and on the way', () => {
    for (const to of [null, 64]) {
      const scene = new Scene().map(16, 10);
      for (let page = 17; page < 26; page += 2) scene.unmap(page, 1);
      const result = to === null ? scene.remap(16, 10, 1, []) : scene.remap(16, 10, 1, ['MAYMOVE', 'FIXED'], to);
      expect(result).toBe(to ?? 16);
      expect(scene.vmas()).toHaveLength(1);
    }
  });
});

describe('growing', () => {
  test('B5 into a hole merges with what follows', () => {
    const scene = new Scene().map(16, 3).unmap(17, 1);
    expect(scene.remap(16, 1, 2, [])).toBe(16);
    expect(scene.vmas()).toEqual(['16-19 rw-p @16 -']);
  });

  test('B6 from the middle of a mapping is possible at its end', () => {
    const scene = new Scene().map(16, 3).unmap(18, 1);
    expect(scene.remap(17, 1, 2, [])).toBe(17);
    expect(scene.vmas()).toEqual(['16-19 rw-p @16 -']);
  });

  test('without room it moves, or fails without MAYMOVE', () => {
    const scene = new Scene().map(16, 2).write(16, 2, 7).map(18, 2, { prot: 'r' });
    expect(scene.remap(16, 2, 4, [])).toBe('ENOMEM');
    expect(scene.remap(16, 2, 4, ['MAYMOVE'])).toBe(4092);
    expect(scene.contents(4092, 4)).toEqual([7, 7, null, null]);
  });

  test('beyond the end of the mapping it fails', () => {
    expect(new Scene().map(16, 4).remap(16, 8, 16, ['MAYMOVE'])).toBe('EFAULT');
  });
});

describe('several mappings at once', () => {
  /** Five single pages with holes between, each with its own content. */
  const five = (): Scene => {
    const scene = new Scene();
    for (let i = 0; i < 5; i++) scene.map(16 + 2 * i, 1).write(16 + 2 * i, 1, i + 1);
    return scene;
  };

  test('B10 each moves, and the holes with them', () => {
    const scene = five();
    expect(scene.move(16, 9, 64)).toBe(64);
    expect(scene.contents(64, 9)).toEqual([1, null, 2, null, 3, null, 4, null, 5]);
    expect(scene.contents(16, 9)).toEqual(Array(9).fill(null));
  });

  test('B10 with DONTUNMAP the sources stay, empty', () => {
    const scene = five();
    scene.move(16, 9, 64, ['DONTUNMAP']);
    expect(scene.vmas().filter((vma) => vma.startsWith('16-17'))).toEqual(['16-17 rw-p @16 -']);
    expect(scene.contents(64, 9).filter((value) => value !== null)).toEqual([1, 2, 3, 4, 5]);
  });

  test('B11 a part that spans a hole', () => {
    const scene = new Scene().map(16, 10);
    for (let i = 0; i < 10; i++) scene.write(16 + i, 1, i + 1);
    scene.unmap(21, 1);
    scene.move(18, 7, 64);
    expect(scene.contents(64, 7)).toEqual([3, 4, 5, null, 7, 8, 9]);
    expect(scene.contents(16, 10)).toEqual([1, 2, null, null, null, null, null, null, null, 10]);
  });

  test('they do not resize, and do not begin in a hole', () => {
    expect(five().remap(16, 9, 12, ['MAYMOVE', 'FIXED'], 64)).toBe('EFAULT');
    expect(five().move(17, 8, 64)).toBe('EFAULT');
  });

  test('a sealed one stops the call; those before it have moved', () => {
    const scene = five();
    scene.process.mseal(scene.address(20), 4096);
    expect(scene.move(16, 9, 64)).toBe('EPERM');
    expect(scene.contents(64, 3)).toEqual([1, null, 2]);
    expect(scene.contents(20, 1)).toEqual([3]);
  });

  test('the kernel of April 2025 could not do it', () => {
    const scene = new Scene({ profile: 'rfc-v2' });
    for (let i = 0; i < 5; i++) scene.map(16 + 2 * i, 1);
    expect(scene.move(16, 9, 64)).toBe('EFAULT');
  });
});

describe('DONTUNMAP', () => {
  test('the source reads as zero afterwards, the destination has the data', () => {
    const scene = new Scene().map(16, 4).write(16, 4, 9);
    expect(scene.remap(16, 4, 4, ['MAYMOVE', 'DONTUNMAP'], 64)).toBe(64);
    scene.read(16, 4);
    expect(scene.pages(16, 1)).toEqual(['zero']);
    expect(scene.contents(64, 4)).toEqual([9, 9, 9, 9]);
  });

  test('a whole source is as if never touched, a part keeps its anon_vma', () => {
    const scene = new Scene().map(16, 4).write(16, 4);
    scene.move(16, 4, 64);
    scene.move(64, 4, 32, ['DONTUNMAP']);
    expect(scene.vmas()).toEqual(['32-36 rw-p @16 a', '64-68 rw-p @64 -']);
    scene.move(34, 2, 96, ['DONTUNMAP']);
    expect(scene.vmas()).toEqual(['32-36 rw-p @16 a', '64-68 rw-p @64 -', '96-98 rw-p @18 a']);
  });

  test('locked memory: only the moved part loses the lock, and locked_vm stays', () => {
    const scene = new Scene().map(16, 8);
    scene.process.mlock(scene.address(16), 8 * 4096);
    const { mm } = scene.process;
    scene.move(18, 4, 64, ['DONTUNMAP']);
    expect(mm.lockedVm).toBe(8);
    expect(scene.vmas()).toEqual(['16-18 rw-p @16 a', '18-22 rw-p @18 -', '22-24 rw-p @22 a', '64-68 rw-p @18 a']);
  });
});

describe('accounts', () => {
  test('a move leaves totals and charge as they were', () => {
    const scene = new Scene().map(16, 8).write(16, 8);
    const { mm } = scene.process;
    scene.move(16, 8, 64);
    expect([mm.totalVm, mm.dataVm, mm.hiwaterVm, mm.env.committed]).toEqual([8, 8, 8, 8]);
  });

  test('the charge of a part travels with it', () => {
    const scene = new Scene().map(16, 8);
    const { env } = scene.process.mm;
    scene.move(18, 4, 64);
    expect(env.committed).toBe(8);
    scene.unmap(16, 8).unmap(64, 4);
    expect(env.committed).toBe(0);
  });

  test('a locked mapping that grows on the way is populated', () => {
    const scene = new Scene().map(16, 4);
    scene.process.mlock(scene.address(16), 4 * 4096);
    scene.remap(16, 4, 8, ['MAYMOVE', 'FIXED'], 64);
    expect(scene.contents(64, 8)).toEqual(Array(8).fill(0));
    expect(scene.process.mm.lockedVm).toBe(8);
  });

  test('the map count is tested at entry by every call', () => {
    const scene = new Scene().map(16, 4);
    scene.kernel.env.settings.maxMapCount = 4;
    expect(scene.remap(16, 4, 4, [])).toBe('ENOMEM');
    scene.kernel.env.settings.maxMapCount = 5;
    expect(scene.remap(16, 4, 4, [])).toBe(16);
    expect(scene.move(16, 4, 64, ['DONTUNMAP'])).toBe('ENOMEM');
    expect(scene.move(16, 4, 64)).toBe(64);
  });
});

test('the flags of the series are unknown to the stock kernel', () => {
  const scene = new Scene().map(16, 4);
  const call = scene.process.mremap(scene.address(16), 4 * 4096, 4 * 4096, 1 | 2 | 8, scene.address(64));
  expect(call).toMatchObject({ errno: 'EINVAL', rule: 'spec 05.1 step 1: unknown flag' });
});

test('an observer of a call that begins may let another process make one', () => {
  const scene = new Scene().map(16, 8).write(16, 8);
  const first = scene.process;
  const second = scene.kernel.spawn();
  scene.as(second).map(32, 4).write(32, 4).as(first);
  const stop = scene.kernel.bus.listen(({ type }) => {
    if (type !== 'mremap.begin') return;
    stop();
    scene.as(second).move(32, 4, 96);
    scene.as(first);
  });
  expect(scene.move(16, 8, 64)).toBe(64);
  expect(scene.vmas()).toEqual(['64-72 rw-p @16 a']);
  expect(scene.contents(64, 8)).toEqual(Array(8).fill(1));
  expect(scene.as(second).vmas()).toEqual(['96-100 rw-p @32 b']);
});
