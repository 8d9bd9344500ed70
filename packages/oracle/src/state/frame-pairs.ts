import type { PhysicalMemory } from '@vmakit/folio';

/**
 * Which page of the model stands for which page of the live machine. Frames are taken for each other when they are
 * first met in the same place; from then on neither may stand for anything else, until the model's page is freed.
 */
export class FramePairs {
  #live: Uint32Array = new Uint32Array(1024);
  /** Generation of the model's frame when it was paired, plus one; 0: never. */
  #paired: Uint32Array = new Uint32Array(1024);
  readonly #model: Map<number, number> = new Map();

  /** Whether the two can be the same page; if neither has a partner they are partners now. */
  matches(model: number, live: number, memory: PhysicalMemory): boolean {
    if (model >= this.#live.length) this.#grow(model);
    const generation = (memory.generation[model] ?? 0) + 1;
    if (this.#paired[model] === generation && this.#live[model] !== live) return false;
    const other = this.#model.get(live);
    if (other !== undefined && other !== model && this.#isTaken(other, live, memory)) return false;
    this.#live[model] = live;
    this.#paired[model] = generation;
    this.#model.set(live, model);
    return true;
  }

  /** Whether a live page is still the one of another page of the model. A page that nothing maps cannot be seen. */
  #isTaken(model: number, live: number, memory: PhysicalMemory): boolean {
    if (this.#live[model] !== live || this.#paired[model] !== (memory.generation[model] ?? 0) + 1) return false;
    return memory.pageMapcount(model) > 0;
  }

  #grow(frame: number): void {
    let size = this.#live.length;
    while (size <= frame) size *= 2;
    const live = new Uint32Array(size);
    live.set(this.#live);
    this.#live = live;
    const paired = new Uint32Array(size);
    paired.set(this.#paired);
    this.#paired = paired;
  }
}
