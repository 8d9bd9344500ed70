import { MmError, VM_UFFD_MISSING, withFlags } from '@vmakit/base';
import { describe, expect, it } from 'vitest';
import { MADV_GUARD_INSTALL, MADV_NOHUGEPAGE } from '../calls/abi.js';
import { touch } from '../calls/access.js';
import { forkMm } from '../calls/fork.js';
import { madvise } from '../calls/madvise.js';
import { exitMm } from '../calls/exit.js';
import type { Mm } from '../mm.js';
import { failOnce, makeMm, map, picture, write } from '../testing/mm-world.js';
import { pages } from '../testing/page-picture.js';
import { FAULT_OOM, FAULT_SIGSEGV, FAULT_USERFAULT } from './fault-result.js';

const read = (mm: Mm, start: number, count: number): number => touch(mm, start, count, { write: false }).result;

/** 2 MiB pages always, and folios of these orders. */
function withHugePages(...orders: number[]): Mm {
  const sizes = new Map([9, ...orders].map((order) => [order, 'always'] as const));
  return makeMm({ settings: { thp: { enabled: 'always', sizes, useZeroPage: true } } });
}

function fork(mm: Mm): Mm {
  const child = forkMm(mm);
  if (child instanceof MmError) throw new Error(child.rule);
  return child;
}

describe('first touch (spec 03.8)', () => {
  it('a read maps the zero page and leaves the VMA unfaulted; a write faults it', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    read(mm, 16, 4);
    expect([pages(mm, 0, 64), picture(mm)]).toEqual(['16-20 zero', '16-24 rw-p ac']);
    write(mm, 18, 4);
    expect(pages(mm, 0, 64)).toBe('16-18 zero\n18-22 pte wad ae 1');
    expect([picture(mm), mm.rssAnon]).toEqual(['16-24 rw-p ac @1', 4]);
  });

  it('a huge page where one fits, small ones elsewhere', () => {
    const mm = withHugePages();
    map(mm, 500, 600);
    write(mm, 500, 600);
    expect(pages(mm, 0, 2048)).toBe('500-512 pte wad ae 1\n512-1024 pmd wad ae 1 order 9+0\n1024-1100 pte wad ae 1');
  });

  it('a read of a whole huge range maps the huge zero page, and that makes the VMA a faulted one', () => {
    const mm = withHugePages();
    map(mm, 512, 512);
    read(mm, 700, 1);
    expect([pages(mm, 0, 2048), picture(mm)]).toEqual(['512-1024 zero-pmd', '512-1024 rw-p ac @1']);
    write(mm, 700, 1);
    expect(pages(mm, 0, 2048)).toBe('512-1024 pmd wad ae 1 order 9+0');
  });

  it('the largest folio that fits and is free around the page', () => {
    const mm = withHugePages(2, 4);
    map(mm, 18, 40);
    write(mm, 20, 1);
    write(mm, 33, 1);
    expect(pages(mm, 0, 64)).toBe('20-24 pte wad ae 1 order 2+0\n32-48 pte wad ae 1 order 4+0');
  });

  it('MADV_NOHUGEPAGE keeps folios small', () => {
    const mm = withHugePages(2);
    map(mm, 512, 512);
    madvise(mm, 512, 512, MADV_NOHUGEPAGE);
    write(mm, 512, 1);
    expect(pages(mm, 0, 2048)).toBe('512-513 pte wad ae 1');
  });

  it('a guard gives SIGSEGV, a registered userfaultfd gets the fault', () => {
    const mm = makeMm();
    map(mm, 16, 8);
    madvise(mm, 18, 2, MADV_GUARD_INSTALL);
    expect(touch(mm, 16, 8)).toEqual({ touched: 2, result: FAULT_SIGSEGV, page: 18 });
    const vma = mm.tree.at(20)!;
    vma.flags = withFlags(vma.flags, VM_UFFD_MISSING);
    expect(touch(mm, 20, 1).result).toBe(FAULT_USERFAULT);
  });

  it('without memory for a large folio it takes a smaller one; without any the fault fails', () => {
    const mm = withHugePages(2);
    map(mm, 16, 8);
    mm.env.injector = failOnce('folio-alloc');
    write(mm, 16, 1);
    expect(pages(mm, 0, 64)).toBe('16-17 pte wad ae 1');
    mm.env.injector = { fails: (point) => point === 'folio-alloc' };
    expect(touch(mm, 20, 1).result).toBe(FAULT_OOM);
  });
});

describe('copy on write (spec 03.4)', () => {
  it('a shared page is copied; the last one to write may use it in place', () => {
    const mm = makeMm();
    map(mm, 16, 4);
    write(mm, 16, 4);
    const child = fork(mm);
    expect([pages(mm, 0, 64), pages(child, 0, 64)]).toEqual(['16-20 pte ad am 2', '16-20 pte d am 2']);
    write(child, 17, 1);
    expect(pages(child, 0, 64)).toBe('16-17 pte d am 2\n17-18 pte wad ae 1\n18-20 pte d am 2');
    write(mm, 17, 1);
    expect(pages(mm, 0, 64)).toBe('16-17 pte ad am 2\n17-18 pte wad ae 1\n18-20 pte ad am 2');
    exitMm(child);
    const used = mm.env.memory.usedFrames;
    write(mm, 16, 4);
    expect([pages(mm, 0, 64), mm.env.memory.usedFrames]).toEqual(['16-20 pte wad ae 1', used]);
  });

  it('a page used in place by the child belongs to the child’s own anon_vma', () => {
    const mm = makeMm();
    map(mm, 16, 1);
    write(mm, 16, 1);
    const child = fork(mm);
    exitMm(mm);
    write(child, 16, 1);
    const { anonVma } = child.tree.at(16)!;
    expect([...child.env.memory.mapping].filter((mapping) => mapping === anonVma!.id)).toHaveLength(1);
    expect(anonVma!.root).not.toBe(anonVma);
  });

  it('a huge page that is shared is split for the one page that is written', () => {
    const mm = withHugePages();
    map(mm, 512, 512);
    write(mm, 512, 512);
    const child = fork(mm);
    write(child, 600, 1);
    expect(pages(mm, 0, 2048)).toBe('512-1024 pmd ad am 2 order 9+0');
    expect(pages(child, 0, 2048)).toBe(
      '512-600 pte d am 2 order 9+0\n600-601 pte wad ae 1\n601-1024 pte d am 2 order 9+89',
    );
    exitMm(child);
    write(mm, 512, 1);
    expect(pages(mm, 0, 2048)).toBe('512-1024 pmd wad ae 1 order 9+0');
  });

  it('a large folio mapped by one process is used in place, page by page', () => {
    const mm = withHugePages(2);
    map(mm, 16, 4);
    write(mm, 16, 4);
    exitMm(fork(mm));
    write(mm, 18, 1);
    expect(pages(mm, 0, 64)).toBe(
      '16-18 pte ad a 1 order 2+0\n18-19 pte wad ae 1 order 2+2\n19-20 pte ad a 1 order 2+3',
    );
  });
});
