import { NONE, VM_ACCOUNT } from '@vmakit/base';
import { unlinkAnonVmas } from '@vmakit/rmap';
import type { Mm } from '../mm.js';
import { unpinAll } from '../pages/gup.js';
import { zapRow } from '../pages/zap.js';
import { unchargeMemory } from './accounting.js';

/**
 * The end of an address space that nobody uses any more: `exit_mmap` (spec 03 section 7). Its pins go first, with the
 * files that held them; then all pages; then the VMAs are cut off from their anon_vmas in address order; then the page
 * tables and the VMAs go.
 */
export function exitMm(mm: Mm): void {
  const { env, tree } = mm;
  const { table } = tree;
  let accounted = 0;
  if (mm.hasPinned) unpinAll(mm);
  for (let row = tree.firstRow; row !== NONE; row = table.next(row)) zapRow(mm, row, table.start(row), table.end(row));
  for (let row = tree.firstRow; row !== NONE; row = table.next(row)) {
    if ((table.flagsLower(row) & VM_ACCOUNT) !== 0) accounted += table.end(row) - table.start(row);
    unlinkAnonVmas(env, table, row);
  }
  mm.pages.destroy();
  while (tree.lastRow !== NONE) tree.remove(tree.lastRow);
  mm.mapCount = 0;
  mm.totalVm = 0;
  mm.dataVm = 0;
  mm.execVm = 0;
  mm.stackVm = 0;
  mm.lockedVm = 0;
  if (accounted !== 0) unchargeMemory(mm, accounted);
}
