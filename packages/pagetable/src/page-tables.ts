import { InvariantError } from '@vmakit/base';
import type { Arch } from './arch.js';
import type { Level } from './geometry.js';
import type { TablePool } from './table-pool.js';
import { TlbCounters } from './tlb.js';
import { WalkCache } from './walk-cache.js';

/**
 * The page tables of one address space: a radix tree over the levels of the architecture.
 *
 * A table is addressed by its id in the pool; "the table of level L for page v" is the one whose entries are of level
 * L. Pages are page numbers; ranges are half open. Nothing here looks at what is mapped: frames, VMAs and locks are the
 * affair of the layers above.
 */
export class PageTables {
  readonly arch: Arch;
  readonly pool: TablePool;
  /** The table of the top level. */
  readonly root: number;
  readonly tlb: TlbCounters = new TlbCounters();
  /** Live tables of this address space by level index; tables in reserve are counted as the lowest level. */
  readonly tables: Int32Array;

  readonly #levels: readonly Level[];
  readonly #top: number;
  readonly #cache: WalkCache;
  readonly #leafMask: number;
  /** Of {@link freeRange}: the table of each level on the way down and where the way leaves it... */
  readonly #path: Int32Array;
  readonly #pathAt: Int32Array;
  /** ... and tables that are unlinked but not yet given back. */
  readonly #unlinked: Int32Array = new Int32Array(64);
  #unlinkedCount = 0;
  /** What is walked to and what is freed. Fields: page numbers that are handed to a call are made objects for it. */
  #walked = 0;
  #freeStart = 0;
  #freeEnd = 0;
  #freeFloor = 0;
  #freeCeiling = 0;

  /** @throws {RangeError} when the pool refuses the root table: ask `PageTables.create` where that can happen */
  constructor(arch: Arch, pool: TablePool) {
    if (pool.arch !== arch) throw new TypeError('pool: it was made for another architecture');
    this.arch = arch;
    this.pool = pool;
    this.#levels = arch.levels;
    this.#top = arch.topLevel;
    this.#cache = new WalkCache(arch.levels);
    this.#leafMask = arch.level(0).indexMask;
    this.tables = new Int32Array(arch.levels.length);
    this.#path = new Int32Array(arch.levels.length);
    this.#pathAt = new Int32Array(arch.levels.length);
    this.root = pool.allocate(arch.topLevel);
    if (this.root === 0) throw new RangeError('pool: it refused the table of the top level');
    this.tables[arch.topLevel] = 1;
  }

  /** An address space with an empty root, or null when the pool refuses the root table. */
  static create(arch: Arch, pool: TablePool): PageTables | null {
    if (pool.refuse !== null && pool.refuse(arch.level(arch.topLevel).name)) return null;
    const { refuse } = pool;
    pool.refuse = null;
    try {
      return new PageTables(arch, pool);
    } finally {
      pool.refuse = refuse;
    }
  }

  /** Index, within its table, of the entry of `level` that maps page `vpn`. */
  indexAt(level: number, vpn: number): number {
    const { inverseSpan, indexMask } = this.#levels[level]!;
    return (vpn * inverseSpan) & indexMask;
  }

  /** Where the entry of `level` for page `vpn` is in the words of `table`: the index of its low half. */
  entryAt(table: number, level: number, vpn: number): number {
    const base = this.pool.base(table);
    if (level === 0) return base + ((vpn & this.#leafMask) << 1);
    const { inverseSpan, indexMask } = this.#levels[level]!;
    return base + (((vpn * inverseSpan) & indexMask) << 1);
  }

  /**
   * The table of `level` for page `vpn`; 0 when it does not exist, or a huge leaf is in its place. Who is going to fill
   * empty entries of the lowest level asks {@link lookupToFill} or {@link ensure}.
   */
  lookup(level: number, vpn: number): number {
    const held = this.#cache.find(level, vpn);
    if (held !== 0) return held;
    this.#walked = vpn;
    return this.#walk(level, false);
  }

  /**
   * The first page from `vpn` on, below `end`, for which there is a table of the lowest level or an entry of the level
   * above it (huge leaf, migration); `end` when there is none. An empty stretch is passed over by the span of what is
   * missing, so a vast unused range costs little.
   */
  nextPopulated(vpn: number, end: number): number {
    if (this.#hasRootOnly()) return end;
    const { arch, pool } = this;
    const cache = this.#cache;
    let page = vpn;
    while (page < end) {
      let level = 0;
      let table = cache.find(0, page);
      if (table !== 0) return page;
      while (table === 0) table = ++level < this.#top ? cache.find(level, page) : this.root;
      for (;;) {
        const words = pool.words(table);
        const at = this.entryAt(table, level, page);
        if (arch.isTable(words, at)) {
          const below = arch.tableAt(words, at);
          cache.hold(level - 1, page, below);
          if (level === 1) return page;
          table = below;
          level--;
        } else if (level === 1 && !arch.isNone(words, at)) {
          return page;
        } else {
          break;
        }
      }
      const { span, inverseSpan } = this.#levels[level]!;
      page = Math.floor(page * inverseSpan) * span + span;
      if (page < end) page = this.#skipEmpty(table, level, page, end);
    }
    return end;
  }

  /**
   * The table of `level` for page `vpn`, with the path to it allocated as needed; 0 when an allocation is refused (what
   * was allocated above stays, as in the kernel; spec 04 section 7) or a huge leaf is in the way. Any entry of a table
   * of the lowest level may be filled then.
   */
  ensure(level: number, vpn: number): number {
    const table = this.#ensure(level, vpn);
    return level === 0 ? this.#toFill(table, 0, this.#leafMask + 1) : table;
  }

  #ensure(level: number, vpn: number): number {
    const held = this.#cache.find(level, vpn);
    if (held !== 0) return held;
    this.#walked = vpn;
    return this.#walk(level, true);
  }

  /** {@link ensure} of the table of the lowest level, by one who fills none but its `count` entries from `vpn` on. */
  ensureToFill(vpn: number, count: number): number {
    return this.#toFill(this.#ensure(0, vpn), vpn & this.#leafMask, count);
  }

  /** {@link lookup} of the table of the lowest level, by one who fills none but its `count` entries from `vpn` on. */
  lookupToFill(vpn: number, count: number): number {
    return this.#toFill(this.lookup(0, vpn), vpn & this.#leafMask, count);
  }

  /** Announces that entries of `table` may be filled, and gives it; 0: there is none. */
  #toFill(table: number, first: number, count: number): number {
    if (table !== 0) this.pool.mayFill(table, first, count);
    return table;
  }

  /** Makes a table for the entry of `level` (at least 1) for `vpn` from one at hand: a withdrawn reserve, say. */
  populate(upperTable: number, level: number, vpn: number, table: number): void {
    this.#link(upperTable, this.pool.words(upperTable), this.entryAt(upperTable, level, vpn), table);
  }

  /** A table of the lowest level that is not linked in: to be put in reserve or linked by `populate`. 0: refused. */
  allocateDetached(): number {
    return this.#toFill(this.#allocate(0), 0, this.#leafMask + 1);
  }

  /** Gives back a table that is not linked in. It must be empty. */
  freeDetached(table: number): void {
    this.#free(table, 0);
  }

  /** Keeps an empty table in reserve for a huge leaf of `pmdTable`. */
  deposit(pmdTable: number, table: number): void {
    this.pool.deposit(pmdTable, table);
  }

  /** Takes out a table kept in reserve for `pmdTable`; 0 when there is none. */
  withdraw(pmdTable: number): number {
    return this.pool.withdraw(pmdTable);
  }

  /** Forgets the tables looked up last. To be called by whoever changes upper entries without the methods here. */
  invalidate(): void {
    this.#cache.clear();
  }

  /**
   * Moves one upper entry (a table below it, or a huge leaf) as it is. Both `level` entries must exist as table slots;
   * the destination must be empty.
   *
   * @throws {InvariantError} when the destination entry is not empty
   */
  moveTableEntry(level: number, sourceTable: number, sourceVpn: number, targetTable: number, targetVpn: number): void {
    const { arch, pool } = this;
    const targetWords = pool.words(targetTable);
    const targetAt = this.entryAt(targetTable, level, targetVpn);
    if (!arch.isNone(targetWords, targetAt)) {
      throw new InvariantError('the destination of a moved upper entry must be empty', { level, sourceVpn, targetVpn });
    }
    const sourceWords = pool.words(sourceTable);
    const sourceAt = this.entryAt(sourceTable, level, sourceVpn);
    targetWords[targetAt] = sourceWords[sourceAt]!;
    targetWords[targetAt + 1] = sourceWords[sourceAt + 1]!;
    sourceWords[sourceAt] = 0;
    sourceWords[sourceAt + 1] = 0;
    if (arch.isTable(targetWords, targetAt)) {
      pool.addLinks(sourceTable, -1);
      pool.addLinks(targetTable, 1);
    } else {
      pool.holdsLeaves(targetTable);
    }
    this.#forgetMoved(level, sourceVpn, 1);
  }

  /**
   * Moves up to `count` entries of `level` that lead to tables, and with them all that is below, as long as the
   * destination is empty: entries next to each other in one table, to one table.
   *
   * @returns how many: it stops at the first that is something else, or whose place is taken
   */
  moveTables(
    level: number,
    sourceTable: number,
    sourceVpn: number,
    targetTable: number,
    targetVpn: number,
    count: number,
  ): number {
    const { arch, pool } = this;
    const source = pool.words(sourceTable);
    const target = pool.words(targetTable);
    const first = this.entryAt(sourceTable, level, sourceVpn);
    const end = first + 2 * count;
    const distance = this.entryAt(targetTable, level, targetVpn) - first;
    let at = first;
    for (; at < end && arch.isTable(source, at) && arch.isNone(target, at + distance); at += 2) {
      target[at + distance] = source[at]!;
      target[at + distance + 1] = source[at + 1]!;
      source[at] = 0;
      source[at + 1] = 0;
    }
    const moved = (at - first) >> 1;
    pool.addLinks(sourceTable, -moved);
    pool.addLinks(targetTable, moved);
    this.#forgetMoved(level, sourceVpn, moved);
    return moved;
  }

  /** Hands a table kept in reserve from one pmd table to another, as a huge leaf moves. Spec 04 section 7. */
  moveDeposit(sourceTable: number, targetTable: number): void {
    if (sourceTable === targetTable) return;
    const table = this.pool.withdraw(sourceTable);
    if (table === 0) throw new InvariantError('a huge leaf must have a table in reserve', { sourceTable, targetTable });
    this.pool.deposit(targetTable, table);
  }

  /**
   * Frees the tables that map nothing but [start, end), whose entries must be empty: after the VMAs there are gone.
   * `floor` and `ceiling` are the end of the VMA before and the start of the VMA after (0 and Infinity: none); a table
   * is freed when all it spans lies between them. Spec 04 section 10.
   *
   * @throws {InvariantError} when a table to be freed is not empty
   */
  freeRange(start: number, end: number, floor: number, ceiling: number): void {
    if (start >= end || this.#hasRootOnly()) return;
    const { span, inverseSpan } = this.#levels[1]!;
    let first = Math.floor(start * inverseSpan) * span;
    if (first < floor) first += span;
    let last = Math.ceil(end * inverseSpan) * span;
    if (last > ceiling) last -= span;
    // When no table of the lowest level lies between the neighbours, none above does.
    if (first >= last) return;
    this.#freeStart = start;
    this.#freeEnd = end;
    this.#freeFloor = floor;
    this.#freeCeiling = ceiling;
    this.#freeFound();
  }

  /** Gives back every table, the root and what is in reserve too, with whatever is in them. */
  destroy(): void {
    this.invalidate();
    this.#discardTree(this.root, this.#top);
  }

  /** Whether nothing hangs below the root but huge leaves. */
  #hasRootOnly(): boolean {
    return this.tables[this.#top - 1] === 0 && this.#top > 1;
  }

  /**
   * {@link lookup} or {@link ensure} of what is not held, for page `#walked`: up to the next table that is, and down
   * from there.
   */
  #walk(level: number, make: boolean): number {
    if (level === this.#top) return this.root;
    const { arch, pool } = this;
    const vpn = this.#walked;
    const cache = this.#cache;
    let upper = level;
    let table = 0;
    while (table === 0) table = ++upper < this.#top ? cache.find(upper, vpn) : this.root;
    for (; upper > level; upper--) {
      const words = pool.words(table);
      const at = this.entryAt(table, upper, vpn);
      if (arch.isTable(words, at)) table = arch.tableAt(words, at);
      else table = make && arch.isNone(words, at) ? this.#allocateAt(table, words, at, upper - 1) : 0;
      if (table === 0) return 0;
      cache.hold(upper - 1, vpn, table);
    }
    return table;
  }

  /** The first page from `page` on whose entry in `table` is not empty: the next of `table`, or what is behind it. */
  #skipEmpty(table: number, level: number, page: number, end: number): number {
    const { arch, pool } = this;
    const { span, inverseSpan, entries, indexMask } = this.#levels[level]!;
    const words = pool.words(table);
    const behind = pool.base(table) + 2 * entries;
    // 0: the page is behind the table.
    const index = (page * inverseSpan) & indexMask;
    let next = page;
    if (index === 0) return next;
    for (let at = pool.base(table) + 2 * index; at < behind && next < end && arch.isNone(words, at); at += 2)
      next += span;
    return next;
  }

  #forgetMoved(level: number, vpn: number, count: number): void {
    const { span, inverseSpan } = this.#levels[level]!;
    this.#cache.forgetBelow(level, Math.floor(vpn * inverseSpan) * span, count * span);
  }

  /** Makes the empty entry at `at` of `upper` lead to a new table of `level`; 0: refused. */
  #allocateAt(upper: number, words: Int32Array, at: number, level: number): number {
    const table = this.#allocate(level);
    if (table !== 0) this.#link(upper, words, at, table);
    return table;
  }

  /** Makes the empty entry at `at` of `upper` lead to `table`. */
  #link(upper: number, words: Int32Array, at: number, table: number): void {
    this.arch.setTable(words, at, table);
    this.pool.addLinks(upper, 1);
  }

  #allocate(level: number): number {
    const table = this.pool.allocate(level);
    if (table !== 0) this.tables[level]!++;
    return table;
  }

  #free(table: number, level: number): void {
    this.#cache.forget(level, table);
    this.pool.free(table);
    this.tables[level]!--;
  }

  /**
   * {@link freeRange} where there may be something to free: down while one entry leads to all of the range, then what
   * hangs below, then up again as long as a table lies between the neighbours.
   */
  #freeFound(): void {
    const { arch, pool } = this;
    const start = this.#freeStart;
    const end = this.#freeEnd;
    const floor = this.#freeFloor;
    const ceiling = this.#freeCeiling;
    const path = this.#path;
    const pathAt = this.#pathAt;
    let level = this.#top;
    let table = this.root;
    for (; level > 0; level--) {
      path[level] = table;
      const { inverseSpan } = this.#levels[level]!;
      if (Math.floor(start * inverseSpan) !== Math.floor((end - 1) * inverseSpan)) break;
      const words = pool.words(table);
      const at = this.entryAt(table, level, start);
      if (!arch.isTable(words, at)) break;
      pathAt[level] = at;
      table = arch.tableAt(words, at);
    }
    path[level] = table;
    if (level > 0) this.#freeBelow(table, level, start, end, floor, ceiling);
    for (; level < this.#top; level++) {
      const { span, inverseSpan } = this.#levels[level + 1]!;
      const first = Math.floor(start * inverseSpan) * span;
      if (first < floor || first + span > ceiling) break;
      this.#unlink(path[level + 1]!, pathAt[level + 1]!, path[level]!, level);
    }
    this.#freeUnlinked();
  }

  /** Frees what lies below the entries of `table` for [start, end); the caller decides on `table` itself. */
  #freeBelow(table: number, level: number, start: number, end: number, floor: number, ceiling: number): void {
    const { arch, pool } = this;
    const { span, inverseSpan } = this.#levels[level]!;
    const words = pool.words(table);
    let first = Math.floor(start * inverseSpan) * span;
    let at = this.entryAt(table, level, first);
    for (; first < end; first += span, at += 2) {
      if (!arch.isTable(words, at)) continue;
      const below = arch.tableAt(words, at);
      if (level > 1) {
        this.#freeBelow(below, level - 1, Math.max(start, first), Math.min(end, first + span), floor, ceiling);
      }
      if (first >= floor && first + span <= ceiling) this.#unlink(table, at, below, level - 1);
    }
  }

  /**
   * Empties the entry at `at` of `upper`, which leads to `table` of `level`: it is given back with others, in this
   * order.
   */
  #unlink(upper: number, at: number, table: number, level: number): void {
    const words = this.pool.words(upper);
    words[at] = 0;
    words[at + 1] = 0;
    this.pool.addLinks(upper, -1);
    this.#cache.forget(level, table);
    this.tables[level]!--;
    if (this.#unlinkedCount === this.#unlinked.length) this.#freeUnlinked();
    this.#unlinked[this.#unlinkedCount++] = table;
  }

  #freeUnlinked(): void {
    const count = this.#unlinkedCount;
    this.#unlinkedCount = 0;
    this.pool.freeAll(this.#unlinked, count);
  }

  #discardTree(table: number, level: number): void {
    const { arch, pool } = this;
    if (level > 0) {
      const words = pool.words(table);
      const base = pool.base(table);
      const { entries } = this.#levels[level]!;
      for (let at = base; at < base + 2 * entries; at += 2) {
        if (arch.isTable(words, at)) this.#discardTree(arch.tableAt(words, at), level - 1);
      }
      for (let kept = pool.withdraw(table); kept !== 0; kept = pool.withdraw(table)) this.#discardTree(kept, 0);
    }
    pool.discard(table);
    this.tables[level]!--;
  }
}
