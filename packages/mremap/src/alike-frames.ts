import type { PhysicalMemory } from '@vmakit/folio';
import { FrameBytes, MANY_FRAMES } from './frame-bytes.js';

/** How many frames more than are asked for are looked at along: a comparison costs much by itself, little a frame. */
const AHEAD = 4096;

/**
 * Counts frames that are alike in what most rules about small folios go by, flags, mapcount and refcount, and in their
 * anon_vma.
 */
export class AlikeFrames {
  #memory!: PhysicalMemory;
  readonly #flags = new FrameBytes();
  readonly #mapcount = new FrameBytes();
  readonly #refcount = new FrameBytes();
  readonly #mapping = new FrameBytes();

  /** Frames that are alike, as was seen already. */
  #from = 0;
  #to = 0;
  #looksAhead = true;

  begin(memory: PhysicalMemory): void {
    this.#memory = memory;
    this.#looksAhead = true;
    this.forget();
  }

  /** Frames may have changed. */
  forget(): void {
    this.#to = 0;
  }

  /**
   * How many of `count` frames from `first` on (at least one) are like the first, from the front. With them as many as
   * `next` are looked at that follow them, since it may be their turn next.
   */
  countAlike(first: number, count: number, next = 0): number {
    if (first >= this.#from && first + count <= this.#to) {
      // Those behind may get another anon_vma now.
      this.#from = first + count;
      return count;
    }
    if (count < MANY_FRAMES) return this.#countOneByOne(first, count);
    const ahead = next < AHEAD ? next : AHEAD;
    if (ahead > 0 && this.#looksAhead && this.#areAheadAlike(first, count, ahead)) return count;
    return this.#areAlike(first, count) ? count : this.#countOneByOne(first, count);
  }

  /** Once they are not, it is not tried again. */
  #areAheadAlike(first: number, count: number, ahead: number): boolean {
    const to = first + count + ahead;
    this.#looksAhead = to <= this.#memory.flags.length && this.#areAlike(first, count + ahead);
    if (this.#looksAhead) {
      this.#from = first + count;
      this.#to = to;
    }
    return this.#looksAhead;
  }

  #areAlike(first: number, count: number): boolean {
    const { flags, mapcount, refcount, mapping } = this.#memory;
    return (
      this.#flags.areEqual(flags, first, count) &&
      this.#mapcount.areEqual(mapcount, first, count) &&
      this.#refcount.areEqual(refcount, first, count) &&
      this.#mapping.areEqual(mapping, first, count)
    );
  }

  #countOneByOne(first: number, count: number): number {
    const { flags, mapcount, refcount, mapping } = this.#memory;
    const state = flags[first] as number;
    const mapped = mapcount[first] as number;
    const used = refcount[first] as number;
    const anonVma = mapping[first] as number;
    const end = first + count;
    let frame = first + 1;
    for (; frame < end; frame++) {
      const difference =
        ((flags[frame] as number) ^ state) |
        ((mapcount[frame] as number) ^ mapped) |
        ((refcount[frame] as number) ^ used) |
        ((mapping[frame] as number) ^ anonVma);
      if (difference !== 0) break;
    }
    return frame - first;
  }
}
