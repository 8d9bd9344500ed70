import type { PhysicalMemory } from '@vmakit/folio';

/** What a model's frame was taken for, and when: the generations tell whether it was freed since. */
interface Pair {
  readonly live: number;
  readonly generation: number;
  readonly head: number;
  readonly headGeneration: number;
}

/**
 * Which page of the model stands for which page of the live machine. Frames are taken for each other when they are
 * first met in the same place; from then on neither may stand for anything else, until the model's page is freed.
 */
export class FramePairs {
  readonly #pairs: Map<number, Pair> = new Map();
  readonly #model: Map<number, number> = new Map();

  /** Whether the two can be the same page; if neither has a partner they are partners now. */
  matches(model: number, live: number, memory: PhysicalMemory): boolean {
    const pair = this.#validPair(model, memory);
    if (pair !== undefined && pair.live !== live) return false;
    const other = this.#model.get(live);
    if (other !== undefined && other !== model && this.#isTaken(other, live, memory)) return false;
    if (pair === undefined) this.#join(model, live, memory);
    this.#model.set(live, model);
    return true;
  }

  #join(model: number, live: number, memory: PhysicalMemory): void {
    const { generation } = memory;
    const head = memory.headOf(model);
    this.#pairs.set(model, {
      live,
      generation: generation[model] ?? 0,
      head,
      headGeneration: generation[head] ?? 0,
    });
  }

  /** The pair of a frame, unless the page or the folio that it was part of then has been freed. */
  #validPair(model: number, memory: PhysicalMemory): Pair | undefined {
    const pair = this.#pairs.get(model);
    if (pair === undefined) return undefined;
    const { generation } = memory;
    return generation[model] === pair.generation && generation[pair.head] === pair.headGeneration ? pair : undefined;
  }

  /** Whether a live page is still the one of another page of the model. A page that nothing maps cannot be seen. */
  #isTaken(model: number, live: number, memory: PhysicalMemory): boolean {
    return this.#validPair(model, memory)?.live === live && memory.pageMapcount(model) > 0;
  }
}
