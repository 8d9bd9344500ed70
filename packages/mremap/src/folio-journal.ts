import type { PhysicalMemory } from '@vmakit/folio';

const INITIAL = 256;

/**
 * What folios were before they were rewritten, in the order of rewriting. One for each policy set, used by one move at
 * a time: 16 bytes a folio, nothing is allocated once it has grown.
 */
export class FolioJournal {
  length = 0;
  /** {@link restore} has been called: nothing is rewritten any more. */
  restored = false;
  #heads = new Int32Array(INITIAL);
  #mappings = new Int32Array(INITIAL);
  #indices = new Float64Array(INITIAL);

  /** Remembers a folio as it is now. */
  remember(memory: PhysicalMemory, head: number): void {
    const at = this.length;
    if (at === this.#heads.length) this.#grow();
    this.#heads[at] = head;
    this.#mappings[at] = memory.mapping[head] as number;
    this.#indices[at] = memory.index[head] as number;
    this.length = at + 1;
  }

  /**
   * Remembers the first `count` of `heads`, and gives them anon_vma `anonVmaId` and the offsets from `firstIndex` on.
   */
  rewriteRun(memory: PhysicalMemory, heads: Int32Array, count: number, anonVmaId: number, firstIndex: number): void {
    let at = this.length;
    while (at + count > this.#heads.length) this.#grow();
    const { mapping, index } = memory;
    const ours = this.#heads;
    const mappings = this.#mappings;
    const indices = this.#indices;
    for (let i = 0; i < count; i++, at++) {
      const head = heads[i] as number;
      ours[at] = head;
      mappings[at] = mapping[head] as number;
      indices[at] = index[head] as number;
      mapping[head] = anonVmaId;
      index[head] = firstIndex + i;
    }
    this.length = at;
  }

  /** The same for the `count` folios from `first` on, which lie one after the other: by ranges of the arrays. */
  rewriteSpan(memory: PhysicalMemory, first: number, count: number, anonVmaId: number, firstIndex: number): void {
    const at = this.length;
    while (at + count > this.#heads.length) this.#grow();
    const { mapping, index } = memory;
    const end = first + count;
    const ours = this.#heads;
    for (let i = 0; i < count; i++) ours[at + i] = first + i;
    this.#mappings.set(mapping.subarray(first, end), at);
    this.#indices.set(index.subarray(first, end), at);
    this.length = at + count;
    placeSpan(memory, first, count, anonVmaId, firstIndex);
  }

  /** The head of the `at`-th folio remembered. */
  headAt(at: number): number {
    return this.#heads[at] as number;
  }

  /**
   * Gives every folio its old values, the last one first, so that one rewritten twice ends with its first. The folios
   * stay remembered until {@link clear}, since some may have to be unlocked.
   */
  restore(memory: PhysicalMemory): void {
    for (let at = this.length - 1; at >= 0; at--) {
      const head = this.#heads[at] as number;
      memory.mapping[head] = this.#mappings[at] as number;
      memory.index[head] = this.#indices[at] as number;
    }
    this.restored = true;
  }

  /** Forgets everything: the move is over. */
  clear(): void {
    this.length = 0;
    this.restored = false;
  }

  #grow(): void {
    const capacity = this.#heads.length * 2;
    this.#heads = grown(new Int32Array(capacity), this.#heads);
    this.#mappings = grown(new Int32Array(capacity), this.#mappings);
    this.#indices = grown(new Float64Array(capacity), this.#indices);
  }
}

/** Gives the `count` folios from `first` on anon_vma `anonVmaId` and the offsets from `firstIndex` on. */
export function placeSpan(
  memory: PhysicalMemory,
  first: number,
  count: number,
  anonVmaId: number,
  firstIndex: number,
): void {
  const { mapping, index } = memory;
  mapping.fill(anonVmaId, first, first + count);
  for (let i = 0; i < count; i++) index[first + i] = firstIndex + i;
}

function grown<A extends Int32Array | Float64Array>(larger: A, old: A): A {
  larger.set(old);
  return larger;
}
