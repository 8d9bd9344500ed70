import type { PhysicalMemory } from '@vmakit/folio';

/** Folios that one batch of a processor holds before they go to their list together. */
const BATCH = 31;

/**
 * The batches in which the (one) processor gathers folios on their way to and between the LRU lists. A folio in a batch
 * has one reference more than it seems, and that decides whether a page may be used in place:
 *
 * - A new folio is not on a list yet. Whoever wants to know whether a page is referenced notices that, and empties all
 *   batches first.
 * - A folio given up by MADV_FREE stays on its list while it waits in a batch to change lists, so nobody notices: a
 * store
 *   to it copies it.
 *
 * The model counts no references for it (a folio in a batch would outlive its last user); it remembers who is in one.
 */
export class LruCaches {
  readonly #memory: PhysicalMemory;
  readonly #added = new Int32Array(BATCH);
  #addedCount = 0;
  readonly #lazyFreed: { head: number; generation: number }[] = [];

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  /** A folio was made. A large one is never kept waiting, nor are those before it. */
  add(head: number): void {
    if (this.#addedCount === BATCH - 1 || this.#memory.order[head] !== 0) {
      this.#addedCount = 0;
      return;
    }
    this.#added[this.#addedCount++] = head;
  }

  /** MADV_FREE gave a folio up. */
  lazyFree(head: number): void {
    const { order, generation } = this.#memory;
    if (order[head] !== 0 || this.#lazyFreed.length === BATCH - 1) {
      this.#lazyFreed.length = 0;
      return;
    }
    this.#lazyFreed.push({ head, generation: generation[head]! });
  }

  /** Empties all batches. */
  drain(): void {
    this.#addedCount = 0;
    this.#lazyFreed.length = 0;
  }

  /** Whether a batch holds a reference to a folio that a store would like to use in place. */
  holds(head: number): boolean {
    if (this.#lazyFreed.length === 0) return false;
    if (this.#added.lastIndexOf(head, this.#addedCount - 1) >= 0 && this.#addedCount > 0) {
      this.drain();
      return false;
    }
    const generation = this.#memory.generation[head];
    return this.#lazyFreed.some((freed) => freed.head === head && freed.generation === generation);
  }
}
