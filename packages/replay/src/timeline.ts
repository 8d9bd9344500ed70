/** The number of VMAs of a process after so many events of the recording. */
export interface TimelinePoint {
  readonly event: number;
  readonly vmas: number;
}

/** So many points are kept; with more, every second one is dropped. */
const LIMIT = 1024;

/** How a number went, in a bounded number of points: of points that are left out the highest neighbour stays. */
export class Timeline {
  #points: TimelinePoint[] = [];
  #step = 1;
  #next = 0;

  /** `event`: events so far, ascending. */
  add(event: number, vmas: number): void {
    const last = this.#points.at(-1);
    if (event < this.#next) {
      if (last !== undefined && vmas > last.vmas) this.#points[this.#points.length - 1] = { event: last.event, vmas };
      return;
    }
    this.#points.push({ event, vmas });
    this.#next = event + this.#step;
    if (this.#points.length >= LIMIT) this.#thin();
  }

  /** The points so far, ascending. */
  read(): readonly TimelinePoint[] {
    return this.#points;
  }

  #thin(): void {
    this.#points = this.#points.flatMap((point, at, all) => {
      if (at % 2 !== 0) return [];
      return [{ event: point.event, vmas: Math.max(point.vmas, all[at + 1]?.vmas ?? 0) }];
    });
    this.#step *= 2;
    this.#next = (this.#points.at(-1)?.event ?? 0) + this.#step;
  }
}
