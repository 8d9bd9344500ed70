import type { PhysicalMemory } from '@vmakit/folio';

const NOBODY = 0;
const SEVERAL = -1;

/**
 * What the page tables of all address spaces say about frames and swap slots, counted entry by entry: the truth that
 * the stored counters are compared with. Kept from check to check, so that no arrays are allocated each time.
 */
export class Census {
  /** Lowest-level entries that map each frame. */
  ptes: Int32Array = new Int32Array(0);
  /** Huge entries that map the folio, by head. */
  pmds: Int32Array = new Int32Array(0);
  /** The address space that maps the folio, by head: its id, 0 for none, -1 for several. */
  #mapper: Int32Array = new Int32Array(0);
  /** References that a page cache holds, by head. */
  cached: Int32Array = new Int32Array(0);
  /** Mappings of each large folio by address space. */
  readonly mappings: Map<number, Map<number, number>> = new Map();
  /** Entries that refer to each swap slot. */
  readonly slots: Map<number, number> = new Map();

  /** Everything to 0, with room for the frames that memory has. */
  reset(memory: PhysicalMemory): void {
    const frames = memory.endFrame;
    if (this.ptes.length < frames) {
      const capacity = Math.max(1024, frames * 2);
      this.ptes = new Int32Array(capacity);
      this.pmds = new Int32Array(capacity);
      this.#mapper = new Int32Array(capacity);
      this.cached = new Int32Array(capacity);
    } else {
      this.ptes.fill(0, 0, frames);
      this.pmds.fill(0, 0, frames);
      this.#mapper.fill(0, 0, frames);
      this.cached.fill(0, 0, frames);
    }
    this.mappings.clear();
    this.slots.clear();
  }

  /** An entry of `mmId` maps `frame` of the folio at `head`; `huge`: all of it. */
  count(mmId: number, head: number, frame: number, huge: boolean, large: boolean): void {
    if (huge) (this.pmds[head] as number)++;
    else (this.ptes[frame] as number)++;
    const mapper = this.#mapper[head] as number;
    if (mapper === NOBODY) this.#mapper[head] = mmId;
    else if (mapper !== mmId) this.#mapper[head] = SEVERAL;
    if (large) this.#countLarge(mmId, head);
  }

  /** Whether more than one address space maps the folio. */
  isShared(head: number): boolean {
    return this.#mapper[head] === SEVERAL;
  }

  #countLarge(mmId: number, head: number): void {
    let byMm = this.mappings.get(head);
    if (byMm === undefined) {
      byMm = new Map();
      this.mappings.set(head, byMm);
    }
    byMm.set(mmId, (byMm.get(mmId) ?? 0) + 1);
  }
}
