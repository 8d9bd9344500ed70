/** How many merges and splits a kernel has made, by the neighbours that took part. */
export class MergeCounters {
  /** With the VMA before only. */
  left = 0;
  /** With the VMA after only. */
  right = 0;
  /** With both. */
  both = 0;
  splits = 0;

  /** Counts a merge. */
  count(left: boolean, right: boolean): void {
    if (left && right) this.both++;
    else if (left) this.left++;
    else if (right) this.right++;
  }
}
