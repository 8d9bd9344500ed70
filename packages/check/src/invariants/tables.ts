import { EntryKind } from '@vmakit/pagetable';
import type { Mm, MmEnvironment } from '@vmakit/mm';
import { VM_HUGETLB } from '@vmakit/base';
import type { TableVisitor } from '../entry-walk.js';
import type { ViolationList } from '../violation.js';

/**
 * S5.2 and S5.3: the tables that can be reached are the tables that the address space counts, and there is a table in
 * reserve for each huge entry of ordinary memory. `walk` goes through the tables.
 */
export function checkTableCounts(mm: Mm, violations: ViolationList, walk: (onTable: TableVisitor) => void): void {
  const { arch, tables, root } = mm.pages;
  const counted = new Int32Array(arch.levels.length);
  (counted[arch.topLevel] as number)++;
  let deposits = arch.topLevel === arch.pmdLevel ? checkDeposits(mm, root, 0, violations) : 0;
  checkLinks(mm, root, arch.topLevel, violations);
  walk((level, page, _words, _at, table) => {
    (counted[level - 1] as number)++;
    if (level > 1) checkLinks(mm, table, level - 1, violations);
    else checkFilled(mm, table, page, violations);
    if (level - 1 === arch.pmdLevel) deposits += checkDeposits(mm, table, page, violations);
  });
  (counted[0] as number) += deposits;
  for (let level = 0; level < counted.length; level++) {
    if (counted[level] === tables[level]) continue;
    violations.add('S5.2', 'the tables counted are those that can be reached', {
      mm: mm.id,
      level: arch.level(level).name,
      counted: tables[level] as number,
      reachable: counted[level] as number,
    });
  }
}

/** Tables of all address spaces together are those that the pool has handed out; the others are all zero. */
export function checkPool(env: MmEnvironment, mms: readonly Mm[], violations: ViolationList): void {
  const { live } = env.tablePool;
  const uncleared = env.tablePool.findUncleared();
  if (uncleared !== 0) violations.add('S5.2', 'a table that is given back is empty', { table: uncleared });
  for (let level = 0; level < live.length; level++) {
    let sum = 0;
    for (const mm of mms) sum += mm.pages.tables[level] as number;
    if (sum === live[level]) continue;
    violations.add('S5.2', 'no table is lost: what was allocated and not freed belongs to an address space', {
      level: env.arch.level(level).name,
      live: live[level] as number,
      counted: sum,
    });
  }
}

/** Filled entries of a table of the lowest level are where the pool was told that they may be. */
function checkFilled(mm: Mm, table: number, firstPage: number, violations: ViolationList): void {
  const { arch, pool } = mm.pages;
  const words = pool.words(table);
  const base = pool.base(table);
  for (let i = 0; i < arch.level(0).entries; i++) {
    if (arch.isNone(words, base + 2 * i) || pool.mayBeFilled(table, i)) continue;
    violations.add('S5.2', 'an entry is filled where that was announced', { mm: mm.id, table, page: firstPage + i });
    return;
  }
}

/** A table of `level`, above the lowest, that counts the tables below it counts them right, and has nothing else. */
function checkLinks(mm: Mm, table: number, level: number, violations: ViolationList): void {
  const { arch, pool } = mm.pages;
  const links = pool.links(table);
  if (links < 0) return;
  const words = pool.words(table);
  const base = pool.base(table);
  let tables = 0;
  let others = 0;
  for (let at = base; at < base + 2 * arch.level(level).entries; at += 2) {
    if (arch.isTable(words, at)) tables++;
    else if (!arch.isNone(words, at)) others++;
  }
  if (tables === links && others === 0) return;
  violations.add('S5.2', 'a table that has no leaves counts the tables below it', {
    mm: mm.id,
    table,
    level: arch.level(level).name,
    links,
    tables,
    others,
  });
}

/** Compares tables in reserve with huge entries; gives the number in reserve. */
function checkDeposits(mm: Mm, pmdTable: number, firstPage: number, violations: ViolationList): number {
  const { arch, pool } = mm.pages;
  const { entries, span } = arch.level(arch.pmdLevel);
  const words = pool.words(pmdTable);
  const base = pool.base(pmdTable);
  let huge = 0;
  for (let i = 0; i < entries; i++) {
    const kind = arch.kindOf(words, base + 2 * i, arch.pmdLevel);
    if (kind !== EntryKind.Page && kind !== EntryKind.Migration) continue;
    const vma = mm.tree.at(firstPage + i * span);
    // Memory of hugetlb, and of files, has no table in reserve.
    if (vma !== null && ((vma.flags & VM_HUGETLB) !== 0 || (vma.file !== null && !vma.faulted))) continue;
    huge++;
  }
  const deposited = pool.deposited(pmdTable);
  if (deposited !== huge) {
    violations.add('S5.3', 'there is a table in reserve for each huge entry', {
      mm: mm.id,
      page: firstPage,
      huge,
      deposited,
    });
  }
  return deposited;
}
