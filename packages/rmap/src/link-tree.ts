import { FANOUT_SHIFT, IntervalTree, InvariantError, LEAF_SHIFT, NONE, UNKNOWN } from '@vmakit/base';
import type { RmapVma } from './anon-vma.js';
import { LINK_LEAF, LINK_SHIFT, type LinkTable } from './link-table.js';

/**
 * The interval tree of an anon_vma with many links: each link by the offsets that its VMA covers, ascending by start,
 * later inserted later among equal starts (spec 03 section 1). What is known of a subtree is the greatest end, so that
 * the links that meet a range are found in O(log n + hits).
 */
export class LinkTree extends IntervalTree {
  readonly #links: LinkTable;

  constructor(links: LinkTable) {
    super(links, LINK_SHIFT, LINK_LEAF);
    this.#links = links;
  }

  /** Puts a link in, by the range that its VMA has now. */
  insert(link: number): void {
    this.#insert(link, this.#links.anonPageOffset(link), this.#links.pages(link));
  }

  #insert(link: number, start: number, pages: number): void {
    const leaf = this.leafFor(start);
    const slot = this.nodes.slotAtOrBelow(leaf, start) + 1;
    this.raise(leaf, start + pages);
    this.insertAt(leaf, slot, link, start, start + pages);
  }

  /** Takes a link out. Its VMA must begin where it did when the link was put in. */
  remove(link: number): void {
    this.#removeAt(this.#links.leaf(link), this.#slotOf(link, this.#links.anonPageOffset(link)));
  }

  #removeAt(leaf: number, slot: number): void {
    this.lower(leaf, this.nodes.bounds[2 * slot + 1] as number);
    this.removeAt(leaf, slot);
  }

  /**
   * Gives a link, which begins at offset `from`, the range of `pages` pages from `start` on: as if it were taken out
   * and put in again.
   */
  move(link: number, from: number, start: number, pages: number): void {
    const { nodes } = this;
    const { bounds } = nodes;
    const leaf = this.#links.leaf(link);
    const slot = this.#slotOf(link, from);
    const last = nodes.lastSlot(leaf);
    const before = slot === leaf << LEAF_SHIFT ? nodes.lastSlot(nodes.previous(leaf)) : slot - 1;
    // Behind those that begin at or below its new start: the other half of a split is the next one.
    let to = slot;
    while (to < last && (bounds[2 * to + 2] as number) <= start) to++;
    const after = to === last ? nodes.firstSlot(nodes.next(leaf)) : to + 1;
    const staysInLeaf =
      (to > slot || before === NONE || (bounds[2 * before] as number) <= start) &&
      (after === NONE || (bounds[2 * after] as number) > start);
    if (!staysInLeaf) {
      this.#removeAt(leaf, slot);
      this.#insert(link, start, pages);
      return;
    }
    const end = start + pages;
    this.change(leaf, bounds[2 * slot + 1] as number, end);
    if (to > slot) this.#moveUp(slot, to);
    if (start !== bounds[2 * to]) this.setStart(leaf, to, start);
    bounds[2 * to + 1] = end;
  }

  /** Moves what is in slot `from` up to slot `to` of the same leaf; what is between moves down. */
  #moveUp(from: number, to: number): void {
    const { bounds, items } = this.nodes;
    const start = bounds[2 * from] as number;
    const end = bounds[2 * from + 1] as number;
    const item = items[from] as number;
    for (let slot = from; slot < to; slot++) {
      bounds[2 * slot] = bounds[2 * slot + 2] as number;
      bounds[2 * slot + 1] = bounds[2 * slot + 3] as number;
      items[slot] = items[slot + 1] as number;
    }
    bounds[2 * to] = start;
    bounds[2 * to + 1] = end;
    items[to] = item;
  }

  #slotOf(link: number, start: number): number {
    const { nodes } = this;
    const leaf = this.#links.leaf(link);
    if (leaf !== NONE) {
      for (let slot = nodes.slotAtOrBelow(leaf, start); slot >= leaf << LEAF_SHIFT; slot--) {
        if (nodes.items[slot] === link) return slot;
      }
    }
    throw new InvariantError('a link that is changed or removed is in the tree', { link });
  }

  /** Every link, in order. */
  *all(): IterableIterator<number> {
    const { nodes } = this;
    for (let leaf = this.firstLeafBelow(this.root, this.height); leaf !== NONE; leaf = nodes.next(leaf)) {
      const end = (leaf << LEAF_SHIFT) + nodes.count(leaf);
      for (let slot = leaf << LEAF_SHIFT; slot < end; slot++) yield nodes.items[slot] as number;
    }
  }

  /** Calls `visit` for the VMA of each link that meets [start, end), in order, until it gives false. */
  forEachOverlap(start: number, end: number, visit: (vma: RmapVma) => boolean): void {
    this.#visitBelow(this.root, this.height, start, end, visit);
  }

  /** Gives false when the walk is over: told to stop, or nothing behind can meet the range. */
  #visitBelow(node: number, level: number, start: number, end: number, visit: (vma: RmapVma) => boolean): boolean {
    const { nodes } = this;
    if (level === 0) return this.#visitLeaf(node, start, end, visit);
    const { entries, summaries } = nodes;
    const first = node << FANOUT_SHIFT;
    const last = first + nodes.branchCount(node);
    for (let at = first; at < last; at++) {
      if (summaries[at] === UNKNOWN) this.summarize(at, level);
      if ((summaries[at] as number) <= start) continue;
      if (at > first && (entries[at << 1] as number) >= end) return false;
      if (!this.#visitBelow(nodes.child(at), level - 1, start, end, visit)) return false;
    }
    return true;
  }

  #visitLeaf(leaf: number, start: number, end: number, visit: (vma: RmapVma) => boolean): boolean {
    const { nodes } = this;
    const { bounds, items } = nodes;
    const last = (leaf << LEAF_SHIFT) + nodes.count(leaf);
    for (let slot = leaf << LEAF_SHIFT; slot < last; slot++) {
      if ((bounds[2 * slot] as number) >= end) return false;
      if ((bounds[2 * slot + 1] as number) > start && !visit(this.#links.vma(items[slot] as number))) return false;
    }
    return true;
  }

  protected override summaryOfLeaf(leaf: number): number {
    const { bounds } = this.nodes;
    const last = (leaf << LEAF_SHIFT) + this.nodes.count(leaf);
    let greatest = 0;
    for (let slot = leaf << LEAF_SHIFT; slot < last; slot++) {
      const end = bounds[2 * slot + 1] as number;
      if (end > greatest) greatest = end;
    }
    return greatest;
  }
}
