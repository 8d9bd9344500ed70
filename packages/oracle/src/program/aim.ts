import { ARENA_PAGES } from '../driver/protocol.js';
import type { Dice } from './dice.js';
import type { Mix } from './mix.js';
import type { Segment, Sketch } from './sketch.js';

/** Pages that one table of the lowest level maps, with pages of 4 KiB. */
export const TABLE_PAGES = 512;

/** Where programs play: close together, so that ranges meet. */
const PLAYGROUND = { low: 16, high: 112 };
const AWAY = { low: 1000, high: 1096 };
/** A stretch of more pages, from the playground to what lies far away, would be nothing but hole. */
const LONGEST_STRETCH = 200;

/** Pages, half open; never empty, never out of the window. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A place for something new, and what it is beside. */
export interface Place {
  readonly start: number;
  readonly near: Segment | null;
}

/** Picks where an operation strikes: at the borders of what there is, most of the time. */
export class Aim {
  readonly #dice: Dice;
  readonly #mix: Mix;

  constructor(dice: Dice, mix: Mix) {
    this.#dice = dice;
    this.#mix = mix;
  }

  /** The length of a new mapping. */
  length(): number {
    const dice = this.#dice;
    if (!this.#mix.wide) return dice.between(1, this.#mix.longest);
    return dice.pick([TABLE_PAGES, TABLE_PAGES, 2 * TABLE_PAGES, TABLE_PAGES + 3, TABLE_PAGES / 2, 24]);
  }

  /** A range to do something to: a mapping, a part of one, or a stretch of several. */
  range(sketch: Sketch): Range {
    const { start, end } = this.#anyRange(sketch);
    return { start, end: Math.min(end, ARENA_PAGES) };
  }

  /** A range that can be written to, most of the time. */
  touchable(sketch: Sketch): Range {
    const writable = sketch.segments.filter((segment) => segment.attributes.prot[1] === 'w');
    if (writable.length === 0 || this.#dice.chance(12)) return this.range(sketch);
    return this.#partOf(this.#dice.pick(writable));
  }

  /** From inside or the start of one mapping to inside or the end of another, or a little beyond. */
  stretch(sketch: Sketch, first?: Segment): Range {
    const dice = this.#dice;
    const { segments } = sketch;
    const index = first === undefined ? dice.below(Math.max(1, segments.length)) : segments.indexOf(first);
    const begin = segments[index];
    const last = segments[Math.min(segments.length - 1, index + dice.below(3))];
    if (begin === undefined || last === undefined) return this.#anywhere();
    const start = dice.chance(70) ? begin.start : begin.start + dice.below(begin.end - begin.start);
    const limit = dice.chance(85) ? last.end : Math.min(ARENA_PAGES, last.end + dice.between(1, 2));
    const end = dice.chance(75) ? limit : Math.max(start + 1, last.start + dice.between(1, last.end - last.start));
    return end - start > LONGEST_STRETCH && !this.#mix.wide ? { start: begin.start, end: begin.end } : { start, end };
  }

  /** A place for `pages` pages: right beside something, on top of it, in the open, or at a border of tables. */
  place(sketch: Sketch, pages: number): Place {
    const dice = this.#dice;
    const { segments } = sketch;
    const limit = ARENA_PAGES - pages;
    if (segments.length > 0 && dice.chance(70)) {
      const near = dice.pick(segments);
      const at = [near.end, near.start - pages, near.start, near.end + dice.between(1, 2)];
      const start = at[dice.weighted([44, 40, 8, 8])] ?? near.end;
      if (start >= 0 && start <= limit) return { start, near };
    }
    return { start: Math.max(0, Math.min(limit, this.#openPlace(pages, limit))), near: null };
  }

  #openPlace(pages: number, limit: number): number {
    const dice = this.#dice;
    if (this.#mix.wide) return dice.below(6) * TABLE_PAGES + (dice.chance(75) ? 0 : dice.below(4));
    switch (dice.weighted([60, 30, 6, 4])) {
      case 0:
        return dice.between(PLAYGROUND.low, PLAYGROUND.high);
      case 1:
        return dice.between(AWAY.low, AWAY.high);
      case 2:
        return TABLE_PAGES * dice.between(1, 3) - dice.below(pages + 1);
      default:
        return dice.chance(50) ? 0 : limit;
    }
  }

  #anyRange(sketch: Sketch): Range {
    const { segments } = sketch;
    if (segments.length === 0 || this.#dice.chance(2)) return this.#anywhere();
    const segment = this.#dice.pick(segments);
    return this.#dice.chance(14) ? this.stretch(sketch, segment) : this.#partOf(segment);
  }

  #anywhere(): Range {
    const start = this.#dice.between(PLAYGROUND.low, PLAYGROUND.high);
    return { start, end: start + this.length() };
  }

  /** All of a mapping, its beginning, its end, or something inside. */
  #partOf({ start, end }: Segment): Range {
    const dice = this.#dice;
    const length = end - start;
    switch (dice.weighted([54, 16, 16, 14])) {
      case 0:
        return { start, end };
      case 1:
        return { start, end: start + dice.between(1, length) };
      case 2:
        return { start: end - dice.between(1, length), end };
      default: {
        const at = start + dice.below(length);
        return { start: at, end: at + dice.between(1, end - at) };
      }
    }
  }
}
