import { type SysResult, VM_UFFD_MASK, refuse } from '@vmakit/base';
import type { Vma } from '@vmakit/vma-merge';
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
  const { address: start, oldEnd: end } = op;
  let result = -1;
  let target = op.newAddress;
  let previousEnd = start;
  for (let part = 0; ; part++) {
    const vma = previousEnd < end ? mm.tree.firstOverlap(previousEnd, end) : null;
    if (vma === null) {
      return result >= 0 ? result : refuse('EFAULT', 'spec 05.6: nothing is mapped in the range', { start, end });
    }
    if (part === 0 && vma.start > start) {
      return refuse('EFAULT', 'spec 05.6: the range begins in a gap', { start, mapped: vma.start });
    }
    if (!mayMoveWithOthers(vma) && (part > 0 || end > vma.end)) {
      return refuse('EFAULT', 'spec 05.6: this mapping moves only by itself', { start: vma.start, part });
    }
    const from = Math.max(vma.start, start);
    const partEnd = Math.min(vma.end, end);
    target += from - previousEnd;
    beginPart(op, part, vma, from, partEnd - from, target);
    const moved = checkVma(op) ?? remapTo(op);
    if (typeof moved !== 'number') return moved;
    if (part === 0) result = moved;
    target += partEnd - from;
    previousEnd = partEnd;
  }
}

function beginPart(op: RemapOperation, part: number, vma: Vma, from: number, pages: number, target: number): void {
  op.part = part;
  op.vma = vma;
  op.address = from;
  op.oldPages = pages;
  op.newPages = pages;
  op.newAddress = target;
}

/**
 * Whether a VMA may be one of several: not when a userfaultfd watches it, nor when its file wants to choose addresses
 * itself.
 */
function mayMoveWithOthers(vma: Vma): boolean {
  if (vma.hasAny(VM_UFFD_MASK)) return false;
  const { file } = vma;
  return file === null || (file.kind !== 'special' && file.kind !== 'zero');
}
