/** Which of the callers of the merge engine asked (spec 02 section 1). */
export type MergeKind = 'new-range' | 'brk' | 'modify' | 'extend' | 'copy' | 'relocated';

/** Why one side did not merge: the first rule that refused, with both values (spec 02 section 2). */
export interface MergeRefusalEvent {
  readonly rule: string;
  readonly have: number | string | null;
  readonly want: number | string | null;
}

/** A merge was tried. `left` and `right` say how each neighbour fared; null: there was none. */
export interface MergeTriedEvent {
  readonly type: 'vma.merge';
  readonly process: number;
  readonly kind: MergeKind;
  readonly start: number;
  readonly end: number;
  /** `none`: nothing merged; else which neighbours became part of the result. */
  readonly outcome: 'none' | 'left' | 'right' | 'both' | 'no-memory';
  readonly left: 'merged' | MergeRefusalEvent | null;
  readonly right: 'merged' | MergeRefusalEvent | null;
}

/** A VMA was cut in two at page `at`. */
export interface SplitEvent {
  readonly type: 'vma.split';
  readonly process: number;
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** What happens to VMAs. Page numbers. */
export type VmaEvent = MergeTriedEvent | SplitEvent;
