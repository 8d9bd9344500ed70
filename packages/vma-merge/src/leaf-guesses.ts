import { reported } from '@vmakit/base';

/** Places of a table for a small tree, so few that they lie in the array object itself. */
const FEWEST_PLACES = 16;
/** log2 of the places that the pages of a leaf are spread over. */
const FINENESS = 2;
/** At least so many places there are for each leaf that the table is made for: twice as many as the tree has. */
const PLACES_PER_LEAF = 4;
/** So many places of a leaf are filled when all leaves are told of: those of one that reaches far are not. */
const MOST_NOTED = 16;
/** The span of a leaf is the average of about so many that were searched for. */
const SPANS = 16;

/**
 * In which leaf of a tree a search ended: a table by the upper part of the page number, so that most searches need not
 * go down the tree. What it answers is a guess, and it is the tree's to check: leaves change without telling.
 *
 * A place stands for about a quarter of the pages of a leaf, and there are four or more for each leaf.
 */
export class LeafGuesses {
  /** A leaf in each place: a 32-bit number. Leaf 0 is there in every tree. */
  #leaves: Int32Array = new Int32Array(FEWEST_PLACES);
  /** Places for a page: a negative power of two. */
  #placesPerPage = 1;
  /** log2 of the pages that a leaf spans, on average. */
  #span = 0;
  /** Guesses that were wrong since it was last asked whether the table fits. */
  #wrong = 0;

  /** The leaf where the last search for a page near `page` ended. */
  leafFor(page: number): number {
    const leaves = this.#leaves;
    return leaves[(page * this.#placesPerPage) & (leaves.length - 1)] as number;
  }

  /**
   * The guess for `page` was wrong: it is in `leaf`.
   *
   * @returns whether as many were wrong as there are places, so that it should be seen whether the table still fits
   */
  correct(page: number, leaf: number): boolean {
    this.set(page, leaf);
    return ++this.#wrong >= this.#leaves.length;
  }

  /** A leaf of the tree spans so many pages. */
  learn(span: number): void {
    this.#span += (Math.log2(span) - this.#span) / (this.#span === 0 ? 1 : SPANS);
  }

  /** `page` is in `leaf`. */
  set(page: number, leaf: number): void {
    const leaves = this.#leaves;
    leaves[(page * this.#placesPerPage) & (leaves.length - 1)] = leaf;
  }

  /** The pages of [start, end) are in `leaf`. */
  note(start: number, end: number, leaf: number): void {
    const leaves = this.#leaves;
    const last = leaves.length - 1;
    const first = Math.floor(start * this.#placesPerPage);
    const count = Math.floor(end * this.#placesPerPage) - first + 1;
    for (let i = 0; i < count && i < MOST_NOTED; i++) leaves[(first + i) & last] = leaf;
  }

  /**
   * Makes the table anew, unless it fits a tree of up to `room` leaves like those that were learned.
   *
   * @returns whether it is new: nothing is known then, and the tree tells of each leaf ({@link note})
   */
  fit(room: number): boolean {
    this.#wrong = 0;
    const pages = this.#span - FINENESS;
    const isFit = Math.abs(pages + Math.log2(this.#placesPerPage)) <= 1;
    let places = FEWEST_PLACES;
    while (places < PLACES_PER_LEAF * room) places *= 2;
    if (isFit && places === this.#leaves.length) return false;
    this.#placesPerPage = 2 ** -Math.max(0, Math.round(pages));
    this.#leaves = reported(new Int32Array(places));
    return true;
  }
}
