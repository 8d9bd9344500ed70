/** 2^-n: an engine calls a function for a power of what is not constant. */
const INVERSE: Float64Array = Float64Array.from({ length: 64 }, (_, n) => 2 ** -n);

/**
 * Counts the TLB invalidations of one address space. Ranges are pages; the stride says by what level the range was
 * mapped, since one invalidation of a huge entry covers it all. Spec 04 section 7.
 */
export class TlbCounters {
  /** Range flushes, by level index of the stride. */
  readonly ranges: Int32Array = new Int32Array(5);
  /** Entries invalidated by range flushes, by level index of the stride. */
  readonly entries: Float64Array = new Float64Array(5);
  /** Pages covered by range flushes. */
  pages = 0;
  /** Flushes of a single entry. */
  single = 0;
  /** Flushes of the whole address space. */
  full = 0;

  /** Flushes a range of pages that is mapped by entries of level index `level`, each spanning 2^shift pages. */
  flushRange(pages: number, level: number, shift: number): void {
    this.ranges[level]!++;
    this.entries[level]! += pages * INVERSE[shift]!;
    this.pages += pages;
  }

  /** Flushes `count` entries of level index `level` next to each other, each by itself. */
  flushEntries(count: number, level: number, shift: number): void {
    this.ranges[level]! += count;
    this.entries[level]! += count;
    this.pages += count / INVERSE[shift]!;
  }

  /** Flushes one page. */
  flushPage(): void {
    this.single++;
  }

  /** Flushes everything. */
  flushAll(): void {
    this.full++;
  }

  /** Range flushes of all levels together. */
  get rangeFlushes(): number {
    return this.ranges.reduce((sum, count) => sum + count, 0);
  }
}
