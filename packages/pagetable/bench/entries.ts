/**
 * Nanoseconds an entry for the operations of the hot paths, and bytes a table.
 *
 * Run: npx tsx --conditions=@vmakit/source packages/pagetable/bench/entries.ts [arch ...]
 */
import {
  type Arch,
  createArch,
  DIRTY,
  moveEntries,
  MoveTally,
  PageTables,
  PROT_READ,
  PROT_WRITE,
  SOFT_DIRTY,
  TablePool,
  WRITABLE,
  YOUNG,
} from '../src/index.js';

/** Tables of the lowest level in use: 8 MiB of words with 4 KiB pages, more than the inner caches hold. */
const TABLES = 2048;
const REPETITIONS = 7;
const WARM_UP = 2;
const RANDOM_READS = 1_000_000;
const PROT = PROT_READ | PROT_WRITE;
const STATE = WRITABLE | YOUNG | DIRTY | SOFT_DIRTY;
/** Takes what is read, so that reading is not left out. */
const sink = new Int32Array(1);

/** Tables of one machine, of which the first `pages` pages are mapped and moved about. */
interface Bench {
  readonly arch: Arch;
  readonly pool: TablePool;
  readonly tables: PageTables;
  readonly perTable: number;
  readonly pages: number;
}

/** Median nanoseconds of one of `count` steps that `run` takes; `before` is not timed. */
function time(count: number, run: () => void, before: () => void = () => {}): number {
  const samples: number[] = [];
  for (let i = 0; i < REPETITIONS + WARM_UP; i++) {
    before();
    const start = process.hrtime.bigint();
    run();
    const elapsed = Number(process.hrtime.bigint() - start);
    if (i >= WARM_UP) samples.push(elapsed / count);
  }
  return samples.sort((a, b) => a - b)[samples.length >> 1] ?? 0;
}

function mapPages({ arch, pool, tables, perTable, pages }: Bench): number {
  const map = (): void => {
    for (let page = 0; page < pages; page++) {
      const table = tables.ensure(0, page);
      const words = pool.words(table);
      const at = tables.entryAt(table, 0, page);
      if (arch.isNone(words, at)) arch.setPage(words, at, 0, page + 4096, PROT, STATE);
    }
  };
  const unmap = (): void => {
    for (let page = 0; page < pages; page += perTable) {
      const table = tables.ensure(0, page);
      arch.clearEntries(pool.words(table), tables.entryAt(table, 0, page), perTable);
    }
  };
  return time(pages, map, unmap);
}

function readInOrder({ arch, pool, tables, pages }: Bench): number {
  return time(pages, () => {
    let sum = 0;
    for (let page = 0; page < pages; page++) {
      const table = tables.lookup(0, page);
      const words = pool.words(table);
      const at = tables.entryAt(table, 0, page);
      if (arch.isPresent(words, at) && arch.isWritable(words, at)) sum += arch.pfn(words, at, 0) & 1;
    }
    sink[0] = sum;
  });
}

function readAtRandom({ arch, pool, tables, pages }: Bench): number {
  return time(RANDOM_READS, () => {
    let state = 1;
    let sum = 0;
    for (let i = 0; i < RANDOM_READS; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      const page = (state >>> 4) % pages;
      const table = tables.lookup(0, page);
      sum += arch.pfn(pool.words(table), tables.entryAt(table, 0, page), 0) & 1;
    }
    sink[0] = sum;
  });
}

/** Moves all pages there and back: entry by entry, then by their upper entries. */
function movePages({ arch, pool, tables, perTable, pages }: Bench): [number, number] {
  const tally = new MoveTally();
  const far = 2 * pages;
  let from = 0;
  const entries = time(pages, () => {
    const to = far - from;
    for (let page = 0; page < pages; page += perTable) {
      const source = tables.lookup(0, from + page);
      const target = tables.ensure(0, to + page);
      const sourceAt = tables.entryAt(source, 0, from + page);
      const targetAt = tables.entryAt(target, 0, to + page);
      moveEntries(arch, pool.words(source), sourceAt, pool.words(target), targetAt, perTable, false, tally);
    }
    from = to;
  });
  const freeTarget = (): void => tables.freeRange(far - from, far - from + pages, far - from, far - from + pages);
  const upper = time(
    pages / perTable,
    () => {
      const to = far - from;
      for (let page = 0; page < pages; page += perTable) {
        const source = tables.lookup(1, from + page);
        tables.moveTableEntry(1, source, from + page, tables.ensure(1, to + page), to + page);
      }
      from = to;
    },
    freeTarget,
  );
  return [entries, upper];
}

function measure(name: string): void {
  const arch = createArch(name, { pagesToFolioEnd: () => 1 });
  const pool = new TablePool(arch);
  const perTable = arch.level(0).entries;
  const pages = Math.max(16 * perTable, TABLES * 512);
  const bench: Bench = { arch, pool, tables: new PageTables(arch, pool), perTable, pages };
  const print = (what: string, value: string): void => {
    process.stdout.write(`${name.padEnd(12)} ${what.padEnd(34)} ${value}\n`);
  };
  print('map a page (ensure, set)', `${mapPages(bench).toFixed(1)} ns`);
  const live = pool.live.reduce((sum, count) => sum + count, 0);
  print('read an entry, pages in order', `${readInOrder(bench).toFixed(1)} ns`);
  print('read an entry, random pages', `${readAtRandom(bench).toFixed(1)} ns`);
  print('bytes a table, by 4 KiB of it', (pool.bytes / live / (arch.pageSize / 4096)).toFixed(0));
  const [entries, upper] = movePages(bench);
  print('move an entry, table by table', `${entries.toFixed(1)} ns`);
  print('move a table by its upper entry', `${upper.toFixed(1)} ns`);
}

const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : ['x86-64', 'arm64-4k', 'arm64-16k', 'arm64-64k']) measure(name);
