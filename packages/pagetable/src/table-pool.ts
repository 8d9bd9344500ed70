import { InvariantError, copiedInto } from '@vmakit/base';
import type { Arch } from './arch.js';
import type { LevelName } from './geometry.js';

/** Bytes of one chunk: many tables, so that there are few arrays, but little waste in the last one. */
const CHUNK_BYTES = 256 * 1024;
const BYTES_PER_WORD = 8;
const INITIAL_CHUNKS = 4;
/** What the pool knows of a table, beside its words. */
const SIDE_BYTES = 9;

/** In place of how many entries of an upper table lead to tables: it has, or had, other entries. */
const HAS_LEAVES = -1;
/** Bits of each of the two numbers that are known of a table of the lowest level. */
const INDEX_BITS = 16;
const INDEX_MASK: number = (1 << INDEX_BITS) - 1;

/** Entries up to which a loop over them takes less time than it takes to have them compared. */
const FEW = 128;

/** An empty table of the largest size. */
const ZEROS: Buffer = Buffer.alloc(65536);

/**
 * The memory of page tables: all tables of all address spaces of one model.
 *
 * A table is named by a small integer id, from 1 on; 0 means "no table". Its words are in `words(id)`, from `base(id)`
 * on, two halves an entry. Tables are aligned to their size in there, so that `at` of an entry tells its place in a
 * contiguous block. All tables have the size of a page, whatever their level. A free table is all zero.
 *
 * Beside its words a table costs {@link SIDE_BYTES} bytes.
 */
export class TablePool {
  readonly arch: Arch;
  /** Tables handed out since the start. */
  allocated = 0;
  /** Tables given back since the start. */
  freed = 0;
  /** Live tables by level index. */
  readonly live: Int32Array;
  /** When set and true for a level, the allocation of a table of that level fails: fault injection. */
  refuse: ((level: LevelName) => boolean) | null = null;

  /** The words; table `id` is in chunk `id >> chunkShift`, from `(id & chunkMask) << tableShift` on. */
  readonly chunks: Int32Array[] = [];
  /** The same memory as bytes, for comparing whole tables. */
  readonly #bytes: Buffer[] = [];
  readonly chunkShift: number;
  /** Tables of a chunk, less one. */
  readonly chunkMask: number;
  /** log2 of the 32-bit halves of one table. */
  readonly tableShift: number;
  readonly #entries: number;
  /** Next table of the chain that this one is in: free tables, or tables kept in reserve. */
  #next: Int32Array;
  /** Level index + 1 of a live table, 0 of a free one. */
  #levelOf: Uint8Array;
  /**
   * What is known of the entries of a table, so that most need not be looked at before they are given back. Of an upper
   * one how many entries lead to tables, or {@link HAS_LEAVES}. Of one of the lowest level between which entries all
   * lie that may be filled: the number of the first, and above that of the one behind the last; 0: all are empty.
   */
  #known: Int32Array;
  /** First table kept in reserve for the leaves of a table that has any. */
  readonly #reserve = new Map<number, number>();
  #free = 0;
  #unused = 1;

  constructor(arch: Arch) {
    this.arch = arch;
    this.live = new Int32Array(arch.levels.length);
    const perChunk = Math.max(4, CHUNK_BYTES / arch.pageSize);
    this.chunkShift = Math.log2(perChunk);
    this.chunkMask = perChunk - 1;
    this.#entries = arch.pageSize / BYTES_PER_WORD;
    this.tableShift = Math.log2(this.#entries * 2);
    this.#next = new Int32Array(INITIAL_CHUNKS * perChunk);
    this.#levelOf = new Uint8Array(INITIAL_CHUNKS * perChunk);
    this.#known = new Int32Array(INITIAL_CHUNKS * perChunk);
  }

  /** The array that holds table `id`. */
  words(id: number): Int32Array {
    return this.chunks[id >> this.chunkShift]!;
  }

  /** Index of the low half of the first entry of table `id` in `words(id)`. */
  base(id: number): number {
    return (id & this.chunkMask) << this.tableShift;
  }

  /** Level index of a live table; -1 of a free one. */
  levelOf(id: number): number {
    return this.#levelOf[id]! - 1;
  }

  /** Bytes that the pool has taken: words and side tables, live or not. */
  get bytes(): number {
    return this.chunks.length * (this.chunkMask + 1) * this.arch.pageSize + this.#next.length * SIDE_BYTES;
  }

  /** Whether `count` entries of table `id`, of the lowest level, are empty, from number `first` on. */
  isZero(id: number, first: number, count: number): boolean {
    const known = this.#known[id]!;
    const low = Math.max(first, known & INDEX_MASK);
    const end = Math.min(first + count, known >>> INDEX_BITS);
    return low >= end || this.#areZero(id, low, end - low);
  }

  /** The same for any table, and seen, not known. Many entries as bytes: a loop takes longer. */
  #areZero(id: number, first: number, count: number): boolean {
    if (count <= FEW) return this.#fewAreZero(id, first, count);
    const from = (id & this.chunkMask) * this.arch.pageSize + first * BYTES_PER_WORD;
    const length = count * BYTES_PER_WORD;
    return this.#bytes[id >> this.chunkShift]!.compare(ZEROS, 0, length, from, from + length) === 0;
  }

  #fewAreZero(id: number, first: number, count: number): boolean {
    const words = this.words(id);
    const from = this.base(id) + 2 * first;
    const end = from + 2 * count;
    let any = 0;
    for (let at = from; at < end; at++) any |= words[at]!;
    return any === 0;
  }

  /** An empty table for `level`, or 0 when the allocation is refused. */
  allocate(level: number): number {
    if (this.refuse !== null && this.refuse(this.arch.level(level).name)) return 0;
    let id = this.#free;
    if (id !== 0) this.#free = this.#next[id]!;
    else id = this.#takeUnused();
    this.#levelOf[id] = level + 1;
    this.#known[id] = 0;
    this.#next[id] = 0;
    this.live[level]!++;
    this.allocated++;
    return id;
  }

  /** Entries of an upper table that lead to tables; -1: it has, or had, other entries, and they are not counted. */
  links(id: number): number {
    return this.#known[id]!;
  }

  /** `change` more entries of an upper table lead to tables than before. */
  addLinks(id: number, change: number): void {
    if (this.#known[id] !== HAS_LEAVES) this.#known[id]! += change;
  }

  /** Says that an upper table gets an entry that does not lead to a table. */
  holdsLeaves(id: number): void {
    this.#known[id] = HAS_LEAVES;
  }

  /** Says that entries of a table of the lowest level may be filled from now on: `count` from number `first` on. */
  mayFill(id: number, first: number, count: number): void {
    const known = this.#known[id]!;
    const low = known & INDEX_MASK;
    const end = known >>> INDEX_BITS;
    const last = first + count;
    if (end === 0) this.#known[id] = first | (last << INDEX_BITS);
    else if (first < low || last > end) this.#known[id] = Math.min(first, low) | (Math.max(last, end) << INDEX_BITS);
  }

  /** Says that entries of a table of the lowest level are empty now: `count` from number `first` on. */
  emptied(id: number, first: number, count: number): void {
    const known = this.#known[id]!;
    let low = known & INDEX_MASK;
    let end = known >>> INDEX_BITS;
    const last = first + count;
    if (first <= low && last > low) low = last;
    if (last >= end && first < end) end = first;
    this.#known[id] = low < end ? low | (end << INDEX_BITS) : 0;
  }

  /** Whether entry number `index` of a table of the lowest level is one that may be filled. */
  mayBeFilled(id: number, index: number): boolean {
    const known = this.#known[id]!;
    return index >= (known & INDEX_MASK) && index < known >>> INDEX_BITS;
  }

  /** A free table that is not all zero; 0: there is none, as it should be. */
  findUncleared(): number {
    let id = this.#free;
    while (id !== 0 && this.#areZero(id, 0, this.#entries)) id = this.#next[id]!;
    return id;
  }

  /**
   * Takes an empty table back.
   *
   * @throws {InvariantError} when an entry is not empty, tables are in reserve for it, or it is not live
   */
  free(id: number): void {
    if (!this.#isEmpty(id)) throw this.#notEmpty(id);
    this.#release(id);
  }

  #isEmpty(id: number): boolean {
    const known = this.#known[id]!;
    if (known === 0) return true;
    if (this.#levelOf[id] === 1) return this.isZero(id, 0, this.#entries);
    return known === HAS_LEAVES && this.#areZero(id, 0, this.#entries);
  }

  /**
   * Takes the first `count` of `ids` back, in that order. They must be empty. Tables that lie next to each other are
   * looked at together, where a look is needed: a comparison by itself takes as long as a table.
   *
   * @throws {InvariantError} as `free` does
   */
  freeAll(ids: Int32Array, count: number): void {
    const most = Math.max(1, ZEROS.length / this.arch.pageSize);
    for (let i = 0; i < count;) {
      let low = ids[i]!;
      let high = low;
      let next = i + 1;
      for (; next < count && high - low + 1 < most && this.#known[low] !== 0; next++) {
        const id = ids[next]!;
        if (id === low - 1 && (low & this.chunkMask) !== 0) low = id;
        else if (id === high + 1 && (id & this.chunkMask) !== 0) high = id;
        else break;
      }
      const zero = high > low && this.#areZero(low, 0, (high - low + 1) * this.#entries);
      for (; i < next; i++) {
        if (zero) this.#release(ids[i]!);
        else this.free(ids[i]!);
      }
    }
  }

  /** Takes a table back with whatever is in it. */
  discard(id: number): void {
    const base = this.base(id);
    this.words(id).fill(0, base, base + (1 << this.tableShift));
    this.#release(id);
  }

  /** Keeps table `id` in reserve for a leaf of the table `owner`. */
  deposit(owner: number, id: number): void {
    this.#next[id] = this.#reserve.get(owner) ?? 0;
    this.#reserve.set(owner, id);
  }

  /** Takes out a table kept in reserve for `owner`, the one put in last; 0 when there is none. */
  withdraw(owner: number): number {
    const id = this.#reserve.get(owner) ?? 0;
    if (id === 0) return 0;
    const left = this.#next[id]!;
    if (left === 0) this.#reserve.delete(owner);
    else this.#reserve.set(owner, left);
    this.#next[id] = 0;
    return id;
  }

  /** How many tables are in reserve for `owner`. */
  deposited(owner: number): number {
    let count = 0;
    for (let id = this.#reserve.get(owner) ?? 0; id !== 0; id = this.#next[id]!) count++;
    return count;
  }

  #release(id: number): void {
    const level = this.levelOf(id);
    if (level < 0) throw new InvariantError('a table that is freed must be live', { id });
    if (this.#reserve.size !== 0 && this.#reserve.has(id)) {
      throw new InvariantError('a table that is freed must have no table in reserve', {
        id,
        reserve: this.deposited(id),
      });
    }
    this.#levelOf[id] = 0;
    this.#next[id] = this.#free;
    this.#free = id;
    this.live[level]!--;
    this.freed++;
  }

  #notEmpty(id: number): InvariantError {
    const words = this.words(id);
    const base = this.base(id);
    let entry = 0;
    while (entry < this.#entries - 1 && words[base + 2 * entry] === 0 && words[base + 2 * entry + 1] === 0) entry++;
    const [low, high] = [words[base + 2 * entry]!, words[base + 2 * entry + 1]!];
    const word = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    const level = this.levelOf(id);
    const name = level < 0 ? 'none' : this.arch.level(level).name;
    return new InvariantError('a table that is freed must be empty', {
      id,
      level: name,
      entry,
      word: `0x${word.toString(16)}`,
      ...(level > 0 ? { links: this.links(id) } : {}),
    });
  }

  #takeUnused(): number {
    const id = this.#unused++;
    if (id >> this.chunkShift >= this.chunks.length) {
      const words = new Int32Array((this.chunkMask + 1) << this.tableShift);
      this.chunks.push(words);
      this.#bytes.push(Buffer.from(words.buffer));
    }
    if (id >= this.#next.length) {
      // By an eighth: the pool of a large memory is almost all words.
      const room = id + Math.max(this.chunkMask + 1, id >> 3);
      this.#next = copiedInto(new Int32Array(room), this.#next);
      this.#levelOf = copiedInto(new Uint8Array(room), this.#levelOf);
      this.#known = copiedInto(new Int32Array(room), this.#known);
    }
    return id;
  }
}
