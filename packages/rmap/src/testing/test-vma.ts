import { NONE } from '@vmakit/base';
import { type AnonVma, type RmapMm, type RmapVma, type RmapVmaTable, anonVmaOf } from '../anon-vma.js';
import type { AnonVmaRegistry } from '../anon-vma-registry.js';

/** An anonymous VMA [start, end) of process `id`, without an address space around it. */
export class TestVma implements RmapVma {
  readonly table: TestTable;
  readonly row: number;
  start: number;
  end: number;
  pageOffset: number;
  anonPageOffset: number;
  flags = 0;
  anonVmaSlot: number = NONE;
  chain: number = NONE;
  prev: TestVma | null = null;
  next: TestVma | null = null;

  /** @param table the other VMAs of its process, if it has any */
  constructor(
    anonVmas: AnonVmaRegistry,
    id: number,
    start: number,
    end: number,
    pageOffset = start,
    table = new TestTable({ id, anonVmas }),
  ) {
    this.table = table;
    this.row = table.add(this);
    this.start = start;
    this.end = end;
    this.pageOffset = pageOffset;
    this.anonPageOffset = pageOffset;
  }

  get mm(): RmapMm {
    return this.table.mm;
  }

  get anonVma(): AnonVma | null {
    return anonVmaOf(this);
  }
}

/** The VMAs of one process, in the order in which they were made. */
export class TestTable implements RmapVmaTable {
  readonly mm: RmapMm;
  linkOwner: number = NONE;
  readonly #vmas: TestVma[] = [];

  constructor(mm: RmapMm) {
    this.mm = mm;
  }

  /** Gives the row of a VMA that is new. */
  add(vma: TestVma): number {
    return this.#vmas.push(vma) - 1;
  }

  start(row: number): number {
    return this.view(row).start;
  }

  end(row: number): number {
    return this.view(row).end;
  }

  pageOffset(row: number): number {
    return this.view(row).pageOffset;
  }

  anonPageOffset(row: number): number {
    return this.view(row).anonPageOffset;
  }

  flags(row: number): number {
    return this.view(row).flags;
  }

  haveSameBacking(): boolean {
    return true;
  }

  prev(row: number): number {
    return this.view(row).prev?.row ?? NONE;
  }

  next(row: number): number {
    return this.view(row).next?.row ?? NONE;
  }

  anonVmaSlot(row: number): number {
    return this.view(row).anonVmaSlot;
  }

  setAnonVmaSlot(row: number, slot: number): void {
    this.view(row).anonVmaSlot = slot;
  }

  chain(row: number): number {
    return this.view(row).chain;
  }

  setChain(row: number, link: number): void {
    this.view(row).chain = link;
  }

  view(row: number): TestVma {
    return this.#vmas[row] as TestVma;
  }
}
