import { PG_ANON } from '@vmakit/folio';
import { MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE, type Mm, beginMigration, finishMigration } from '@vmakit/mm';
import { EntryKind } from '@vmakit/pagetable';
import type { Operation } from '@vmakit/trace';
import { type ScenarioMachine, isRefusal } from '../machine.js';

/**
 * What a call can find and no operation of a scenario brings about: somebody else is at work on a page meanwhile, or
 * the memory is of a kind that scenarios do not have.
 *
 * - in-migration: a page of the range is being migrated, and put back when the call is over
 * - in-swap-cache: an entry of the range is swapped out, its page still in the swap cache, as reclaim leaves it just
 *   before it writes
 * - dev-zero: the range is a private mapping of /dev/zero, its `n`-th page of the file first
 */
export type Circumstance = 'in-migration' | 'in-swap-cache' | 'dev-zero';

const CIRCUMSTANCES: ReadonlySet<string> = new Set<Circumstance>(['in-migration', 'in-swap-cache', 'dev-zero']);

/** Whether it is a circumstance, not a point that fails. */
export function isCircumstance(name: string): name is Circumstance {
  return CIRCUMSTANCES.has(name);
}

/**
 * Brings a circumstance about for the `n`-th page (from 1) of the range of an mremap.
 *
 * @returns what ends it after the call; null when it cannot be brought about there
 */
export function bringAbout(
  machine: ScenarioMachine,
  operation: Operation,
  circumstance: Circumstance,
  n: number,
): (() => void) | null {
  if (operation.op !== 'mremap') return null;
  const { arena } = machine;
  const { mm } = machine.process(operation.p);
  const start = arena.page(operation.addr);
  const pages = arena.pages(operation.oldLen);
  if (n > pages) return null;
  switch (circumstance) {
    case 'in-migration':
      return migrate(mm, start + n - 1);
    case 'in-swap-cache':
      return swapOutCached(mm, start + n - 1);
    case 'dev-zero':
      return mapDevice(machine, operation.p, start, pages, n);
  }
}

function migrate(mm: Mm, page: number): (() => void) | null {
  const head = anonymousFolioAt(mm, page);
  if (head < 0 || !beginMigration(mm.env, head)) return null;
  return () => finishMigration(mm.env, head);
}

/** Puts the folio of one page into the swap cache, and swap in the place of its entry. */
function swapOutCached(mm: Mm, page: number): (() => void) | null {
  const { arch, memory, swap } = mm.env;
  const head = anonymousFolioAt(mm, page);
  if (head < 0 || memory.order[head] !== 0 || memory.mapcount[head] !== 1) return null;
  const slot = swap.addFolio(head);
  if (slot < 0) return null;
  const table = mm.pages.lookup(0, page);
  arch.setSwap(mm.pages.pool.words(table), mm.pages.entryAt(table, 0, page), 0, slot, 64);
  swap.duplicate(slot);
  (memory.mapcount[head] as number)--;
  (memory.refcount[head] as number)--;
  mm.rssAnon--;
  mm.swapEntries++;
  return () => undefined;
}

function mapDevice(machine: ScenarioMachine, p: number, start: number, pages: number, n: number): (() => void) | null {
  const process = machine.process(p);
  const { pageSize } = process.mm.env.arch;
  const file = machine.kernel.createFile({ kind: 'zero', sizePages: n - 1 + pages, name: '/dev/zero' });
  const mapping = { file, offset: (n - 1) * pageSize };
  const [address, length] = [BigInt(start) * BigInt(pageSize), pages * pageSize];
  const result = process.mmap(address, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, mapping);
  if (isRefusal(result)) return null;
  process.touch(start, pages, { write: true, stride: 1, value: 1 });
  return () => undefined;
}

/** Head of the anonymous folio that a small entry maps; -1 when it maps none. */
function anonymousFolioAt(mm: Mm, page: number): number {
  const { arch, memory } = mm.env;
  const table = mm.pages.lookup(0, page);
  if (table === 0) return -1;
  const words = mm.pages.pool.words(table);
  const at = mm.pages.entryAt(table, 0, page);
  if (arch.kindOf(words, at, 0) !== EntryKind.Page) return -1;
  const head = memory.headOf(arch.pfn(words, at, 0));
  return ((memory.flags[head] as number) & PG_ANON) === 0 ? -1 : head;
}
