import { InvariantError } from '@vmakit/base';
import type { AnonVmaChain } from './anon-vma.js';

/** Above this many links the sorted array becomes a balanced tree. */
const ARRAY_LIMIT = 32;
/** Below this many the tree becomes an array again. */
const TREE_LIMIT = 12;

/** A node of the balanced form: a treap, each node with the greatest last offset below it. */
export class LinkTreeNode {
  readonly link: AnonVmaChain;
  readonly start: number;
  readonly last: number;
  /** Orders equal starts by insertion. */
  readonly sequence: number;
  readonly priority: number;
  greatestLast: number;
  left: LinkTreeNode | null = null;
  right: LinkTreeNode | null = null;

  constructor(link: AnonVmaChain, sequence: number, priority: number) {
    const { vma } = link;
    this.link = link;
    this.start = vma.anonPageOffset;
    this.last = vma.anonPageOffset + (vma.end - vma.start) - 1;
    this.greatestLast = this.last;
    this.sequence = sequence;
    this.priority = priority;
  }
}

/**
 * The interval tree of an anon_vma that has more than one link: keyed by the closed interval [anon offset, last anon
 * offset] of each link's VMA, ascending by start, later inserted later among equal starts (spec 03 section 1).
 *
 * Up to {@link ARRAY_LIMIT} links it is one sorted array, which is smaller and faster; above, a treap with
 * deterministic priorities: logarithmic insert and remove, and overlap queries in O(log n + hits).
 */
export class LinkTree {
  #items: AnonVmaChain[] | null;
  #root: LinkTreeNode | null = null;
  #sequence = 0;
  size = 2;

  constructor(first: AnonVmaChain, second: AnonVmaChain) {
    this.#items = second.vma.anonPageOffset < first.vma.anonPageOffset ? [second, first] : [first, second];
  }

  insert(link: AnonVmaChain): void {
    this.size++;
    if (this.#items === null) {
      this.#insertNode(link);
      return;
    }
    const items = this.#items;
    const start = link.vma.anonPageOffset;
    let at = items.length;
    while (at > 0 && (items[at - 1] as AnonVmaChain).vma.anonPageOffset > start) at--;
    if (at === items.length) items.push(link);
    else items.splice(at, 0, link);
    if (items.length > ARRAY_LIMIT) {
      this.#items = null;
      for (const item of items) this.#insertNode(item);
    }
  }

  remove(link: AnonVmaChain): void {
    this.size--;
    if (this.#items !== null) {
      const at = this.#items.indexOf(link);
      if (at < 0) throw new InvariantError('a link that is removed is in the tree', { anonVma: link.anonVma.id });
      this.#items.splice(at, 1);
      return;
    }
    const node = link.node;
    if (node === null) throw new InvariantError('a link that is removed is in the tree', { anonVma: link.anonVma.id });
    this.#root = remove(this.#root, node);
    link.node = null;
    if (this.size < TREE_LIMIT) {
      const items = [...this.all()];
      for (const item of items) item.node = null;
      this.#items = items;
      this.#root = null;
    }
  }

  first(): AnonVmaChain {
    for (const link of this.all()) return link;
    throw new InvariantError('a tree of several links is not empty');
  }

  *all(): IterableIterator<AnonVmaChain> {
    if (this.#items !== null) {
      yield* this.#items;
      return;
    }
    const path: LinkTreeNode[] = [];
    let node = this.#root;
    while (node !== null || path.length > 0) {
      for (; node !== null; node = node.left) path.push(node);
      const top = path.pop() as LinkTreeNode;
      yield top.link;
      node = top.right;
    }
  }

  forEachOverlap(first: number, last: number, visit: (link: AnonVmaChain) => boolean): void {
    if (this.#items === null) {
      visitOverlaps(this.#root, first, last, visit);
      return;
    }
    for (const link of this.#items) {
      const { vma } = link;
      if (vma.anonPageOffset > last) return;
      if (vma.anonPageOffset + (vma.end - vma.start) > first && !visit(link)) return;
    }
  }

  #insertNode(link: AnonVmaChain): void {
    const sequence = this.#sequence++;
    const node = new LinkTreeNode(link, sequence, Math.imul(sequence + 1, 0x9e3779b1) >>> 0);
    link.node = node;
    this.#root = insert(this.#root, node);
  }
}

function isBefore(a: LinkTreeNode, b: LinkTreeNode): boolean {
  return a.start < b.start || (a.start === b.start && a.sequence < b.sequence);
}

function refresh(node: LinkTreeNode): void {
  let greatest = node.last;
  if (node.left !== null && node.left.greatestLast > greatest) greatest = node.left.greatestLast;
  if (node.right !== null && node.right.greatestLast > greatest) greatest = node.right.greatestLast;
  node.greatestLast = greatest;
}

function insert(root: LinkTreeNode | null, node: LinkTreeNode): LinkTreeNode {
  if (root === null) return node;
  if (node.priority > root.priority) {
    splitAt(root, node);
    refresh(node);
    return node;
  }
  if (isBefore(node, root)) root.left = insert(root.left, node);
  else root.right = insert(root.right, node);
  if (node.last > root.greatestLast) root.greatestLast = node.last;
  return root;
}

/** Hangs the nodes of `root` before `node` on its left and the others on its right. */
function splitAt(root: LinkTreeNode | null, node: LinkTreeNode): void {
  if (root === null) {
    node.left = null;
    node.right = null;
    return;
  }
  if (isBefore(root, node)) {
    splitAt(root.right, node);
    root.right = node.left;
    node.left = root;
  } else {
    splitAt(root.left, node);
    root.left = node.right;
    node.right = root;
  }
  refresh(root);
}

function remove(root: LinkTreeNode | null, node: LinkTreeNode): LinkTreeNode | null {
  if (root === null) throw new InvariantError('a link that is removed is in the tree', { start: node.start });
  if (root === node) return join(node.left, node.right);
  if (isBefore(node, root)) root.left = remove(root.left, node);
  else root.right = remove(root.right, node);
  refresh(root);
  return root;
}

function join(left: LinkTreeNode | null, right: LinkTreeNode | null): LinkTreeNode | null {
  if (left === null) return right;
  if (right === null) return left;
  if (left.priority > right.priority) {
    left.right = join(left.right, right);
    refresh(left);
    return left;
  }
  right.left = join(left, right.left);
  refresh(right);
  return right;
}

function visitOverlaps(
  node: LinkTreeNode | null,
  first: number,
  last: number,
  visit: (link: AnonVmaChain) => boolean,
): boolean {
  if (node === null || node.greatestLast < first) return true;
  if (!visitOverlaps(node.left, first, last, visit)) return false;
  if (node.start > last) return true;
  if (node.last >= first && !visit(node.link)) return false;
  return visitOverlaps(node.right, first, last, visit);
}
