import { NONE } from '@vmakit/base';
import { type AnonVma, type RmapMm, type RmapVma, anonVmaOf } from '../anon-vma.js';
import type { AnonVmaRegistry } from '../anon-vma-registry.js';

/** An anonymous VMA [start, end) of process `id`, without an address space around it. */
export class TestVma implements RmapVma {
  readonly mm: RmapMm;
  start: number;
  end: number;
  pageOffset: number;
  anonPageOffset: number;
  flags = 0;
  anonVmaSlot: number = NONE;
  chain: number = NONE;
  readonly file = null;
  readonly policy = null;
  prev: RmapVma | null = null;
  next: RmapVma | null = null;

  constructor(anonVmas: AnonVmaRegistry, id: number, start: number, end: number, pageOffset = start) {
    this.mm = { id, anonVmas };
    this.start = start;
    this.end = end;
    this.pageOffset = pageOffset;
    this.anonPageOffset = pageOffset;
  }

  get anonVma(): AnonVma | null {
    return anonVmaOf(this);
  }
}
