/** One thing in which two states (or results) differ. */
export interface StateDifference {
  /** What differs, the same words for the same column everywhere: `vmas.pgoff`, `pages.mapcount`, `ret`... */
  readonly field: string;
  /** Which one, for a person: `process 0, page 16`. */
  readonly where: string;
  readonly expected: unknown;
  readonly actual: unknown;
  /** The process it is about, or `null`. */
  readonly process: number | null;
  /** A page of the window that it is about, or `null`. */
  readonly page: number | null;
}
