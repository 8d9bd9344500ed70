import { NONE, VM_HUGETLB, VM_SPECIAL } from '@vmakit/base';
import type { Move } from '@vmakit/mremap';
import { findMergeableAnonVma, maybeShared } from '@vmakit/rmap';
import { type Vma, duplicateVma, explainUnmerged, freeVma, isAnonymous } from '@vmakit/vma-merge';

/** Why the memory of a move is none that could be relocated; null: it could. */
export function obstacleTo(source: Readonly<Vma>): string | null {
  if (!source.faulted) return 'untouched';
  if ((source.flags & (VM_SPECIAL | VM_HUGETLB)) !== 0) return 'special or hugetlb';
  if (source.file !== null || !isAnonymous(source)) return 'a file stands behind it';
  if (maybeShared(source.mm.anonVmas, source.table, source.row)) return 'maybe shared';
  if (source.uffd !== null && !source.uffd.remapEvents) return 'watched by a userfaultfd';
  return null;
}

/** With how many neighbours the moved memory would merge if it were relocated: 0, 1 or 2. */
export function countMerges(move: Move): number {
  const { before, after } = move.neighbours();
  const prev = before !== null && isCandidate(move, before, move.to - 1) ? before : null;
  const next = after !== null && isCandidate(move, after, move.to + move.newPages) ? after : null;
  if (prev === null && next === null) return 0;
  const moved = asRelocated(move, prev, next);
  const left = prev !== null && explainUnmerged(prev as Vma, moved) === null;
  const right = next !== null && explainUnmerged(moved, next as Vma) === null;
  // It only looked like a VMA with links.
  moved.chain = NONE;
  freeVma(moved);
  if (!left || !right) return left || right ? 1 : 0;
  return !prev.faulted || !next.faulted || prev.anonVmaSlot === next.anonVmaSlot ? 2 : 1;
}

/**
 * File mappings are no neighbours to merge with; nor is the source when DONTUNMAP keeps it, or when `page`, where the
 * two would touch, is moved itself.
 */
function isCandidate(move: Move, vma: Readonly<Vma>, page: number): boolean {
  if (vma.file !== null) return false;
  if (vma !== move.source) return true;
  return !move.keepsSource && (page < move.from || page >= move.from + move.oldPages);
}

/**
 * The destination VMA as relocation would make it: offset of its address, the anon_vma that a first fault would find.
 */
function asRelocated(move: Move, prev: Readonly<Vma> | null, next: Readonly<Vma> | null): Vma {
  const { source, to, newPages } = move;
  const { mm, table } = source;
  const vma = duplicateVma(source as Vma);
  vma.start = to;
  vma.end = to + newPages;
  vma.pageOffset = to;
  vma.anonPageOffset = to;
  // The source has exactly one link, as the new VMA will: what counts is that it is none of a forked child.
  const lent = findMergeableAnonVma(mm.anonVmas, table, vma.row, prev?.row ?? NONE, next?.row ?? NONE);
  vma.anonVmaSlot = lent === NONE ? source.anonVmaSlot : lent;
  vma.chain = source.chain;
  return vma;
}
