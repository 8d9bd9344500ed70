import type { PhysicalMemory } from '@vmakit/folio';
import { FrameBytes, MANY_FRAMES } from './frame-bytes.js';

/** Counts frames that are alike in what most rules about small folios go by: flags, mapcount and refcount. */
export class AlikeFrames {
  #memory!: PhysicalMemory;
  readonly #flags = new FrameBytes();
  readonly #mapcount = new FrameBytes();
  readonly #refcount = new FrameBytes();

  begin(memory: PhysicalMemory): void {
    this.#memory = memory;
  }

  /** How many of `count` frames from `first` on (at least one) are like the first, from the front. */
  countAlike(first: number, count: number): number {
    return count >= MANY_FRAMES && this.#areAlike(first, count) ? count : this.#countOneByOne(first, count);
  }

  #areAlike(first: number, count: number): boolean {
    const { flags, mapcount, refcount } = this.#memory;
    return (
      this.#flags.areEqual(flags, first, count) &&
      this.#mapcount.areEqual(mapcount, first, count) &&
      this.#refcount.areEqual(refcount, first, count)
    );
  }

  #countOneByOne(first: number, count: number): number {
    const { flags, mapcount, refcount } = this.#memory;
    const state = flags[first] as number;
    const mapped = mapcount[first] as number;
    const used = refcount[first] as number;
    const end = first + count;
    let frame = first + 1;
    for (; frame < end; frame++) {
      const difference =
        ((flags[frame] as number) ^ state) |
        ((mapcount[frame] as number) ^ mapped) |
        ((refcount[frame] as number) ^ used);
      if (difference !== 0) break;
    }
    return frame - first;
  }
}
