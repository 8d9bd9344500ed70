import { FANOUT, NONE, type NodePool } from './vma-tree-nodes.js';

/** Free pages [start, end). */
export interface Hole {
  readonly start: number;
  readonly end: number;
}

/** The end of the VMA before the one in the first slot of `leaf`; 0: there is none. */
function endBefore(pool: NodePool, leaf: number): number {
  const slot = pool.lastSlot(pool.previous(leaf));
  return slot === NONE ? 0 : (pool.bounds[2 * slot + 1] as number);
}

/** The widest gap before a VMA of a leaf. */
function widestOfLeaf(pool: NodePool, leaf: number): number {
  const { bounds } = pool;
  const first = leaf * FANOUT;
  const end = first + pool.count(leaf);
  let widest = 0;
  let from = endBefore(pool, leaf);
  for (let slot = first; slot < end; slot++) {
    const gap = (bounds[2 * slot] as number) - from;
    if (gap > widest) widest = gap;
    from = bounds[2 * slot + 1] as number;
  }
  return widest;
}

/** The widest gap below entry `index` of a branch of `level`. */
function widestBelow(pool: NodePool, branch: number, level: number, index: number): number {
  const { gaps, children } = pool;
  const known = gaps[branch * FANOUT + index] as number;
  if (known >= 0) return known;
  const child = children[branch * FANOUT + index] as number;
  let widest = 0;
  if (level === 1) {
    widest = widestOfLeaf(pool, child);
  } else {
    for (let i = pool.branchCount(child) - 1; i >= 0; i--) {
      const gap = widestBelow(pool, child, level - 1, i);
      if (gap > widest) widest = gap;
    }
  }
  gaps[branch * FANOUT + index] = widest;
  pool.markFresh(child, level - 1);
  return widest;
}

function clipped(from: number, to: number, length: number, low: number, high: number): Hole | null {
  const start = from > low ? from : low;
  const end = to < high ? to : high;
  return end - start >= length ? { start, end } : null;
}

/** The highest hole in front of one of the VMAs below `node`, a node of `level`. See `VmaTree.findHoleTopDown`. */
export function highestHole(
  pool: NodePool,
  node: number,
  level: number,
  length: number,
  low: number,
  high: number,
): Hole | null {
  if (level === 0) return highestInLeaf(pool, node, length, low, high);
  const { children, keys } = pool;
  for (let i = pool.branchCount(node) - 1; i >= 0; i--) {
    const child = children[node * FANOUT + i] as number;
    // Only the first VMA of a child above `high` can have a gap that begins below it.
    if (i > 0 && (keys[node * FANOUT + i] as number) >= high) {
      const hole = beforeFirst(pool, child, level - 1, length, low, high);
      if (hole !== null) return hole;
    } else if (widestBelow(pool, node, level, i) >= length) {
      const hole = highestHole(pool, child, level - 1, length, low, high);
      if (hole !== null) return hole;
    }
  }
  return null;
}

function highestInLeaf(pool: NodePool, leaf: number, length: number, low: number, high: number): Hole | null {
  const { bounds } = pool;
  const first = leaf * FANOUT;
  for (let slot = first + pool.count(leaf) - 1; slot >= first; slot--) {
    const start = bounds[2 * slot] as number;
    if (start - low < length) return null;
    const from = slot > first ? (bounds[2 * slot - 1] as number) : endBefore(pool, leaf);
    if (start - from < length || from >= high) continue;
    const hole = clipped(from, start, length, low, high);
    if (hole !== null) return hole;
  }
  return null;
}

function beforeFirst(
  pool: NodePool,
  node: number,
  level: number,
  length: number,
  low: number,
  high: number,
): Hole | null {
  let leaf = node;
  for (let at = level; at > 0; at--) leaf = pool.children[leaf * FANOUT] as number;
  return clipped(endBefore(pool, leaf), pool.bounds[2 * leaf * FANOUT] as number, length, low, high);
}

/** The lowest such hole. See `VmaTree.findHoleBottomUp`. */
export function lowestHole(
  pool: NodePool,
  node: number,
  level: number,
  length: number,
  low: number,
  high: number,
): Hole | null {
  if (level === 0) return lowestInLeaf(pool, node, length, low, high);
  const { children, keys } = pool;
  const count = pool.branchCount(node);
  for (let i = 0; i < count; i++) {
    if (i + 1 < count && (keys[node * FANOUT + i + 1] as number) <= low) continue;
    const child = children[node * FANOUT + i] as number;
    // Above `high`, only the gap before the very next VMA can begin below it.
    if (i > 0 && (keys[node * FANOUT + i] as number) >= high) {
      return beforeFirst(pool, child, level - 1, length, low, high);
    }
    if (widestBelow(pool, node, level, i) < length) continue;
    const hole = lowestHole(pool, child, level - 1, length, low, high);
    if (hole !== null) return hole;
  }
  return null;
}

function lowestInLeaf(pool: NodePool, leaf: number, length: number, low: number, high: number): Hole | null {
  const { bounds } = pool;
  const first = leaf * FANOUT;
  const end = first + pool.count(leaf);
  let from = endBefore(pool, leaf);
  for (let slot = first; slot < end; slot++) {
    const start = bounds[2 * slot] as number;
    if (start - from >= length) {
      const hole = clipped(from, start, length, low, high);
      if (hole !== null) return hole;
      if (from + length > high) return null;
    }
    from = bounds[2 * slot + 1] as number;
  }
  return null;
}
