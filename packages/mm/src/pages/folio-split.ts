import { VM_LOCKED } from '@vmakit/base';
import { PG_ANON, PG_DIRTY, PG_EXCLUSIVE, PG_PARTIALLY_MAPPED, PG_SWAPCACHE, removeLargeMappings } from '@vmakit/folio';
import { SOFT_DIRTY, SPECIAL, UFFD_WP, YOUNG } from '@vmakit/pagetable';
import type { MmEnvironment } from '../environment.js';
import { type Mapping, mappingsOf } from './mapped-walk.js';
import { pageProtection } from './page-protection.js';
import { entryState, splitHugePmd } from './thp.js';

/** Why a folio could not be split: it is referenced or pinned by others, or belongs to no living anon_vma. */
export type SplitFailure = 'EAGAIN' | 'EBUSY';

/**
 * Splits a large anonymous folio into single pages, under the lock of its anon_vma. Whoever calls it holds one
 * reference, which stays with the head. Huge entries of it are split first; each page keeps its entries and marks.
 * Pages that nobody maps are freed, and entries of pages that hold nothing but zeroes change over to the zero page
 * (spec 07 section 1).
 *
 * @returns null when done, or why not. Huge entries may be split then all the same.
 */
export function splitFolio(env: MmEnvironment, head: number): SplitFailure | null {
  const { memory, injector, locks } = env;
  if (injector !== null && injector.fails('folio-split')) return 'EAGAIN';
  if ((memory.flags[head]! & PG_ANON) === 0) return 'EBUSY';
  const anonVma = env.anonVmas.byId(memory.mapping[head]!);
  if (anonVma === undefined) return 'EBUSY';
  if (locks.enabled) locks.acquire('anon-vma', anonVma.root.id, 'write');
  const failure = splitLocked(env, head);
  if (locks.enabled) locks.release('anon-vma', anonVma.root.id);
  return failure;
}

function splitLocked(env: MmEnvironment, head: number): SplitFailure | null {
  const { memory } = env;
  const pages = 1 << memory.order[head]!;
  const cacheReferences = (memory.flags[head]! & PG_SWAPCACHE) !== 0 ? pages : 0;
  if (memory.refcount[head] !== memory.folioMapcount(head) + cacheReferences + 1) return 'EAGAIN';
  const mappings = smallMappingsOf(env, head, true);
  if (mappings.length !== memory.folioMapcount(head)) {
    // Those that were reached had been unmapped, and were put back: for a moment the folio was partly mapped.
    if (mappings.length > 0) memory.flags[head]! |= PG_PARTIALLY_MAPPED;
    return 'EAGAIN';
  }
  gatherDirty(env, head, mappings);
  for (const { mm } of mappings) removeLargeMappings(memory, head, mm.id, 1);
  if (cacheReferences !== 0) env.swap.splitFolio(head, pages);
  memory.breakUp(head, cacheReferences !== 0 ? 1 : 0);
  for (const mapping of mappings) remap(env, head, mapping, cacheReferences === 0);
  memory.refcount[head]!++;
  for (let page = head + 1; page < head + pages; page++) {
    if (memory.refcount[page] === 0) release(env, page);
  }
  return null;
}

/** The mappings of the folio that reverse mapping leads to, all by small entries: huge ones are split. */
export function smallMappingsOf(env: MmEnvironment, head: number, anonVmaLocked = false): Mapping[] {
  const found = mappingsOf(env, head, false, anonVmaLocked);
  const huge = found.filter((mapping) => mapping.level === 1);
  if (huge.length === 0) return found;
  for (const { mm, vma, page } of huge) splitHugePmd(mm, vma, page);
  // References and mapcounts have grown with the split; the walk finds the small entries now.
  return mappingsOf(env, head, false, anonVmaLocked);
}

function gatherDirty(env: MmEnvironment, head: number, mappings: readonly Mapping[]): void {
  if (mappings.some(({ words, at }) => env.arch.isDirty(words, at))) env.memory.flags[head]! |= PG_DIRTY;
}

/** What taking an entry away for migration and putting it back leaves: the same marks, now of a single page. */
function remap(env: MmEnvironment, head: number, mapping: Mapping, mayUseZeroPage: boolean): void {
  const { arch, memory } = env;
  const { mm, vma, words, at, index } = mapping;
  const page = head + index;
  const state = entryState(mm, words, at);
  const prot = pageProtection(env, vma);
  arch.clear(words, at);
  if (mayUseZeroPage && memory.content[page] === 0 && (vma.flags & VM_LOCKED) === 0) {
    const kept = state & (SOFT_DIRTY | UFFD_WP);
    arch.setPage(words, at, 0, memory.zeroFrame, prot, SPECIAL | YOUNG | kept);
    memory.mapcount[page]!--;
    mm.rssAnon--;
    return;
  }
  memory.refcount[page]!++;
  arch.setPage(words, at, 0, page, prot, state);
}

/** A page of a split folio that nothing refers to. */
function release(env: MmEnvironment, page: number): void {
  const { memory } = env;
  memory.flags[page]! &= ~PG_EXCLUSIVE;
  memory.refcount[page] = 1;
  memory.put(page);
}

/** Locks a folio, splits it and unlocks it again. False when it is locked or cannot be split. */
export function trySplitFolio(env: MmEnvironment, head: number): boolean {
  const { memory } = env;
  if (!memory.trylock(head)) return false;
  memory.get(head);
  const done = splitFolio(env, head) === null;
  memory.unlock(head);
  memory.put(head);
  return done;
}
