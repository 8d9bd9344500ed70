import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FANOUT, LEAF_SLOTS, NONE, UNKNOWN } from './interval-nodes.js';
import { IntervalTree } from './interval-tree.js';

interface Span {
  readonly start: number;
  readonly end: number;
}

/** log2 of the words of a span, and the one where its leaf is. */
const WORDS_SHIFT = 1;
const LEAF_WORD = 1;

/** Keeps the longest span of each subtree, as a user of the tree would. */
class SpanTree extends IntervalTree {
  readonly #table: { words: Int32Array };
  readonly #spans: Span[] = [];

  constructor() {
    const table = { words: new Int32Array(0) };
    super(table, WORDS_SHIFT, LEAF_WORD);
    this.#table = table;
  }

  leafOf(span: Span): number {
    return this.#table.words[(this.#spans.indexOf(span) << WORDS_SHIFT) + LEAF_WORD] as number;
  }

  add(span: Span): void {
    const item = this.#spans.push(span) - 1;
    if (this.#table.words.length <= item << WORDS_SHIFT) {
      const words = new Int32Array(4 * (item + 1));
      words.set(this.#table.words);
      this.#table.words = words;
    }
    const leaf = this.leafFor(span.start);
    this.raise(leaf, span.end - span.start);
    this.insertAt(leaf, this.nodes.slotAtOrBelow(leaf, span.start) + 1, item, span.start, span.end);
  }

  take(span: Span): void {
    const leaf = this.leafOf(span);
    const first = leaf * LEAF_SLOTS;
    for (let slot = first; slot < first + this.nodes.count(leaf); slot++) {
      if (this.at(slot) !== span) continue;
      this.lower(leaf, span.end - span.start);
      this.removeAt(leaf, slot);
      return;
    }
    throw new RangeError('the span is not in the leaf that it says');
  }

  protected summaryOfLeaf(leaf: number): number {
    const { bounds } = this.nodes;
    let longest = 0;
    for (let slot = leaf * LEAF_SLOTS; slot < leaf * LEAF_SLOTS + this.nodes.count(leaf); slot++) {
      longest = Math.max(longest, (bounds[2 * slot + 1] as number) - (bounds[2 * slot] as number));
    }
    return longest;
  }

  /** The longest span of the tree, by the summaries. */
  longest(): number {
    if (this.height === 0) return this.summaryOfLeaf(this.root);
    let longest = 0;
    for (let i = 0; i < this.nodes.branchCount(this.root); i++) {
      const at = this.root * FANOUT + i;
      if (this.nodes.summaries[at] === UNKNOWN) this.summarize(at, this.height);
      longest = Math.max(longest, this.nodes.summaries[at] as number);
    }
    return longest;
  }

  /** The span in a slot. */
  at(slot: number): Span {
    return this.#spans[this.nodes.items[slot] as number] as Span;
  }

  /** The leaves that have spans. */
  leaves(): Set<number> {
    return new Set(this.spans().map((one) => this.leafOf(one)));
  }

  /** All spans, from the first leaf on. */
  spans(): Span[] {
    const found: Span[] = [];
    for (let leaf = this.firstLeafBelow(this.root, this.height); leaf !== NONE; leaf = this.nodes.next(leaf)) {
      for (let i = 0; i < this.nodes.count(leaf); i++) found.push(this.at(leaf * LEAF_SLOTS + i));
    }
    return found;
  }
}

const span = (start: number, length: number): Span => ({ start, end: start + length });

describe('an interval tree', () => {
  it('keeps spans by their starts, equal starts in the order in which they came', () => {
    const tree = new SpanTree();
    const [first, second, third] = [span(5, 1), span(5, 9), span(2, 1)];
    for (const one of [first, second, third]) tree.add(one);
    expect(tree.spans()).toEqual([third, first, second]);
  });

  it('knows for each start the leaf of the last span at or below it, in a tree of several levels', () => {
    const tree = new SpanTree();
    const spans = Array.from({ length: FANOUT ** 2 }, (_, i) => span(10 * i, 5));
    for (const one of spans) tree.add(one);
    expect(tree.height).toBeGreaterThan(0);
    for (const one of spans) {
      for (const key of [one.start, one.start + 7]) {
        const leaf = tree.leafFor(key);
        expect(tree.at(tree.nodes.slotAtOrBelow(leaf, key))).toBe(one);
      }
    }
  });

  it('leaves ten spans in each leaf when they come in order, from either end', () => {
    for (const direction of [1, -1]) {
      const tree = new SpanTree();
      for (let i = 0; i < 1000; i++) tree.add(span(direction * i, 1));
      expect(tree.leaves().size).toBeLessThan(1.1 * 100);
    }
  });

  it('does so too when spans come in downwards above others', () => {
    const tree = new SpanTree();
    for (let i = 0; i < LEAF_SLOTS / 2; i++) tree.add(span(i, 1));
    for (let i = 1000; i > LEAF_SLOTS; i--) tree.add(span(i, 1));
    expect(tree.leaves().size).toBeLessThan(1.1 * 100);
  });

  it('has room for some more in leaves that were filled in order', () => {
    const tree = new SpanTree();
    for (let i = 0; i < 1000; i++) tree.add(span(2 * i, 1));
    const { size } = tree.leaves();
    for (let i = 0; i < 1000; i += 4) tree.add(span(2 * i + 1, 1));
    expect(tree.leaves().size).toBe(size);
  });

  it('does what a sorted list does, whatever comes and goes', () => {
    const step = fc.record({ add: fc.boolean(), start: fc.nat(200), length: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: 'max' }), (steps) => {
        const tree = new SpanTree();
        const list: Span[] = [];
        for (const { add, start, length } of steps) {
          if (add || list.length === 0) {
            const one = span(start, length);
            tree.add(one);
            list.splice(list.findLastIndex((other) => other.start <= start) + 1, 0, one);
          } else {
            const [gone] = list.splice(start % list.length, 1);
            tree.take(gone!);
            expect(tree.leafOf(gone!)).toBe(NONE);
          }
          expect(tree.longest()).toBe(list.reduce((most, one) => Math.max(most, one.end - one.start), 0));
        }
        expect(tree.spans()).toEqual(list);
      }),
      { numRuns: 60 },
    );
  });
});
