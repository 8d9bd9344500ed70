import type { Mm } from '@vmakit/mm';
import { type MergeRefusal, type MergeRule, type Vma, explainUnmerged } from '@vmakit/vma-merge';

/** What one side of a refused merge had: flags as text, page offsets in pages, ids of anon_vmas, names. */
export type MergeValue = number | string | null;

/** A pair of neighbours that are two, with what the first rule that refused compared. Byte addresses. */
export interface UnmergedPair {
  readonly pid: number;
  readonly left: string;
  readonly right: string;
  /** What the right one has, and what the left one would need. Page offsets are in pages. */
  readonly have: MergeValue;
  readonly want: MergeValue;
}

/** How many pairs were kept apart by the same two values. */
export interface UnmergedValues {
  readonly have: MergeValue;
  readonly want: MergeValue;
  pairs: number;
}

/** Pairs of neighbours that one rule keeps apart. */
export interface UnmergedGroup {
  /** `none-tried`: nothing keeps them apart, but no call has tried to merge them. */
  readonly rule: MergeRule | 'none-tried';
  pairs: number;
  /** Pairs of anonymous memory in which both sides were touched. */
  touchedPairs: number;
  /** The values compared, the most frequent first. */
  readonly values: readonly UnmergedValues[];
  /** Values that differ from those listed. */
  readonly otherValues: number;
  readonly examples: readonly UnmergedPair[];
}

interface Counting {
  readonly rule: UnmergedGroup['rule'];
  pairs: number;
  touchedPairs: number;
  readonly values: Map<string, UnmergedValues>;
  readonly examples: UnmergedPair[];
}

/** Collects the neighbours left unmerged in address spaces, by the first rule that refused. */
export class UnmergedPairs {
  readonly #groups = new Map<UnmergedGroup['rule'], Counting>();
  readonly #limit: number;

  /** `limit`: examples and values kept of each rule. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds the touching neighbours of an address space. */
  collect(mm: Mm, pid: number): void {
    for (let left = mm.tree.first; left !== null && left.next !== null; left = left.next) {
      const right: Vma = left.next;
      if (left.end === right.start) this.#add(mm, pid, left, right, explainUnmerged(left, right));
    }
  }

  /** The groups, the largest first. */
  read(): UnmergedGroup[] {
    const groups = [...this.#groups.values()].sort((a, b) => b.pairs - a.pairs);
    return groups.map(({ rule, pairs, touchedPairs, values, examples }) => {
      const sorted = [...values.values()].sort((a, b) => b.pairs - a.pairs);
      const shown = sorted.slice(0, this.#limit);
      return { rule, pairs, touchedPairs, values: shown, otherValues: sorted.length - shown.length, examples };
    });
  }

  #add(mm: Mm, pid: number, left: Vma, right: Vma, refusal: MergeRefusal | null): void {
    const rule = refusal?.rule ?? 'none-tried';
    let group = this.#groups.get(rule);
    if (group === undefined) {
      group = { rule, pairs: 0, touchedPairs: 0, values: new Map(), examples: [] };
      this.#groups.set(rule, group);
    }
    group.pairs++;
    if (left.file === null && right.file === null && left.faulted && right.faulted) {
      group.touchedPairs++;
    }
    const have = refusal?.have ?? null;
    const want = refusal?.want ?? null;
    const key = `${have}\n${want}`;
    const known = group.values.get(key);
    if (known === undefined) group.values.set(key, { have, want, pairs: 1 });
    else known.pairs++;
    if (group.examples.length < this.#limit) {
      group.examples.push({ pid, left: range(mm, left), right: range(mm, right), have, want });
    }
  }
}

function range(mm: Mm, vma: Vma): string {
  const bytes = mm.env.arch.pageSize;
  return `${(vma.start * bytes).toString(16)}-${(vma.end * bytes).toString(16)}`;
}
