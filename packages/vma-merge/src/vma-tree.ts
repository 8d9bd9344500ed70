import { InvariantError } from '@vmakit/base';
import { Branch, Leaf, type TreeNode, FANOUT, lastAtOrBelow, markStale } from './vma-tree-nodes.js';
import { type Hole, highestHole, lowestHole } from './vma-tree-gaps.js';
import type { Vma } from './vma.js';

/** A leaf with no more VMAs than this is joined with the next one if they fit. */
const SPARSE = FANOUT / 4;

/**
 * The VMAs of one address space, by address: a B+tree of {@link FANOUT} keys a node, the VMAs linked to their
 * neighbours, with the widest gap of each subtree for the search of free space.
 *
 * The keys are start pages. A branch's key for a child is a lower bound of the starts below it, so that changing a
 * VMA's start rarely touches a branch. Gap summaries are computed when a search needs them and marked stale on change.
 */
export class VmaTree {
  /** Number of VMAs. */
  count = 0;
  first: Vma | null = null;
  last: Vma | null = null;

  #root: TreeNode = new Leaf();
  /** The VMA found last: programs work where they worked. */
  #hint: Vma | null = null;
  /** The leaf descended to last: a call looks up a VMA, then changes it and its neighbours. */
  #leaf: Leaf = this.#root as Leaf;

  /** The lowest VMA that ends above `page` (`find_vma`): it contains `page` or is the next one after it. */
  find(page: number): Vma | null {
    const hint = this.#hint;
    if (hint !== null && page >= hint.start && page < hint.end) return hint;
    const leaf = this.#leafFor(page);
    const at = lastAtOrBelow(leaf.starts, leaf.count, page);
    // A leaf's key may be lower than its first start, and the VMA before may reach over it.
    const floor = at >= 0 ? (leaf.vmas[at] as Vma) : leaf.prev === null ? null : leaf.prev.lastVma();
    if (floor === null) return this.first;
    const found = floor.end > page ? floor : floor.next;
    this.#hint = found;
    return found;
  }

  /** The VMA that contains `page`. */
  at(page: number): Vma | null {
    const vma = this.find(page);
    return vma !== null && vma.start <= page ? vma : null;
  }

  /** The lowest VMA that meets [start, end). */
  firstOverlap(start: number, end: number): Vma | null {
    const vma = this.find(start);
    return vma !== null && vma.start < end ? vma : null;
  }

  /** Adds a VMA. It must not overlap another. */
  insert(vma: Vma): void {
    const leaf = this.#leafForNew(vma.start);
    const at = lastAtOrBelow(leaf.starts, leaf.count, vma.start) + 1;
    const prev = at > 0 ? (leaf.vmas[at - 1] as Vma) : leaf.prev !== null ? leaf.prev.lastVma() : null;
    const next = prev !== null ? prev.next : this.first;
    if ((prev !== null && prev.end > vma.start) || (next !== null && next.start < vma.end)) {
      throw new InvariantError('VMAs do not overlap', { start: vma.start, end: vma.end });
    }
    this.#link(vma, prev, next);
    leaf.insertAt(at, vma);
    this.count++;
    vma.attached = true;
    markStale(leaf);
    if (at === leaf.count - 1 && leaf.next !== null) markStale(leaf.next);
    if (leaf.count === FANOUT) this.#splitLeaf(leaf);
  }

  /** Takes a VMA out. */
  remove(vma: Vma): void {
    const leaf = this.#leafFor(vma.start);
    const at = lastAtOrBelow(leaf.starts, leaf.count, vma.start);
    if (at < 0 || leaf.vmas[at] !== vma) {
      throw new InvariantError('a VMA that is removed is in the tree', { start: vma.start, end: vma.end });
    }
    leaf.removeAt(at);
    markStale(leaf);
    if (at === leaf.count && leaf.next !== null) markStale(leaf.next);
    this.#unlink(vma);
    this.count--;
    vma.attached = false;
    if (this.#hint === vma) this.#hint = null;
    if (leaf.count === 0) this.#dropLeaf(leaf);
    else if (leaf.count <= SPARSE) this.#joinWithNext(leaf);
  }

  /**
   * Changes the range of a VMA that is in the tree. The new range must lie between its neighbours; offsets are the
   * caller's to change.
   */
  setRange(vma: Vma, start: number, end: number): void {
    const { prev, next } = vma;
    if ((prev !== null && prev.end > start) || (next !== null && next.start < end) || start >= end) {
      throw new InvariantError('VMAs do not overlap and are not empty', { start, end, was: [vma.start, vma.end] });
    }
    const leaf = this.#leafFor(vma.start);
    const at = lastAtOrBelow(leaf.starts, leaf.count, vma.start);
    if (leaf.vmas[at] !== vma) throw new InvariantError('a VMA that is changed is in the tree', { start: vma.start });
    if (start !== vma.start) {
      // The next leaf's key may be lower than its first start: a start that moves up must stay below it.
      if (start > vma.start && at === leaf.count - 1 && leaf.next !== null) {
        setKey(leaf.next, leaf.next.starts[0] as number);
      }
      if (start < vma.start && at === 0) setKey(leaf, start);
      vma.start = start;
      leaf.starts[at] = start;
      markStale(leaf);
    }
    if (end !== vma.end) {
      vma.end = end;
      if (at + 1 < leaf.count) markStale(leaf);
      else if (leaf.next !== null) markStale(leaf.next);
    }
  }

  /** The highest hole of at least `length` pages inside [low, high), clipped to it; null when there is none. */
  findHoleTopDown(length: number, low: number, high: number): Hole | null {
    return highestHole(this.#root, this.last, length, low, high);
  }

  /** The lowest such hole. */
  findHoleBottomUp(length: number, low: number, high: number): Hole | null {
    return lowestHole(this.#root, this.last, length, low, high);
  }

  /** The VMAs in address order. The tree must not change meanwhile, except behind the one given last. */
  *[Symbol.iterator](): IterableIterator<Vma> {
    for (let vma = this.first; vma !== null; vma = vma.next) yield vma;
  }

  /**
   * The leaf that holds the VMA with the highest start at or below `page`, unless that is the last of the leaf
   * before.
   */
  #leafFor(page: number): Leaf {
    const { starts, count, next } = this.#leaf;
    if (count > 0 && (starts[0] as number) <= page) {
      if (page <= (starts[count - 1] as number)) return this.#leaf;
      if (next === null || page < (next.starts[0] as number)) return this.#leaf;
    }
    return this.#descend(page);
  }

  /** The leaf that a new VMA goes to: between two others of a leaf, or where its key leads. */
  #leafForNew(start: number): Leaf {
    const { starts, count } = this.#leaf;
    if (count > 0 && (starts[0] as number) <= start && start <= (starts[count - 1] as number)) return this.#leaf;
    return this.#descend(start);
  }

  #descend(page: number): Leaf {
    let node = this.#root;
    while (node instanceof Branch) {
      const at = lastAtOrBelow(node.keys, node.count, page);
      node = node.children[at < 0 ? 0 : at] as TreeNode;
    }
    this.#leaf = node;
    return node;
  }

  #link(vma: Vma, prev: Vma | null, next: Vma | null): void {
    vma.prev = prev;
    vma.next = next;
    if (prev === null) this.first = vma;
    else prev.next = vma;
    if (next === null) this.last = vma;
    else next.prev = vma;
  }

  #unlink(vma: Vma): void {
    const { prev, next } = vma;
    if (prev === null) this.first = next;
    else prev.next = next;
    if (next === null) this.last = prev;
    else next.prev = prev;
    vma.prev = null;
    vma.next = null;
  }

  #splitLeaf(leaf: Leaf): void {
    const right = leaf.splitAtBestPlace();
    this.#addBehind(leaf, right, right.starts[0] as number);
  }

  #addBehind(node: TreeNode, right: TreeNode, key: number): void {
    const { parent } = node;
    if (parent === null) {
      const root = new Branch();
      root.append(0, node);
      root.append(key, right);
      this.#root = root;
      return;
    }
    parent.insertAt(parent.indexOf(node) + 1, key, right);
    if (parent.count === FANOUT) {
      const upper = parent.splitInHalf();
      this.#addBehind(parent, upper, upper.keys[0] as number);
    }
  }

  #dropLeaf(leaf: Leaf): void {
    if (leaf.parent === null) return;
    if (leaf.prev !== null) leaf.prev.next = leaf.next;
    if (leaf.next !== null) leaf.next.prev = leaf.prev;
    let node: TreeNode = leaf;
    let parent: Branch = leaf.parent;
    while (parent.count === 1) {
      node = parent;
      // The root of a tree of several leaves has at least two children.
      parent = parent.parent as Branch;
    }
    parent.removeAt(parent.indexOf(node));
    while (this.#root instanceof Branch && this.#root.count === 1) {
      this.#root = this.#root.children[0] as TreeNode;
      this.#root.parent = null;
    }
  }

  /** Empties a sparse leaf's successor into it when both have the same parent and fit with room to spare. */
  #joinWithNext(leaf: Leaf): void {
    const { next, parent } = leaf;
    if (next === null || parent === null || next.parent !== parent || leaf.count + next.count > FANOUT - SPARSE) return;
    leaf.takeAll(next);
    markStale(leaf);
    this.#dropLeaf(next);
  }
}

/** Sets the key of `leaf`: in every branch above it up to the one in which it is not under the first child. */
function setKey(leaf: Leaf, key: number): void {
  let node: TreeNode = leaf;
  for (let parent = node.parent; parent !== null; parent = node.parent) {
    const at = parent.indexOf(node);
    parent.keys[at] = key;
    if (at > 0) return;
    node = parent;
  }
}
