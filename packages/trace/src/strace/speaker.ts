/** Tells whether a task may be one that another task of the recording made. */
export interface Family {
  mayBeChild(tid: number): boolean;
}

/**
 * Who speaks in a line without a pid column.
 *
 * strace writing to a terminal leaves the column out while it traces a single task, so a recording can begin without
 * it, get it with the first child, and lose it when one task is left. The task that spoke first without a column is
 * the root; it keeps the id 0 unless a note has named it, also when a later column shows its number.
 */
export class Speaker {
  private root = 0;
  private rootSpoke = false;
  private rootEnded = false;
  /** Number of the root in the column, once it is known. */
  private rootColumn = -1;
  private heard = false;
  private lastColumn = -1;
  private lastTask = -1;
  /** Tasks with a column that have not ended, the root left out. */
  private readonly others = new Set<number>();
  /** Tasks that a note announced after others had spoken: none of them is the root. */
  private readonly announced = new Set<number>();

  /** Somebody speaks: tasks that notes name from now on are not the root. */
  begin(): void {
    this.heard = true;
  }

  /** `strace: Process 123 attached`. */
  attached(tid: number): void {
    if (this.heard) this.announced.add(tid);
    else this.root = tid;
    this.heard = true;
  }

  /** Task of a line without a column. */
  withoutColumn(): number {
    this.heard = true;
    const rootIsSilent = this.rootEnded || !this.rootSpoke;
    if (rootIsSilent && this.others.size === 1) {
      const [last] = this.others;
      return last as number;
    }
    this.rootSpoke = true;
    return this.root;
  }

  /** Task of a line with the column `tid`. */
  withColumn(tid: number, family: Family): number {
    if (tid === this.lastColumn) return this.lastTask;
    this.heard = true;
    this.lastColumn = tid;
    this.lastTask = this.taskOf(tid, family);
    if (this.lastTask === tid && tid !== this.root) this.others.add(tid);
    return this.lastTask;
  }

  ended(tid: number): void {
    this.lastColumn = -1;
    this.announced.delete(tid);
    if (tid === this.root) this.rootEnded = true;
    else this.others.delete(tid);
  }

  private taskOf(tid: number, family: Family): number {
    if (!this.rootSpoke || this.rootEnded || this.others.has(tid)) return tid;
    if (tid === this.rootColumn || tid === this.root) return this.root;
    if (this.rootColumn >= 0 || this.root !== 0 || this.announced.has(tid) || family.mayBeChild(tid)) return tid;
    this.rootColumn = tid;
    return this.root;
  }
}
