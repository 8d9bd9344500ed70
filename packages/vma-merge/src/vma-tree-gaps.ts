import { Leaf, type TreeNode } from './vma-tree-nodes.js';
import type { Vma } from './vma.js';

/** Free pages [start, end). */
export interface Hole {
  readonly start: number;
  readonly end: number;
}

/** The widest gap before a VMA of the subtree, pages. */
function widestGap(node: TreeNode): number {
  if (node.widestGap >= 0) return node.widestGap;
  let widest = 0;
  if (node instanceof Leaf) {
    for (let i = 0; i < node.count; i++) {
      const vma = node.vmas[i] as Vma;
      const gap = vma.prev === null ? vma.start : vma.start - vma.prev.end;
      if (gap > widest) widest = gap;
    }
  } else {
    for (let i = 0; i < node.count; i++) {
      const gap = widestGap(node.children[i] as TreeNode);
      if (gap > widest) widest = gap;
    }
  }
  node.widestGap = widest;
  return widest;
}

function clipped(vma: Vma, length: number, low: number, high: number): Hole | null {
  const start = Math.max(vma.prev === null ? 0 : vma.prev.end, low);
  const end = Math.min(vma.start, high);
  return end - start >= length ? { start, end } : null;
}

function behindLast(last: Vma | null, length: number, low: number, high: number): Hole | null {
  const start = Math.max(last === null ? 0 : last.end, low);
  return high - start >= length ? { start, end: high } : null;
}

/** See {@link VmaTree.findHoleTopDown}. */
export function highestHole(root: TreeNode, last: Vma | null, length: number, low: number, high: number): Hole | null {
  return behindLast(last, length, low, high) ?? highestBefore(root, length, low, high);
}

/** The highest hole in front of one of the subtree's VMAs. */
function highestBefore(node: TreeNode, length: number, low: number, high: number): Hole | null {
  if (widestGap(node) < length) return null;
  for (let i = node.count - 1; i >= 0; i--) {
    let hole: Hole | null;
    if (node instanceof Leaf) {
      const vma = node.vmas[i] as Vma;
      if (vma.start - low < length) return null;
      if (vma.prev !== null && vma.prev.end >= high) continue;
      hole = clipped(vma, length, low, high);
    } else {
      // Only the first VMA of a child above `high` can have a gap that begins below it.
      const child = node.children[i] as TreeNode;
      const beginsAbove = i > 0 && (node.keys[i] as number) >= high;
      hole = beginsAbove ? beforeFirst(child, length, low, high) : highestBefore(child, length, low, high);
    }
    if (hole !== null) return hole;
  }
  return null;
}

function beforeFirst(node: TreeNode, length: number, low: number, high: number): Hole | null {
  let at = node;
  while (!(at instanceof Leaf)) at = at.children[0] as TreeNode;
  return clipped(at.vmas[0] as Vma, length, low, high);
}

/** See {@link VmaTree.findHoleBottomUp}. */
export function lowestHole(root: TreeNode, last: Vma | null, length: number, low: number, high: number): Hole | null {
  return lowestBefore(root, length, low, high) ?? behindLast(last, length, low, high);
}

function lowestBefore(node: TreeNode, length: number, low: number, high: number): Hole | null {
  if (widestGap(node) < length) return null;
  for (let i = 0; i < node.count; i++) {
    let hole: Hole | null;
    if (node instanceof Leaf) {
      const vma = node.vmas[i] as Vma;
      if (vma.start - low < length) continue;
      if (vma.prev !== null && vma.prev.end + length > high) return null;
      hole = clipped(vma, length, low, high);
    } else {
      if (i + 1 < node.count && (node.keys[i + 1] as number) <= low) continue;
      hole = lowestBefore(node.children[i] as TreeNode, length, low, high);
    }
    if (hole !== null) return hole;
  }
  return null;
}
