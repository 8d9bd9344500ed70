import { NONE, VM_EXEC, VM_MAYBE_GUARD, VM_MAYWRITE, VM_SEALED, VM_WRITE, withoutFlags } from '@vmakit/base';
import { PG_ANON, PG_EXCLUSIVE, PG_LOCKED, PG_MAYBE_SHARED, PG_SWAPBACKED, PG_TAIL } from '@vmakit/folio';
import { type Kernel, type KernelOptions, type Process, createKernel } from '@vmakit/kernel';
import { LockValidator } from '@vmakit/locking';
import {
  MADV_DONTNEED,
  MADV_GUARD_INSTALL,
  MADV_PAGEOUT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  frameAt,
} from '@vmakit/mm';
import { MARKER_GUARD } from '@vmakit/pagetable';
import { insertLink, removeLink, unlinkAnonVmas } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import { describe, expect, it, vi } from 'vitest';
import { INVARIANTS } from './invariant-list.js';
import { InvariantChecker, checkInvariants } from './invariant-checker.js';

const PAGE = 4096;
/** A huge-page boundary: everything happens around here. */
const AT = 0x10000;
const RW = PROT_READ | PROT_WRITE;

/** Invariants that some test has broken. */
const broken = new Set<string>();

/** Runs of what is reported, each invariant once. */
function reported(kernel: Kernel): string[] {
  const ids = [...new Set(checkInvariants(kernel).map(({ invariant }) => invariant))];
  for (const id of ids) broken.add(id);
  return ids;
}

interface Scene {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly vma: Vma;
  /** First page of the mapping, its frame, and its entry. */
  readonly page: number;
  readonly frame: number;
}

function map(process: Process, page: number, pages: number, prot: number = RW): Vma {
  const size = process.kernel.env.arch.pageSize;
  process.mmap(page * size, pages * size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
  return process.mm.tree.at(page) as Vma;
}

/** A process with one mapping of 8 pages, written to; everything is as it should be. */
function scene(options: KernelOptions = {}): Scene {
  const kernel = createKernel(options);
  const process = kernel.spawn();
  const vma = map(process, AT, 8);
  process.touch(AT, 8);
  expect(checkInvariants(kernel)).toEqual([]);
  return { kernel, process, vma, page: AT, frame: frameAt(process.mm, AT) };
}

/** The same, with a forked child. */
function family(): Scene & { readonly child: Process; readonly childVma: Vma } {
  const parent = scene();
  const child = parent.process.fork() as Process;
  expect(checkInvariants(parent.kernel)).toEqual([]);
  return { ...parent, child, childVma: child.mm.tree.at(AT) as Vma };
}

/** A process with a huge page at AT. */
function hugeScene(): Scene {
  const sizes = new Map([[9, 'always'] as const]);
  const kernel = createKernel({ settings: { thp: { enabled: 'always', sizes, useZeroPage: true } } });
  const process = kernel.spawn();
  const vma = map(process, AT, 1024);
  process.touch(AT, 1);
  expect(checkInvariants(kernel)).toEqual([]);
  return { kernel, process, vma, page: AT, frame: frameAt(process.mm, AT) };
}

/** The words and place of the lowest entry of a page. */
function entryOf(process: Process, page: number): { readonly words: Int32Array; readonly at: number } {
  const { pages } = process.mm;
  const table = pages.ensure(0, page);
  return { words: pages.pool.words(table), at: pages.entryAt(table, 0, page) };
}

describe('S1, the tree of mappings', () => {
  it('S1.1: a mapping beyond the end of the address space', () => {
    const { kernel, process, vma } = scene();
    process.mm.layout.taskSize = vma.end - 1;
    expect(reported(kernel)).toEqual(['S1.1']);
  });

  it('S1.2: a map count that is off', () => {
    const { kernel, process } = scene();
    process.mm.mapCount++;
    expect(reported(kernel)).toEqual(['S1.2']);
  });

  it('S1.2: mappings made past the limit', () => {
    const { kernel, process } = scene();
    const checker = new InvariantChecker(kernel);
    checker.check();
    for (let i = 1; i < 6; i++) map(process, AT + 16 * i, 8);
    kernel.env.settings.maxMapCount = 4;
    expect(checker.check('mmap')).toMatchObject([{ invariant: 'S1.2', operation: 'mmap', objects: { mapCount: 6 } }]);
    // A limit that is lowered breaks nothing by itself.
    expect(checker.check()).toEqual([]);
  });

  it('S1.3: a tree that does not find a mapping', () => {
    const { kernel, process } = scene();
    vi.spyOn(process.mm.tree, 'find').mockReturnValue(null);
    expect(reported(kernel)).toEqual(['S1.3']);
  });

  it('S1.4: a mapping that thinks that it is in another address space', () => {
    const { kernel, vma } = scene();
    vi.spyOn(vma, 'mm', 'get').mockReturnValue(kernel.spawn().mm);
    expect(reported(kernel)).toEqual(['S1.4']);
  });

  it('S1.6: flags that do not go together', () => {
    const { kernel, vma } = scene();
    vma.flags = withoutFlags(vma.flags, VM_MAYWRITE);
    expect(reported(kernel)).toEqual(['S1.6']);
  });

  it('S1.7: a seal that is gone', () => {
    const { kernel, process, vma } = scene();
    const checker = new InvariantChecker(kernel);
    process.mseal(AT * PAGE, 8 * PAGE);
    expect(checker.check()).toEqual([]);
    vma.flags = withoutFlags(vma.flags, VM_SEALED);
    expect(checker.check('nothing')).toMatchObject([{ invariant: 'S1.7', objects: { page: AT } }]);
    broken.add('S1.7');
  });
});

describe('S2, offsets', () => {
  it('S2.1: an unfaulted mapping with another offset than its address', () => {
    const { kernel, process } = scene();
    const vma = map(process, AT + 16, 4);
    vma.pageOffset += 5;
    expect(reported(kernel)).toEqual(['S2.1']);
  });

  it('S2.2: an anonymous mapping with two offsets', () => {
    const { kernel, process } = scene();
    map(process, AT + 16, 4).anonPageOffset += 5;
    expect(reported(kernel)).toEqual(['S2.2']);
  });

  it('S2.3: an offset below the beginning', () => {
    const { kernel, process } = scene();
    const file = kernel.createFile({ kind: 'memfd', sizePages: 4 });
    process.mmap((AT + 16) * PAGE, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, { file });
    (process.mm.tree.at(AT + 16) as Vma).pageOffset = -1;
    expect(reported(kernel)).toEqual(['S2.3']);
  });
});

describe('S3, anon_vmas', () => {
  it('S3.1: a link that is in no tree', () => {
    const { kernel, process, vma } = scene();
    process.mprotect((AT + 4) * PAGE, 4 * PAGE, PROT_READ);
    removeLink(kernel.env.anonVmas, vma.chain);
    expect(reported(kernel)).toEqual(['S3.1']);
  });

  it('S3.2: links without an anon_vma', () => {
    const { kernel, process, vma } = scene();
    process.madvise(AT * PAGE, 8 * PAGE, MADV_DONTNEED);
    vma.anonVma!.numActiveVmas--;
    vma.anonVma = null;
    expect(reported(kernel)).toEqual(['S3.2']);
  });

  it('S3.3: an own anon_vma that is not among the links', () => {
    const { kernel, vma, childVma } = family();
    vma.anonVma!.numActiveVmas--;
    vma.anonVma = childVma.anonVma;
    vma.anonVma!.numActiveVmas++;
    expect(reported(kernel)).toEqual(['S3.3']);
  });

  it('S3.4: a second link to the same anon_vma', () => {
    const { kernel, vma } = scene();
    const { links } = kernel.env.anonVmas;
    links.setNext(vma.chain, links.make(vma.table, vma.row, vma.anonVma!.slot, NONE));
    expect(reported(kernel)).toEqual(['S3.4']);
  });

  it('S3.5: a link to another family', () => {
    const { kernel, process, vma } = scene();
    const other = map(process, AT + 0x1000, 4);
    process.touch(AT + 0x1000, 4);
    const { anonVmas } = kernel.env;
    anonVmas.links.setNext(vma.chain, anonVmas.links.make(vma.table, vma.row, other.anonVma!.slot, NONE));
    insertLink(anonVmas, anonVmas.links.next(vma.chain));
    expect(reported(kernel)).toEqual(['S3.5']);
  });

  it('S3.6: a child that is its own parent', () => {
    const { kernel, vma, childVma } = family();
    const child = childVma.anonVma!;
    child.parent = child;
    child.numChildren = 1;
    vma.anonVma!.numChildren--;
    expect(reported(kernel)).toEqual(['S3.6']);
  });

  it('S3.7, S3.8, S3.9: a counter that is off', () => {
    const { kernel, vma } = scene();
    vma.anonVma!.numActiveVmas++;
    expect(reported(kernel)).toEqual(['S3.7']);
    vma.anonVma!.numActiveVmas--;
    vma.anonVma!.numChildren++;
    expect(reported(kernel)).toEqual(['S3.8']);
    vma.anonVma!.numChildren--;
    vma.anonVma!.refcount++;
    expect(reported(kernel)).toEqual(['S3.9']);
  });

  it('S3.10: an anon_vma that nobody needs', () => {
    const { kernel } = scene();
    const { anonVmas } = kernel.env;
    const lost = anonVmas.inSlot(anonVmas.createRoot());
    lost.numChildren = 0;
    lost.refcount = 0;
    expect(reported(kernel)).toEqual(['S3.10']);
  });

  it('S3.11: a child that is not linked to what its parent was linked to', () => {
    const { kernel, child, childVma } = family();
    child.madvise(AT * PAGE, 8 * PAGE, MADV_DONTNEED);
    const { links } = kernel.env.anonVmas;
    removeLink(kernel.env.anonVmas, links.next(childVma.chain));
    links.setNext(childVma.chain, NONE);
    expect(reported(kernel)).toEqual(['S3.11']);
  });

  it('S3.13: anonymous pages without an anon_vma', () => {
    const { kernel, vma } = scene();
    unlinkAnonVmas(kernel.env, vma.table, vma.row);
    expect(reported(kernel)).toEqual(['S3.13']);
  });
});

describe('S4, folios and reverse mapping', () => {
  it('S4.1: a folio of another anon_vma', () => {
    const { kernel, process, frame } = scene();
    const other = map(process, AT + 0x1000, 4);
    process.touch(AT + 0x1000, 4);
    kernel.env.memory.mapping[frame] = other.anonVma!.id;
    expect(reported(kernel)).toEqual(['S4.1']);
  });

  it('S4.2: a map count that is off', () => {
    const { kernel, frame } = scene();
    kernel.env.memory.mapcount[frame]!++;
    kernel.env.memory.refcount[frame]!++;
    expect(reported(kernel)).toEqual(['S4.2']);
  });

  it('S4.3: a reference that nobody holds', () => {
    const { kernel, frame } = scene();
    kernel.env.memory.get(frame);
    expect(reported(kernel)).toEqual(['S4.3']);
  });

  it('S4.4: a shared large folio without the mark', () => {
    const { kernel, process, frame } = hugeScene();
    process.fork();
    expect(reported(kernel)).toEqual([]);
    kernel.env.memory.flags[frame]! &= ~PG_MAYBE_SHARED;
    expect(reported(kernel)).toEqual(['S4.4']);
  });

  it('S4.5: an exclusive page that is mapped twice', () => {
    const { kernel, frame } = family();
    kernel.env.memory.flags[frame]! |= PG_EXCLUSIVE;
    expect(reported(kernel)).toEqual(['S4.5']);
  });

  it('S4.6: a writable page that is not exclusive', () => {
    const { kernel, frame } = scene();
    kernel.env.memory.flags[frame]! &= ~PG_EXCLUSIVE;
    expect(reported(kernel)).toEqual(['S4.6']);
  });

  it('S4.7: an index that is off', () => {
    const { kernel, frame } = scene();
    kernel.env.memory.index[frame]!++;
    expect(reported(kernel)).toEqual(['S4.7']);
  });

  it('S4.8: a folio of an anon_vma that never was', () => {
    const { kernel, frame } = scene();
    kernel.env.memory.mapping[frame] = 4711;
    expect(reported(kernel)).toEqual(['S4.8']);
  });

  it('S4.9: a cached page that does not fit the mapping that swapped it out', () => {
    const { kernel, process, vma } = scene();
    process.madvise(AT * PAGE, PAGE, MADV_PAGEOUT);
    const { words, at } = entryOf(process, AT);
    const { memory, swap, arch } = kernel.env;
    const head = memory.allocFolio(0);
    memory.flags[head] = PG_ANON | PG_SWAPBACKED;
    memory.mapping[head] = vma.anonVma!.id;
    memory.index[head] = AT + 1;
    swap.cacheFolio(head, arch.swapOffset(words, at));
    memory.put(head);
    expect(reported(kernel)).toEqual(['S4.9']);
  });

  it('S4.10: a page of a large folio that does not know it', () => {
    const { kernel, frame } = hugeScene();
    kernel.env.memory.flags[frame + 5]! &= ~PG_TAIL;
    expect(reported(kernel)).toEqual(['S4.10']);
  });
});

describe('S5, page tables', () => {
  it('S5.1: an entry where nothing is mapped', () => {
    const { kernel, process } = scene();
    const { words, at } = entryOf(process, AT + 100);
    kernel.env.arch.setMarker(words, at, MARKER_GUARD);
    expect(reported(kernel)).toEqual(['S5.1']);
  });

  it('S5.2: resident pages, tables, and the pool of tables', () => {
    const { kernel, process } = scene();
    process.mm.rssAnon++;
    expect(reported(kernel)).toEqual(['S5.2']);
    process.mm.rssAnon--;
    kernel.env.tablePool.allocate(0);
    expect(checkInvariants(kernel)).toMatchObject([
      { invariant: 'S5.2', objects: { level: 'pte', live: 2, counted: 1 } },
    ]);
  });

  it('S5.2: a table that miscounts the tables below it', () => {
    const { kernel, process } = scene();
    const { pages } = process.mm;
    pages.pool.addLinks(pages.lookup(1, AT), 1);
    expect(checkInvariants(kernel)).toMatchObject([
      { invariant: 'S5.2', objects: { level: 'pmd', links: 2, tables: 1 } },
    ]);
  });

  it.each([
    ['a file, of which a fault maps what is cached around it', MAP_PRIVATE, 'regular'],
    ['hugetlb memory', MAP_SHARED, 'hugetlb'],
  ] as const)('S5.2 holds for %s', (_, flags, kind) => {
    const kernel = createKernel();
    const process = kernel.spawn();
    const file = kernel.createFile({ kind, sizePages: 1024, name: 'file' });
    process.mmap(AT * PAGE, 1024 * PAGE, RW, MAP_SHARED | MAP_FIXED, { file });
    process.touch(AT, 32);
    process.mmap(2 * AT * PAGE, 1024 * PAGE, RW, flags | MAP_FIXED, { file });
    process.touch(2 * AT + 8, 1, { write: false });
    expect(frameAt(process.mm, 2 * AT + 9)).toBeGreaterThan(0);
    expect(checkInvariants(kernel)).toEqual([]);
    process.munmap(2 * AT * PAGE, 1024 * PAGE);
    expect(checkInvariants(kernel)).toEqual([]);
  });

  it('S5.2: an entry that nobody announced, and a table given back with one', () => {
    const { kernel, process } = scene();
    const { pages } = process.mm;
    const table = pages.lookup(0, AT);
    pages.pool.emptied(table, 0, 512);
    expect(checkInvariants(kernel)).toMatchObject([{ invariant: 'S5.2', objects: { table, page: AT } }]);
    pages.lookupToFill(AT, 512);
    const free = kernel.env.tablePool.allocate(0);
    kernel.env.tablePool.free(free);
    kernel.env.tablePool.words(free)[kernel.env.tablePool.base(free)] = 1;
    expect(checkInvariants(kernel)).toMatchObject([{ invariant: 'S5.2', objects: { table: free } }]);
  });

  it('S5.3: a huge entry without a table in reserve', () => {
    const { kernel, process } = hugeScene();
    const { pages } = process.mm;
    pages.freeDetached(pages.withdraw(pages.lookup(1, AT)));
    expect(reported(kernel)).toEqual(['S5.3']);
  });

  it('S5.4: a contiguous block with a hole in its hint', () => {
    const sizes = new Map([[4, 'always'] as const]);
    const settings = { thp: { enabled: 'always', sizes, useZeroPage: true } as const };
    const kernel = createKernel({ arch: 'arm64-4k', settings });
    const process = kernel.spawn();
    map(process, AT, 16);
    process.touch(AT, 1);
    expect(reported(kernel)).toEqual([]);
    const { words, at } = entryOf(process, AT + 3);
    // Bit 52 of the word.
    words[at + 1]! &= ~(1 << 20);
    expect(reported(kernel)).toEqual(['S5.4']);
  });

  it('S5.5: a bit that means nothing', () => {
    const { kernel, process } = scene();
    const { words, at } = entryOf(process, AT);
    words[at + 1]! |= 1 << 21;
    expect(reported(kernel)).toEqual(['S5.5']);
  });

  it('S5.6: an entry that allows more than its mapping', () => {
    const { kernel, process } = scene();
    process.mprotect(AT * PAGE, 8 * PAGE, PROT_READ);
    const { words, at } = entryOf(process, AT);
    kernel.env.arch.mkWrite(words, at);
    expect(reported(kernel)).toEqual(['S5.6']);
  });

  it('S5.8: a guard marker in a mapping that may have none', () => {
    const { kernel, process, vma } = scene();
    process.madvise(AT * PAGE, PAGE, MADV_GUARD_INSTALL);
    vma.flags = withoutFlags(vma.flags, VM_MAYBE_GUARD);
    expect(reported(kernel)).toEqual(['S5.8']);
  });

  it('S5.9: a userfaultfd mark where nobody watches', () => {
    const { kernel, process } = scene();
    const { words, at } = entryOf(process, AT);
    kernel.env.arch.setUffdWp(words, at);
    expect(reported(kernel)).toEqual(['S5.9']);
  });
});

describe('S6, accounting', () => {
  it('S6.1, S6.2, S6.3, S6.4: a total that is off', () => {
    const { kernel, process } = scene();
    const { mm } = process;
    mm.dataVm++;
    expect(reported(kernel)).toEqual(['S6.1']);
    mm.dataVm--;
    mm.lockedVm++;
    expect(reported(kernel)).toEqual(['S6.2']);
    mm.lockedVm--;
    kernel.env.committed++;
    expect(reported(kernel)).toEqual(['S6.3']);
    kernel.env.committed--;
    mm.hiwaterVm = 0;
    expect(reported(kernel)).toEqual(['S6.4']);
  });

  it('S6.1: a mapping of another class than it was counted in', () => {
    const { kernel, vma } = scene();
    vma.flags = withoutFlags(vma.flags, VM_WRITE) | VM_EXEC;
    expect(reported(kernel)).toContain('S6.1');
  });

  it('S6.6: an address space that grew past its limit', () => {
    const { kernel, process } = scene();
    const checker = new InvariantChecker(kernel);
    checker.check();
    map(process, AT + 16, 8);
    process.mm.limits.addressSpace = 10;
    expect(checker.check('mmap')).toMatchObject([{ invariant: 'S6.6', objects: { totalVm: 16, limit: 10 } }]);
    broken.add('S6.6');
  });
});

describe('S7, locks', () => {
  it('S7: a lock, or a folio, left locked', () => {
    const locks = new LockValidator();
    const { kernel, frame } = scene({ locks });
    locks.acquire('mmap', 1, 'read');
    expect(reported(kernel)).toEqual(['S7']);
    locks.release('mmap', 1);
    kernel.env.memory.flags[frame]! |= PG_LOCKED;
    expect(reported(kernel)).toEqual(['S7']);
  });
});

it('names the operation and the objects', () => {
  const { kernel, frame } = scene();
  kernel.env.memory.index[frame]!++;
  expect(checkInvariants(kernel, 'operation 3 (touch)')).toEqual([
    {
      invariant: 'S4.7',
      what: 'the index of a page is that of the place where it is mapped',
      objects: { mm: 1, page: AT, head: frame, index: AT + 1, expected: AT },
      operation: 'operation 3 (touch)',
    },
  ]);
});

it('has a test above for each invariant that it checks', () => {
  const checked = INVARIANTS.filter(({ when }) => when.startsWith('between operations')).map(({ id }) => id);
  expect(checked.filter((id) => !broken.has(id))).toEqual([]);
});
