import { NONE, type SysResult, VM_UFFD_MASK, refuse } from '@vmakit/base';
import type { VmaTable } from '@vmakit/vma-merge';
import { checkVma } from './check-vma.js';
import type { RemapOperation } from './operation.js';
import { remapTo } from './remap-to.js';

/**
 * A FIXED call of equal sizes: moves every VMA of the range, one after the other, with the gaps between them (spec 05
 * section 6). Parts that have moved stay moved when a later one fails.
 *
 * @returns the address of the first part
 */
export function moveMany(op: RemapOperation): SysResult {
  const { mm } = op;
  const { table } = mm.tree;
  const { address: start, oldEnd: end } = op;
  let result = -1;
  let target = op.newAddress;
  let previousEnd = start;
  for (let part = 0; ; part++) {
    const row = previousEnd < end ? mm.tree.firstRowOverlapping(previousEnd, end) : NONE;
    if (row === NONE) {
      return result >= 0 ? result : refuse('EFAULT', 'spec 05.6: nothing is mapped in the range', { start, end });
    }
    const vmaStart = table.start(row);
    const vmaEnd = table.end(row);
    if (part === 0 && vmaStart > start) {
      return refuse('EFAULT', 'spec 05.6: the range begins in a gap', { start, mapped: vmaStart });
    }
    if (!mayMoveWithOthers(table, row) && (part > 0 || end > vmaEnd)) {
      return refuse('EFAULT', 'spec 05.6: this mapping moves only by itself', { start: vmaStart, part });
    }
    const from = Math.max(vmaStart, start);
    const partEnd = Math.min(vmaEnd, end);
    target += from - previousEnd;
    beginPart(op, part, row, from, partEnd - from, target);
    const moved = checkVma(op) ?? remapTo(op);
    if (typeof moved !== 'number') return moved;
    if (part === 0) result = moved;
    target += partEnd - from;
    previousEnd = partEnd;
  }
}

function beginPart(op: RemapOperation, part: number, row: number, from: number, pages: number, target: number): void {
  op.part = part;
  op.row = row;
  op.address = from;
  op.oldPages = pages;
  op.newPages = pages;
  op.newAddress = target;
}

/**
 * Whether a VMA may be one of several: not when a userfaultfd watches it, nor when its file wants to choose addresses
 * itself.
 */
function mayMoveWithOthers(table: VmaTable, row: number): boolean {
  if (table.hasAny(row, VM_UFFD_MASK)) return false;
  const file = table.file(row);
  return file === null || (file.kind !== 'special' && file.kind !== 'zero');
}
