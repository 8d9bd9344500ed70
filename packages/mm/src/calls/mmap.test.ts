import { describe, expect, it } from 'vitest';
import { failOnce, makeMm, map, outcome, picture, prot, write } from '../testing/mm-world.js';
import {
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
} from './abi.js';
import { makeFile } from './files.js';
import { mmap, mmapBytes } from './mmap.js';
import { mprotect } from './mprotect.js';
import { munmap } from './munmap.js';

const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const RW = prot('rw-');

describe('mmap argument rules (spec 01.3)', () => {
  const mm = makeMm();
  const call = (address: number | bigint, length: number | bigint, flags: number): string =>
    outcome(mmapBytes(mm, address, length, RW, flags));

  it('asks for a length, and for one that does not wrap', () => {
    expect(call(65536, 0, ANON)).toBe('EINVAL');
    expect(call(0, 2n ** 64n - 1n, ANON)).toBe('ENOMEM');
    expect(call(0, 2n ** 63n, ANON)).toBe('ENOMEM');
  });

  it('asks for a type', () => {
    expect(call(65536, 4096, MAP_ANONYMOUS | MAP_FIXED)).toBe('EINVAL');
    expect(call(65536, 4096, MAP_ANONYMOUS | MAP_FIXED | MAP_SHARED_VALIDATE)).toBe('EINVAL');
    expect(call(65536, 4096, MAP_PRIVATE | MAP_FIXED)).toBe('EBADF');
    expect(call(65536, 4096, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN)).toBe('EINVAL');
    expect(call(65536, 4096, MAP_DROPPABLE | MAP_ANONYMOUS | MAP_LOCKED)).toBe('EINVAL');
  });

  it('takes a fixed address only at a page, inside the address space', () => {
    expect(call(65537, 4096, ANON | MAP_FIXED)).toBe('EINVAL');
    expect(call(0x7fff_ffff_f000, 4096, ANON | MAP_FIXED)).toBe('ENOMEM');
    expect(call(0, 4096, ANON | MAP_FIXED)).toBe('EPERM');
  });

  it('rounds the length up to pages', () => {
    expect(call(65536, 1, ANON | MAP_FIXED)).toBe('16');
    expect(picture(mm)).toBe('16-17 rw-p ac');
  });

  it('refuses a file offset that wraps or lies inside a page', () => {
    const file = makeFile(mm.env, 'regular', 4, '/file');
    const at = (offset: number | bigint): string => outcome(mmapBytes(mm, 0, 4096, RW, MAP_PRIVATE, { file, offset }));
    expect(at(1)).toBe('EINVAL');
    expect(at(2n ** 64n - 4096n)).toBe('EOVERFLOW');
  });
});

describe('mmap and what is there already', () => {
  it('FIXED_NOREPLACE replaces nothing', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    const flags = ANON | MAP_FIXED_NOREPLACE;
    expect(outcome(mmap(mm, { start: 20, pages: 8, prot: RW, flags }))).toBe('EEXIST');
    expect(mmap(mm, { start: 24, pages: 8, prot: RW, flags })).toBe(24);
    expect(picture(mm)).toBe('16-32 rw-p ac');
  });

  it('FIXED replaces, and takes over the charge', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    map(mm, 20, 8, 'rwx');
    expect(picture(mm)).toBe('16-20 rw-p ac\n20-28 rwxp ac');
    expect([mm.totalVm, mm.dataVm, mm.env.committed]).toEqual([12, 12, 12]);
    map(mm, 20, 8, 'r--');
    expect([mm.totalVm, mm.dataVm, mm.env.committed]).toEqual([12, 4, 4]);
  });

  it('a recorded place is taken instead of searching, unless something is there', () => {
    const mm = makeMm();
    const request = { start: 0, pages: 4, prot: RW, flags: ANON, placeAt: 100 };
    expect(mmap(mm, request)).toBe(100);
    expect(outcome(mmap(mm, { ...request, placeAt: 102 }))).toBe('EEXIST');
  });

  it('merges with a neighbour of the same kind (D4 merge_new)', () => {
    const mm = makeMm();
    map(mm, 16, 2);
    map(mm, 19, 1);
    write(mm, 19, 1);
    map(mm, 27, 1);
    map(mm, 23, 2);
    map(mm, 18, 1);
    expect(picture(mm)).toBe('16-20 rw-p ac @1\n23-25 rw-p ac\n27-28 rw-p ac');
    map(mm, 20, 1);
    map(mm, 22, 1);
    map(mm, 21, 1);
    map(mm, 26, 1);
    map(mm, 25, 1);
    expect(picture(mm)).toBe('16-28 rw-p ac @1');
    expect(mm.mapCount).toBe(1);
  });

  it('does not merge what is charged with what is not', () => {
    const mm = makeMm();
    map(mm, 16, 4, 'rw-', MAP_NORESERVE);
    map(mm, 20, 4);
    expect(picture(mm)).toBe('16-20 rw-p nr\n20-24 rw-p ac');
  });

  it('marks memory for KSM before the merge decision (A8 ksm_merge)', () => {
    const mm = makeMm();
    mm.mergeAny = true;
    map(mm, 16, 4);
    map(mm, 20, 4);
    expect(picture(mm)).toBe('16-24 rw-p ac mg');
  });
});

describe('mmap flags', () => {
  const flagsOf = (flags: number, access = 'rw-'): string => {
    const mm = makeMm();
    const result = mmap(mm, { start: 16, pages: 4, prot: prot(access), flags: flags | MAP_ANONYMOUS | MAP_FIXED });
    return typeof result === 'number' ? picture(mm) : outcome(result);
  };

  it('become flags of the VMA', () => {
    expect(flagsOf(MAP_PRIVATE | MAP_GROWSDOWN)).toBe('16-20 rw-p gd ac');
    expect(flagsOf(MAP_PRIVATE | MAP_STACK)).toBe('16-20 rw-p ac nh');
    expect(flagsOf(MAP_DROPPABLE)).toBe('16-20 rw-p nr wf dd dp');
    expect(flagsOf(MAP_PRIVATE, 'r--')).toBe('16-20 r--p');
  });

  it('shared anonymous memory is a file of its own', () => {
    const mm = makeMm();
    const request = { pages: 4, prot: RW, flags: MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED };
    mmap(mm, { ...request, start: 16 });
    mmap(mm, { ...request, start: 20 });
    expect(picture(mm)).toBe('16-20 rw-s +0\n20-24 rw-s +0');
    expect(mm.tree.at(16)?.file?.name).toBe('/dev/zero');
  });

  it('a private mapping of /dev/zero is charged and keeps its file offset', () => {
    const mm = makeMm();
    const file = makeFile(mm.env, 'zero', 0, '/dev/zero');
    mmap(mm, { start: 16, pages: 4, prot: RW, flags: MAP_PRIVATE | MAP_FIXED, file, pageOffset: 3 });
    expect(picture(mm)).toBe('16-20 rw-p ac +3');
  });

  it('hugetlb memory comes in huge pages, is not charged and may not grow', () => {
    const mm = makeMm();
    const flags = ANON | MAP_HUGETLB | MAP_FIXED;
    expect(mmap(mm, { start: 512, pages: 1, prot: RW, flags })).toBe(512);
    expect(outcome(mmap(mm, { start: 100, pages: 1, prot: RW, flags }))).toBe('EINVAL');
    expect(picture(mm)).toBe('512-1024 rw-p de ht +0');
    expect(mm.env.committed).toBe(0);
    expect(outcome(munmap(mm, 600, 1))).toBe('EINVAL');
    expect(outcome(mprotect(mm, 512, 1, prot('r--')))).toBe('EINVAL');
    expect(mprotect(mm, 512, 512, prot('r--'))).toBe(0);
  });

  it('a shared mapping of a file opened for reading can never be written', () => {
    const mm = makeMm();
    const file = makeFile(mm.env, 'regular', 4, '/file');
    const access = { readable: true, writable: false };
    const request = { start: 16, pages: 4, flags: MAP_SHARED | MAP_FIXED, file, access };
    expect(outcome(mmap(mm, { ...request, prot: RW }))).toBe('EACCES');
    expect(mmap(mm, { ...request, prot: prot('r--') })).toBe(16);
    expect(picture(mm)).toBe('16-20 r--s +0');
    expect(outcome(mprotect(mm, 16, 4, RW))).toBe('EACCES');
  });

  it('POPULATE and LOCKED fill the mapping', () => {
    const mm = makeMm();
    map(mm, 16, 8, 'rw-', MAP_POPULATE);
    map(mm, 32, 4, 'rw-', MAP_LOCKED);
    expect(picture(mm)).toBe('16-24 rw-p ac @1\n32-36 rw-p lo ac @2');
    expect([mm.rssAnon, mm.lockedVm]).toEqual([12, 4]);
  });
});

describe('mmap limits (spec 01.9)', () => {
  it('map_count may exceed the maximum by one', () => {
    const mm = makeMm({ settings: { maxMapCount: 2 } });
    for (const start of [16, 32, 48]) map(mm, start, 4);
    expect(() => map(mm, 64, 4)).toThrow('ENOMEM');
  });

  it('RLIMIT_AS counts what is replaced as free', () => {
    const mm = makeMm();
    mm.limits = { ...mm.limits, addressSpace: 8 };
    map(mm, 16, 8);
    expect(() => map(mm, 32, 1)).toThrow('ENOMEM');
    map(mm, 16, 4, 'r--');
    expect(mm.totalVm).toBe(8);
  });

  it('RLIMIT_DATA counts private writable memory; a soft limit of 0 is waived', () => {
    const mm = makeMm();
    mm.limits = { ...mm.limits, data: 4 };
    map(mm, 16, 4);
    expect(() => map(mm, 32, 1)).toThrow('ENOMEM');
    map(mm, 32, 1, 'r--');
    mm.limits = { ...mm.limits, data: 0 };
    map(mm, 48, 1);
    mm.limits = { ...mm.limits, dataHard: 5 };
    expect(() => map(mm, 64, 1)).toThrow('ENOMEM');
  });

  it('RLIMIT_MEMLOCK: EPERM when 0, EAGAIN when exceeded', () => {
    const mm = makeMm();
    const request = { start: 16, pages: 4, prot: RW, flags: ANON | MAP_FIXED | MAP_LOCKED };
    mm.limits = { ...mm.limits, lockedMemory: 0 };
    expect(outcome(mmap(mm, request))).toBe('EPERM');
    mm.limits = { ...mm.limits, lockedMemory: 3 };
    expect(outcome(mmap(mm, request))).toBe('EAGAIN');
  });

  it('overcommit: too much at once, or too much in all', () => {
    const guess = makeMm({ settings: { totalPages: 100 } });
    expect(() => map(guess, 16, 101)).toThrow('ENOMEM');
    map(guess, 16, 100);
    map(guess, 200, 100);
    const never = makeMm({ settings: { overcommit: 'never', commitLimit: 2048 + 100 } });
    map(never, 16, 99);
    expect(() => map(never, 200, 1)).toThrow('ENOMEM');
    // Strict overcommit charges MAP_NORESERVE too.
    expect(() => map(never, 200, 1, 'rw-', MAP_NORESERVE)).toThrow('ENOMEM');
    expect(never.env.committed).toBe(99);
  });
});

describe('mmap out of memory', () => {
  it('leaves a hole where it had replaced something', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    mm.env.injector = failOnce('vma-alloc', 3);
    expect(() => map(mm, 18, 4, 'r--')).toThrow('ENOMEM');
    expect(picture(mm)).toBe('16-18 rw-p ac\n22-24 rw-p ac');
    expect([mm.totalVm, mm.dataVm, mm.env.committed, mm.mapCount]).toEqual([4, 4, 4, 2]);
  });

  it('degrades to no merge when only the merge cannot have memory', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    mm.env.injector = failOnce('vma-tree-node');
    map(mm, 20, 4);
    expect(picture(mm)).toBe('16-20 rw-p ac\n20-24 rw-p ac');
  });

  it('gives up when killed', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    mm.env.injector = failOnce('mmap-lock-killed');
    expect(outcome(munmap(mm, 16, 4))).toBe('EINTR');
  });
});
