import type { Vma } from './vma.js';

/** Free pages [start, end). */
export interface Hole {
  readonly start: number;
  readonly end: number;
  /** The VMA behind it. */
  readonly next: Vma | null;
}

/** The hole found last: one for each tree, so that a search allocates nothing. */
export class FoundHole implements Hole {
  start: number = -Infinity;
  end: number = Infinity;
  next: Vma | null = null;
}
