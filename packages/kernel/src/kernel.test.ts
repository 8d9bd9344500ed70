import { NO_LOCK_TRACKER } from '@vmakit/locking';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '@vmakit/mm';
import { PolicyConflictError, definePolicy } from '@vmakit/mremap';
import { describe, expect, it, onTestFinished } from 'vitest';
import { composeKernel } from './compose.js';
import { importVma } from './import-vma.js';
import { type Kernel, createKernel, createKernelFrom, isError } from './kernel.js';
import type { KernelOptions } from './options.js';
import type { Process } from './process.js';
import { bind, get } from './token.js';
import { LOCKS, MEMORY, TABLE_POOL } from './tokens.js';

const RW = PROT_READ | PROT_WRITE;
const FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
const HERE = 0x10000000;

/** A kernel that gives everything back at the end of the test, and nothing is left. */
function kernelOf(options: KernelOptions = {}): Kernel {
  const kernel = createKernel(options);
  onTestFinished(() => {
    kernel.dispose();
    expect(kernel.env.memory.usedFrames).toBeLessThanOrEqual(1);
    expect([...kernel.env.anonVmas]).toEqual([]);
  });
  return kernel;
}

/** A process with eight touched pages. */
function busyProcess(kernel: Kernel): Process {
  const process = kernel.spawn();
  expect(process.mmap(HERE, 8 * 4096, RW, FIXED)).toBe(HERE / 4096);
  process.touch(HERE / 4096, 8);
  return process;
}

describe('a kernel', () => {
  it('has what was asked for: architecture, profile, settings', () => {
    const { env } = kernelOf({ arch: 'arm64-16k', profile: 'v6.18', settings: { maxMapCount: 10 } });
    expect(env.arch.pageSize).toBe(16384);
    expect(env.profile.name).toBe('v6.18');
    expect(env.settings.maxMapCount).toBe(10);
  });

  it('says which names it knows when it gets another', () => {
    expect(() => createKernel({ profile: 'v5.0' as 'v7.3' })).toThrow(
      /no kernel profile "v5.0"; there are v7.3, v6.18/,
    );
    expect(() => createKernel({ arch: 'vax' })).toThrow(/vax/);
  });

  it('cannot have two policies that claim one flag: the error names both', () => {
    const claim = (name: string) =>
      definePolicy({ name, flags: [{ name: 'MREMAP_MINE', bit: 8, needsMayMove: true }], setup: () => ({}) });
    expect(() => createKernel({ policies: [claim('one'), claim('other')] })).toThrow(PolicyConflictError);
    expect(() => createKernel({ policies: [claim('one'), claim('other')] })).toThrow(/one.*other/);
  });

  it('repeats itself exactly: two kernels of the same make give the same numbers', () => {
    const run = (): unknown[] => {
      const kernel = createKernel();
      const process = busyProcess(kernel);
      const child = process.fork() as Process;
      child.touch(HERE / 4096, 3);
      const moved = process.mremap(HERE, 4 * 4096, 4 * 4096, 1);
      return [moved, child.mm.rssAnon, kernel.env.memory.usedFrames, process.mm.tree.first?.anonVma?.id];
    };
    expect(run()).toEqual(run());
  });
});

describe('composition', () => {
  it('makes every part once for each kernel, and none is shared between two', () => {
    const [one, other] = [composeKernel(), composeKernel()];
    expect(get(one, MEMORY)).toBe(get(one, MEMORY));
    expect(get(one, MEMORY)).not.toBe(get(other, MEMORY));
    expect(createKernelFrom(one).env.memory).toBe(get(one, MEMORY));
  });

  it('takes a part that was bound again in place of its own', () => {
    const container = composeKernel();
    let taken = 0;
    bind(container, LOCKS, () => ({ ...NO_LOCK_TRACKER, enabled: true, acquire: () => taken++ }));
    busyProcess(createKernelFrom(container));
    expect(taken).toBeGreaterThan(0);
    expect(get(container, TABLE_POOL)).toBeDefined();
  });
});

describe('processes', () => {
  it('have numbers of their own: the first that is free, or the one asked for', () => {
    const kernel = kernelOf();
    expect([kernel.spawn().pid, kernel.spawn({ pid: 3 }).pid, kernel.spawn().pid, kernel.spawn().pid]).toEqual([
      1, 3, 2, 4,
    ]);
    expect(() => kernel.spawn({ pid: 3 })).toThrow('pid: there is a process 3 already');
  });

  it('copy their memory when they fork and share it when they adopt', () => {
    const kernel = kernelOf();
    const process = busyProcess(kernel);
    const child = process.fork() as Process;
    const thread = kernel.adopt(process.mm);
    thread.munmap(HERE, 8 * 4096);
    expect([process.mm.mapCount, child.mm.mapCount]).toEqual([0, 1]);
  });

  it('give memory back when the last of those that share it ends', () => {
    const kernel = kernelOf();
    const process = busyProcess(kernel);
    const thread = kernel.adopt(process.mm);
    process.exit();
    expect(kernel.env.memory.usedFrames).toBe(8);
    thread.exec();
    expect(kernel.env.memory.usedFrames).toBe(0);
    expect(thread.mm.mapCount).toBe(0);
  });
});

describe('a found VMA', () => {
  it('is put in as it stands: no merge, but the counts of a mapping', () => {
    const kernel = kernelOf();
    const { mm } = kernel.spawn();
    const flags = 0x100073;
    importVma(mm, { start: 100, end: 104, flags, pageOffset: 100, faulted: true });
    importVma(mm, { start: 104, end: 108, flags, pageOffset: 104 });
    expect(mm.mapCount).toBe(2);
    expect(mm.totalVm).toBe(8);
    expect(mm.tree.first?.anonVma).not.toBeNull();
    expect(() => importVma(mm, { start: 102, end: 103, flags, pageOffset: 0 })).toThrow('VMAs do not overlap');
  });
});

describe('refused calls', () => {
  it('are values: isError tells them from results', () => {
    const process = busyProcess(kernelOf());
    const refused = process.mremap(HERE + 1, 4096, 4096, 0);
    expect(isError(refused)).toBe(true);
    expect(refused).toMatchObject({ errno: 'EINVAL', rule: expect.stringContaining('spec 05.1') as string });
    expect(isError(process.munmap(HERE, 4096))).toBe(false);
  });
});
