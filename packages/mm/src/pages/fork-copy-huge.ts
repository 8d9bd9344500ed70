import { VM_HUGETLB, VM_UFFD_WP } from '@vmakit/base';
import { PG_ANON, PG_EXCLUSIVE } from '@vmakit/folio';
import { EntryKind, MigrationKind } from '@vmakit/pagetable';
import { addRmapPmd, maybeDmaPinned } from '@vmakit/rmap';
import type { ForkCopy } from './fork-tables.js';
import { makeMigrationReadable } from './migration-entry.js';
import { splitHugePmd } from './thp.js';

/**
 * Copies a huge entry for a forked child. `split`: it had to be split, since its folio is pinned; the small entries are
 * to be copied one by one then.
 */
export function copyHugeEntry(copy: ForkCopy, page: number): 'copied' | 'split' | 'no-memory' {
  const { child, parent, childVma, parentVma } = copy;
  const { arch, memory } = child.env;
  const parentTable = parent.pages.lookup(1, page);
  const source = parent.pages.pool.words(parentTable);
  const at = parent.pages.entryAt(parentTable, 1, page);
  const kind = arch.kindOf(source, at, 1);
  const isHugetlb = (parentVma.flags & VM_HUGETLB) !== 0;
  const head = kind === EntryKind.Page && !arch.isSpecial(source, at) ? arch.pfn(source, at, 1) : -1;
  if (head >= 0 && isPinnedExclusive(copy, head) && !isHugetlb) {
    splitHugePmd(parent, parentVma, page);
    return 'split';
  }
  const childTable = child.pages.ensure(1, page);
  if (childTable === 0) return 'no-memory';
  if (!isHugetlb) {
    const reserve = child.pages.allocateDetached();
    if (reserve === 0) return 'no-memory';
    child.pages.deposit(childTable, reserve);
  }
  if (head >= 0) {
    memory.flags[head]! &= ~PG_EXCLUSIVE;
    memory.get(head);
    addRmapPmd(memory, head, child.id);
    if (!isHugetlb) child.rssAnon += arch.pmdPages;
  } else if (kind === EntryKind.Migration) {
    memory.flags[arch.migrationPfn(source, at)]! &= ~PG_EXCLUSIVE;
    makeMigrationReadable(arch, source, at, MigrationKind.Read);
    child.rssAnon += arch.pmdPages;
  }
  const target = child.pages.pool.words(childTable);
  const targetAt = child.pages.entryAt(childTable, 1, page);
  if (kind === EntryKind.Page && copy.cow) arch.wrprotect(source, at);
  child.pages.pool.holdsLeaves(childTable);
  target[targetAt] = source[at]!;
  target[targetAt + 1] = source[at + 1]!;
  if (kind === EntryKind.Page) arch.mkOld(target, targetAt);
  if ((childVma.flags & VM_UFFD_WP) === 0 && arch.isUffdWp(target, targetAt)) arch.clearUffdWp(target, targetAt);
  return 'copied';
}

function isPinnedExclusive(copy: ForkCopy, head: number): boolean {
  const { memory } = copy.parent.env;
  const flags = memory.flags[head]!;
  return (
    copy.parent.hasPinned && (flags & PG_ANON) !== 0 && (flags & PG_EXCLUSIVE) !== 0 && maybeDmaPinned(memory, head)
  );
}
