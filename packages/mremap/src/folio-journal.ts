import { copiedInto } from '@vmakit/base';
import type { PhysicalMemory } from '@vmakit/folio';

const INITIAL = 256;

/**
 * What folios were before they were rewritten, in the order of rewriting: spans of folios that lie one after the other
 * and had one anon_vma and offsets that go on. One for each policy set, used by one move at a time: 20 bytes a span,
 * nothing is allocated once it has grown.
 */
export class FolioJournal {
  /** Folios remembered. */
  length = 0;
  /** {@link restore} has been called: nothing is rewritten any more. */
  restored = false;
  #spans = 0;
  #heads = new Int32Array(INITIAL);
  #counts = new Int32Array(INITIAL);
  #mappings = new Int32Array(INITIAL);
  /** Of the first folio. */
  #indices = new Float64Array(INITIAL);

  /** Remembers a folio as it is now. */
  remember(memory: PhysicalMemory, head: number): void {
    this.#add(head, 1, memory.mapping[head] as number, memory.index[head] as number);
  }

  /**
   * Remembers the `count` folios from `first` on, which lie one after the other and have the same anon_vma, and gives
   * them anon_vma `anonVmaId` and the offsets from `firstIndex` on.
   */
  rewriteSpan(memory: PhysicalMemory, first: number, count: number, anonVmaId: number, firstIndex: number): void {
    const { mapping, index } = memory;
    const end = first + count;
    const shift = firstIndex - first;
    const oldMapping = mapping[first] as number;
    for (let head = first; head < end;) {
      const begin = head;
      const oldIndex = index[begin] as number;
      const oldShift = oldIndex - begin;
      // Four at a time, which is twice as fast, and then one by one.
      for (; head + 4 <= end && goesOn(index, head, oldShift + head); head += 4) {
        const own = head + shift;
        index[head] = own;
        index[head + 1] = own + 1;
        index[head + 2] = own + 2;
        index[head + 3] = own + 3;
      }
      for (; head < end && index[head] === oldShift + head; head++) {
        index[head] = head + shift;
      }
      this.#add(begin, head - begin, oldMapping, oldIndex);
    }
    setMappings(mapping, first, end, anonVmaId);
  }

  /**
   * Gives every folio its old values, the last one first, so that one rewritten twice ends with its first. The folios
   * stay remembered until {@link clear}, since some may have to be unlocked.
   */
  restore(memory: PhysicalMemory): void {
    for (let at = this.#spans - 1; at >= 0; at--) {
      const mapping = this.#mappings[at] as number;
      placeSpan(memory, this.#heads[at] as number, this.#counts[at] as number, mapping, this.#indices[at] as number);
    }
    this.restored = true;
  }

  /** Forgets everything: the move is over. */
  clear(): void {
    this.length = 0;
    this.#spans = 0;
    this.restored = false;
  }

  #add(head: number, count: number, mapping: number, index: number): void {
    const at = this.#spans;
    if (at === this.#heads.length) this.#grow();
    this.#heads[at] = head;
    this.#counts[at] = count;
    this.#mappings[at] = mapping;
    this.#indices[at] = index;
    this.#spans = at + 1;
    this.length += count;
  }

  #grow(): void {
    const capacity = this.#heads.length * 2;
    this.#heads = copiedInto(new Int32Array(capacity), this.#heads);
    this.#counts = copiedInto(new Int32Array(capacity), this.#counts);
    this.#mappings = copiedInto(new Int32Array(capacity), this.#mappings);
    this.#indices = copiedInto(new Float64Array(capacity), this.#indices);
  }
}

/** Whether the four folios from `first` on have the offsets from `firstIndex` on. */
function goesOn(index: Float64Array, first: number, firstIndex: number): boolean {
  return (
    index[first] === firstIndex &&
    index[first + 1] === firstIndex + 1 &&
    index[first + 2] === firstIndex + 2 &&
    index[first + 3] === firstIndex + 3
  );
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
  setMappings(mapping, first, first + count, anonVmaId);
  for (let i = 0; i < count; i++) index[first + i] = firstIndex + i;
}

/** From so many on, filling them as memory pays. */
const FILL_LEAST = 32;

function setMappings(mapping: Int32Array, first: number, end: number, anonVmaId: number): void {
  if (end - first >= FILL_LEAST) mapping.fill(anonVmaId, first, end);
  else for (let head = first; head < end; head++) mapping[head] = anonVmaId;
}
