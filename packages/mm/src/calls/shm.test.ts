import { describe, expect, it } from 'vitest';
import { MappedFile } from '@vmakit/folio';
import { makeMm, map, outcome, picture, prot } from '../testing/mm-world.js';
import { ioDestroy, ioSetup } from './aio.js';
import { MAP_FIXED, MAP_SHARED, SHM_RDONLY, SHM_REMAP, SHM_RND } from './abi.js';
import { makeFile } from './files.js';
import { mmap } from './mmap.js';
import { munmap } from './munmap.js';
import { remapFilePages } from './remap-file-pages.js';
import { shmat, shmdt } from './shm.js';

const segment = new MappedFile({ id: 9, kind: 'shmem', sizePages: 8, name: '/SYSV00000000', hasCloseHook: true });

describe('SysV shared memory', () => {
  it('is attached whole, readable only if asked for', () => {
    const mm = makeMm({ layout: { mmapBase: 1000 } });
    expect(shmat(mm, { segment, address: 0, flags: 0 })).toBe(992);
    expect(shmat(mm, { segment, address: 0, flags: SHM_RDONLY, placeAt: 500 })).toBe(500);
    expect(picture(mm)).toBe('500-508 r--s +0\n992-1000 rw-s +0');
    expect(outcome(shmat(mm, { segment, address: 500 * 4096, flags: 0 }))).toBe('EINVAL');
    expect(outcome(shmat(mm, { segment, address: 500 * 4096 + 1, flags: SHM_REMAP }))).toBe('EINVAL');
    expect(shmat(mm, { segment, address: 500 * 4096 + 1, flags: SHM_REMAP | SHM_RND })).toBe(500);
  });

  it('is detached wherever it is still in its place', () => {
    const mm = makeMm();
    shmat(mm, { segment, address: 100 * 4096, flags: 0 });
    munmap(mm, 100, 2);
    map(mm, 104, 1);
    expect(shmdt(mm, 100 * 4096)).toBe(0);
    expect(picture(mm)).toBe('104-105 rw-p ac');
    expect(outcome(shmdt(mm, 100 * 4096))).toBe('EINVAL');
  });
});

describe('other mappings of files', () => {
  it('remap_file_pages maps another part of the file', () => {
    const mm = makeMm();
    const file = makeFile(mm.env, 'memfd', 16, '/memfd:x');
    mmap(mm, { start: 16, pages: 8, prot: prot('rw-'), flags: MAP_SHARED | MAP_FIXED, file });
    expect(remapFilePages(mm, 18, 2, 0, 12, 0)).toBe(0);
    expect(picture(mm)).toBe('16-18 rw-s +0\n18-20 rw-s +12\n20-24 rw-s +4');
    expect(outcome(remapFilePages(mm, 22, 4, 0, 12, 0))).toBe('EINVAL');
    expect(outcome(remapFilePages(mm, 18, 2, 1, 12, 0))).toBe('EINVAL');
  });

  it('io_setup maps a ring that may not grow', () => {
    const mm = makeMm({ layout: { mmapBase: 1000 } });
    expect(ioSetup(mm, 128, 2)).toBe(997);
    expect(picture(mm)).toBe('997-1000 rw-s de +0');
    expect(ioDestroy(mm, 997)).toBe(0);
    expect(outcome(ioDestroy(mm, 997))).toBe('EINVAL');
  });
});
