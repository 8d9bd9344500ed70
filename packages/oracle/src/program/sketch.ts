import { ARENA_PAGES } from '../driver/protocol.js';

/** What a generated range was made with: what decides whether two of them may merge. */
export interface SketchAttributes {
  readonly prot: string;
  readonly shared: boolean;
  readonly noReserve: boolean;
  /** Number of a memfd, and the page offset at the range's start; null: anonymous. */
  readonly file: number | null;
  readonly offset: number;
}

/** A range that the generator believes to be mapped. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly attributes: SketchAttributes;
}

function from(segment: Segment, start: number): Segment {
  const { attributes } = segment;
  const offset = attributes.offset + (start - segment.start);
  return { start, end: segment.end, attributes: { ...attributes, offset } };
}

/**
 * What a program generator believes of one process's window: enough to aim at boundaries, no more. It may be wrong
 * (calls that fail leave it as if they had not), which only makes the aim worse.
 */
export class Sketch {
  /** Sorted, disjoint. */
  segments: Segment[] = [];

  clone(): Sketch {
    const copy = new Sketch();
    copy.segments = [...this.segments];
    return copy;
  }

  /** Takes everything out of [start, end) and gives back what was there. */
  clear(start: number, end: number): Segment[] {
    const taken: Segment[] = [];
    const left: Segment[] = [];
    for (const segment of this.segments) {
      if (segment.end <= start || segment.start >= end) {
        left.push(segment);
        continue;
      }
      if (segment.start < start) left.push({ ...segment, end: start });
      const cut = segment.start < start ? from(segment, start) : segment;
      taken.push(cut.end > end ? { ...cut, end } : cut);
      if (segment.end > end) left.push(from(segment, end));
    }
    this.segments = left;
    return taken;
  }

  /** What would reach out of the window is cut off: nothing can be there. */
  put(start: number, end: number, attributes: SketchAttributes): void {
    this.clear(start, end);
    const limit = Math.min(end, ARENA_PAGES);
    if (start >= limit) return;
    this.segments.push({ start, end: limit, attributes });
    this.segments.sort((a, b) => a.start - b.start);
  }

  /** Moves what is in [start, start + pages) to `to`; what is there already goes. */
  move(start: number, pages: number, to: number, keepSource: boolean): void {
    const moved = this.clear(start, start + pages);
    if (keepSource) for (const segment of moved) this.put(segment.start, segment.end, segment.attributes);
    this.clear(to, to + pages);
    for (const segment of moved) {
      this.put(segment.start - start + to, segment.end - start + to, segment.attributes);
    }
  }

  /** Changes the protection of what is mapped in [start, end). */
  protect(start: number, end: number, prot: string): void {
    for (const segment of this.clear(start, end)) {
      this.put(segment.start, segment.end, { ...segment.attributes, prot });
    }
  }
}
