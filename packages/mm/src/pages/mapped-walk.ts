import { EntryKind, type EntryWords } from '@vmakit/pagetable';
import { type RmapVma, rmapWalkAnon } from '@vmakit/rmap';
import type { Vma } from '@vmakit/vma-merge';
import type { MmEnvironment } from '../environment.js';
import type { Mm } from '../mm.js';

/** Where a page of a folio is mapped, or where a migration entry stands for it. */
export interface Mapping {
  readonly mm: Mm;
  readonly vma: Vma;
  readonly page: number;
  /** Which page of the folio; 0 for a huge entry. */
  readonly index: number;
  /** 0: a small entry, 1: a huge one. */
  readonly level: 0 | 1;
  readonly words: EntryWords;
  readonly at: number;
}

/**
 * The mappings of an anonymous folio that reverse mapping leads to, as they are now: each VMA that the walk visits,
 * each entry there that really is of this folio (spec 03 section 5). `migration`: entries of migration count, else
 * present ones.
 */
export function mappingsOf(env: MmEnvironment, head: number, migration = false, anonVmaLocked = false): Mapping[] {
  const { arch, memory } = env;
  const size = 1 << memory.order[head]!;
  const found: Mapping[] = [];
  const visit = (visited: RmapVma, at: number, first: number): boolean => {
    const vma = visited as Vma;
    const mm = vma.mm as Mm;
    for (let index = first, page = at; index < size && page < vma.end; index++, page++) {
      const table = mm.pages.lookup(0, page);
      if (table !== 0) {
        const words = mm.pages.pool.words(table);
        const entry = mm.pages.entryAt(table, 0, page);
        if (frameOf(env, words, entry, 0, migration) === head + index) {
          found.push({ mm, vma, page, index, level: 0, words, at: entry });
        }
        continue;
      }
      const huge = hugeMapping(env, mm, vma, page, head + index, migration);
      if (huge !== null && index === page % arch.pmdPages) found.push({ ...huge, index: 0 });
      const skip = arch.pmdPages - (page % arch.pmdPages) - 1;
      index += skip;
      page += skip;
    }
    return true;
  };
  rmapWalkAnon(env, head, visit, anonVmaLocked);
  return found;
}

function hugeMapping(
  env: MmEnvironment,
  mm: Mm,
  vma: Vma,
  page: number,
  frame: number,
  migration: boolean,
): Omit<Mapping, 'index'> | null {
  const pmdTable = mm.pages.lookup(1, page);
  if (pmdTable === 0) return null;
  const words = mm.pages.pool.words(pmdTable);
  const at = mm.pages.entryAt(pmdTable, 1, page);
  const into = page % env.arch.pmdPages;
  if (frameOf(env, words, at, 1, migration) !== frame - into) return null;
  return { mm, vma, page: page - into, level: 1, words, at };
}

function frameOf(env: MmEnvironment, words: EntryWords, at: number, level: 0 | 1, migration: boolean): number {
  const { arch } = env;
  const kind = arch.kindOf(words, at, level);
  if (migration) return kind === EntryKind.Migration ? arch.migrationPfn(words, at) : -1;
  return kind === EntryKind.Page && !arch.isSpecial(words, at) ? arch.pfn(words, at, level) : -1;
}
