import type { Mm } from '@vmakit/mm';
import { type MergeRule, type Vma, explainUnmerged } from '@vmakit/vma-merge';

/** A pair of neighbours that are two, with what the first rule that refused compared. Byte addresses. */
export interface UnmergedPair {
  readonly process: number;
  readonly left: string;
  readonly right: string;
  /** What the right one has, and what the left one would need. Page offsets are in pages. */
  readonly have: number | string | null;
  readonly want: number | string | null;
}

/** Pairs of neighbours that one rule keeps apart. */
export interface UnmergedGroup {
  readonly rule: MergeRule | 'none-tried';
  pairs: number;
  /** Pairs of anonymous memory in which both sides were touched. */
  touchedPairs: number;
  readonly examples: UnmergedPair[];
}

export type UnmergedGroups = Map<UnmergedGroup['rule'], UnmergedGroup>;

/** Adds the touching neighbours of an address space to `groups`, at most `limit` examples each. */
export function collectUnmerged(mm: Mm, groups: UnmergedGroups, limit: number): void {
  for (let left = mm.tree.first; left !== null && left.next !== null; left = left.next) {
    const right: Vma = left.next;
    if (left.end !== right.start) continue;
    const refusal = explainUnmerged(left, right);
    const rule = refusal?.rule ?? 'none-tried';
    let group = groups.get(rule);
    if (group === undefined) {
      group = { rule, pairs: 0, touchedPairs: 0, examples: [] };
      groups.set(rule, group);
    }
    group.pairs++;
    if (left.file === null && right.file === null && left.anonVma !== null && right.anonVma !== null) {
      group.touchedPairs++;
    }
    if (group.examples.length < limit) {
      group.examples.push({
        process: mm.id,
        left: range(mm, left),
        right: range(mm, right),
        have: refusal?.have ?? null,
        want: refusal?.want ?? null,
      });
    }
  }
}

function range(mm: Mm, vma: Vma): string {
  const bytes = mm.env.arch.pageSize;
  return `${(vma.start * bytes).toString(16)}-${(vma.end * bytes).toString(16)}`;
}
