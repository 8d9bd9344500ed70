import { FANOUT_SHIFT, IntervalTree, NONE } from '@vmakit/base';
import type { Vma } from './vma.js';

/** Free pages [start, end). */
export interface Hole {
  readonly start: number;
  readonly end: number;
  /** The VMA behind it. */
  readonly next: Vma | null;
}

/** VMAs by address; what is known of a subtree is the widest gap before one of its VMAs. */
export class GapTree extends IntervalTree<Vma> {
  /** The end of the VMA before the first one of `leaf`; 0: there is none. */
  endBefore(leaf: number): number {
    const { nodes } = this;
    const slot = nodes.lastSlot(nodes.previous(leaf));
    return slot === NONE ? 0 : (nodes.bounds[2 * slot + 1] as number);
  }

  protected override summaryOfLeaf(leaf: number): number {
    const { bounds } = this.nodes;
    const first = leaf << FANOUT_SHIFT;
    const end = first + this.nodes.count(leaf);
    let widest = 0;
    let from = this.endBefore(leaf);
    for (let slot = first; slot < end; slot++) {
      const gap = (bounds[2 * slot] as number) - from;
      if (gap > widest) widest = gap;
      from = bounds[2 * slot + 1] as number;
    }
    return widest;
  }
}

/** What [low, high) has of the gap from `from` to the VMA in `slot`, if that is `length` pages at least. */
function clipped(tree: GapTree, from: number, slot: number, length: number, low: number, high: number): Hole | null {
  const { bounds, items } = tree.nodes;
  const to = bounds[2 * slot] as number;
  const start = from > low ? from : low;
  const end = to < high ? to : high;
  return end - start >= length ? { start, end, next: items[slot] as Vma } : null;
}

/** The highest hole in front of one of the VMAs below `node`, a node of `level`. See `VmaTree.findHoleTopDown`. */
export function highestHole(
  tree: GapTree,
  node: number,
  level: number,
  length: number,
  low: number,
  high: number,
): Hole | null {
  if (level === 0) return highestInLeaf(tree, node, length, low, high);
  const { children, keys, summaries } = tree.nodes;
  const first = node << FANOUT_SHIFT;
  for (let i = tree.nodes.branchCount(node) - 1; i >= 0; i--) {
    const known = summaries[first + i] as number;
    // What is known to be too narrow needs no further look.
    if (known >= 0 && known < length) continue;
    const child = children[first + i] as number;
    // Only the first VMA of a child above `high` can have a gap that begins below it.
    if (i > 0 && (keys[first + i] as number) >= high) {
      const hole = beforeFirst(tree, child, level - 1, length, low, high);
      if (hole !== null) return hole;
    } else if (known >= 0 || tree.summaryBelow(node, level, i) >= length) {
      const hole = highestHole(tree, child, level - 1, length, low, high);
      if (hole !== null) return hole;
    }
  }
  return null;
}

function highestInLeaf(tree: GapTree, leaf: number, length: number, low: number, high: number): Hole | null {
  const { bounds } = tree.nodes;
  const first = leaf << FANOUT_SHIFT;
  for (let slot = first + tree.nodes.count(leaf) - 1; slot >= first; slot--) {
    const start = bounds[2 * slot] as number;
    if (start - low < length) return null;
    const from = slot > first ? (bounds[2 * slot - 1] as number) : tree.endBefore(leaf);
    if (start - from < length || from >= high) continue;
    const hole = clipped(tree, from, slot, length, low, high);
    if (hole !== null) return hole;
  }
  return null;
}

function beforeFirst(
  tree: GapTree,
  node: number,
  level: number,
  length: number,
  low: number,
  high: number,
): Hole | null {
  const { nodes } = tree;
  let leaf = node;
  for (let at = level; at > 0; at--) leaf = nodes.children[leaf << FANOUT_SHIFT] as number;
  return clipped(tree, tree.endBefore(leaf), leaf << FANOUT_SHIFT, length, low, high);
}

/** The lowest such hole. See `VmaTree.findHoleBottomUp`. */
export function lowestHole(
  tree: GapTree,
  node: number,
  level: number,
  length: number,
  low: number,
  high: number,
): Hole | null {
  if (level === 0) return lowestInLeaf(tree, node, length, low, high);
  const { children, keys } = tree.nodes;
  const count = tree.nodes.branchCount(node);
  for (let i = 0; i < count; i++) {
    if (i + 1 < count && (keys[(node << FANOUT_SHIFT) + i + 1] as number) <= low) continue;
    const child = children[(node << FANOUT_SHIFT) + i] as number;
    // Above `high`, only the gap before the very next VMA can begin below it.
    if (i > 0 && (keys[(node << FANOUT_SHIFT) + i] as number) >= high) {
      return beforeFirst(tree, child, level - 1, length, low, high);
    }
    if (tree.summaryBelow(node, level, i) < length) continue;
    const hole = lowestHole(tree, child, level - 1, length, low, high);
    if (hole !== null) return hole;
  }
  return null;
}

function lowestInLeaf(tree: GapTree, leaf: number, length: number, low: number, high: number): Hole | null {
  const { bounds } = tree.nodes;
  const first = leaf << FANOUT_SHIFT;
  const end = first + tree.nodes.count(leaf);
  let from = tree.endBefore(leaf);
  for (let slot = first; slot < end; slot++) {
    const start = bounds[2 * slot] as number;
    if (start - from >= length) {
      const hole = clipped(tree, from, slot, length, low, high);
      if (hole !== null) return hole;
      if (from + length > high) return null;
    }
    from = bounds[2 * slot + 1] as number;
  }
  return null;
}
