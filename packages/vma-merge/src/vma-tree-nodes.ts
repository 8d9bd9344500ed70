import type { Vma } from './vma.js';

/** Entries a node has room for; a node that reaches it is split. */
export const FANOUT = 32;

export type TreeNode = Branch | Leaf;

/** A node with VMAs. */
export class Leaf {
  count = 0;
  readonly starts: Float64Array = new Float64Array(FANOUT);
  readonly vmas: (Vma | null)[] = new Array<Vma | null>(FANOUT).fill(null);
  parent: Branch | null = null;
  prev: Leaf | null = null;
  next: Leaf | null = null;
  /** The widest gap before one of its VMAs, pages; -1: to be computed. */
  widestGap = -1;

  lastVma(): Vma {
    return this.vmas[this.count - 1] as Vma;
  }

  insertAt(at: number, vma: Vma): void {
    const { starts, vmas } = this;
    for (let i = this.count; i > at; i--) {
      starts[i] = starts[i - 1] as number;
      vmas[i] = vmas[i - 1] as Vma;
    }
    starts[at] = vma.start;
    vmas[at] = vma;
    this.count++;
  }

  removeAt(at: number): void {
    const { starts, vmas } = this;
    const last = --this.count;
    for (let i = at; i < last; i++) {
      starts[i] = starts[i + 1] as number;
      vmas[i] = vmas[i + 1] as Vma;
    }
    vmas[last] = null;
  }

  /** Appends every entry of `other`, which is left empty. */
  takeAll(other: Leaf): void {
    for (let i = 0; i < other.count; i++) {
      this.starts[this.count] = other.starts[i] as number;
      this.vmas[this.count] = other.vmas[i] as Vma;
      this.count++;
    }
    other.count = 0;
  }

  /**
   * Moves the upper entries to a new leaf behind this one: half of them, or when this is the last leaf nearly none,
   * since address spaces are often filled upwards.
   */
  splitAtBestPlace(): Leaf {
    const from = this.next === null ? FANOUT - 2 : FANOUT / 2;
    const right = new Leaf();
    for (let i = from; i < this.count; i++) {
      right.starts[i - from] = this.starts[i] as number;
      right.vmas[i - from] = this.vmas[i] as Vma;
      this.vmas[i] = null;
    }
    right.count = this.count - from;
    this.count = from;
    right.prev = this;
    right.next = this.next;
    if (this.next !== null) this.next.prev = right;
    this.next = right;
    return right;
  }
}

/** A node with nodes below it. */
export class Branch {
  count = 0;
  /** Lower bounds of the starts below each child; the first is not looked at when descending. */
  readonly keys: Float64Array = new Float64Array(FANOUT);
  readonly children: (TreeNode | null)[] = new Array<TreeNode | null>(FANOUT).fill(null);
  parent: Branch | null = null;
  /** The widest gap below, pages; -1: to be computed. */
  widestGap = -1;

  append(key: number, child: TreeNode): void {
    this.insertAt(this.count, key, child);
  }

  insertAt(at: number, key: number, child: TreeNode): void {
    const { keys, children } = this;
    for (let i = this.count; i > at; i--) {
      keys[i] = keys[i - 1] as number;
      children[i] = children[i - 1] as TreeNode;
    }
    keys[at] = key;
    children[at] = child;
    child.parent = this;
    this.count++;
    markStale(this);
  }

  removeAt(at: number): void {
    const { keys, children } = this;
    const last = --this.count;
    for (let i = at; i < last; i++) {
      keys[i] = keys[i + 1] as number;
      children[i] = children[i + 1] as TreeNode;
    }
    children[last] = null;
    markStale(this);
  }

  indexOf(child: TreeNode): number {
    const { children } = this;
    let at = 0;
    while (children[at] !== child) at++;
    return at;
  }

  splitInHalf(): Branch {
    const from = FANOUT / 2;
    const right = new Branch();
    for (let i = from; i < this.count; i++) {
      right.append(this.keys[i] as number, this.children[i] as TreeNode);
      this.children[i] = null;
    }
    this.count = from;
    markStale(this);
    return right;
  }
}

/** The last of the first `count` keys that is not above `page`; -1 if all are. */
export function lastAtOrBelow(keys: Float64Array, count: number, page: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as number) <= page) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Says that gaps below `node` changed. A stale node has stale ancestors. */
export function markStale(node: TreeNode): void {
  for (let at: TreeNode | null = node; at !== null && at.widestGap !== -1; at = at.parent) at.widestGap = -1;
}
