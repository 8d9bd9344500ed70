import type { Operation } from '@vmakit/trace';
import { boundaries, closeUp, simplerForms } from './simplify.js';
import { keepWellFormed } from './well-formed.js';

/** Says whether a program still shows what it was shrunk for. */
export type StillShows = (operations: readonly Operation[]) => Promise<boolean>;

/** What shrinking did. */
export interface Shrunk {
  readonly operations: readonly Operation[];
  /** Programs that were tried. */
  readonly tries: number;
}

/**
 * Makes a program smaller as long as it still shows what it shows: takes operations out, simplifies those that stay,
 * and moves ranges together. The result cannot be made smaller by any one such step, unless `mostTries` ran out.
 */
export async function shrink(
  operations: readonly Operation[],
  stillShows: StillShows,
  mostTries = 5000,
): Promise<Shrunk> {
  const shrinker = new Shrinker(operations, stillShows, mostTries);
  await shrinker.run();
  return { operations: shrinker.operations, tries: shrinker.tries };
}

class Shrinker {
  operations: readonly Operation[];
  tries = 0;
  readonly #stillShows: StillShows;
  readonly #mostTries: number;

  constructor(operations: readonly Operation[], stillShows: StillShows, mostTries: number) {
    this.operations = operations;
    this.#stillShows = stillShows;
    this.#mostTries = mostTries;
  }

  async run(): Promise<void> {
    for (;;) {
      const removed = await this.#removeOperations();
      const simplified = await this.#simplifyOperations();
      const closed = await this.#closeGaps();
      if (!removed && !simplified && !closed) return;
      if (this.tries >= this.#mostTries) return;
    }
  }

  /** Takes the candidate if it is well formed, smaller or simpler, and still shows it. */
  async #accept(candidate: readonly Operation[]): Promise<boolean> {
    if (this.tries >= this.#mostTries) return false;
    const operations = keepWellFormed(candidate);
    if (operations.length === 0) return false;
    this.tries++;
    if (!(await this.#stillShows(operations))) return false;
    this.operations = operations;
    return true;
  }

  /** Halves, quarters, ... single operations. */
  async #removeOperations(): Promise<boolean> {
    let any = false;
    for (let size = Math.ceil(this.operations.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = this.operations.length - size; at > -size; at -= size) {
        const start = Math.max(0, at);
        const rest = [...this.operations.slice(0, start), ...this.operations.slice(at + size)];
        if (await this.#accept(rest)) any = true;
      }
    }
    return any;
  }

  async #simplifyOperations(): Promise<boolean> {
    let any = false;
    for (let i = 0; i < this.operations.length; i++) {
      const operation = this.operations[i];
      if (operation === undefined) break;
      for (const form of simplerForms(operation)) {
        const candidate = this.operations.map((other, index) => (index === i ? form : other));
        if (!(await this.#accept(candidate))) continue;
        any = true;
        break;
      }
    }
    return any;
  }

  /** Shortens the stretches between the pages that are named anywhere: to one page, by half, by one. */
  async #closeGaps(): Promise<boolean> {
    let any = false;
    let index = 1;
    for (;;) {
      const pages = boundaries(this.operations);
      const page = pages[index];
      const before = pages[index - 1];
      if (page === undefined || before === undefined) return any;
      const gap = page - before;
      for (const by of new Set([gap, gap - 1, gap >> 1, 1])) {
        if (by <= 0 || by > gap || !(await this.#accept(closeUp(this.operations, page, by)))) continue;
        any = true;
        break;
      }
      index++;
    }
  }
}
