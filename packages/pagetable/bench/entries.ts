/**
 * Nanoseconds an entry for the operations of the hot paths, and bytes a table.
 *
 * Run: npx tsx --conditions=@vmakit/source packages/pagetable/bench/entries.ts [arch ...]
 */
import {
  DIRTY,
  MoveTally,
  PROT_READ,
  PROT_WRITE,
  PageTables,
  SOFT_DIRTY,
  TablePool,
  WRITABLE,
  YOUNG,
  createArch,
  moveEntries,
} from '../src/index.js';

/** Tables of the lowest level that are in use: 8 MiB of words with 4 KiB pages, more than the caches hold. */
const TABLES = 2048;
const REPETITIONS = 7;
const PROT = PROT_READ | PROT_WRITE;
const STATE = WRITABLE | YOUNG | DIRTY | SOFT_DIRTY;

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Median nanoseconds of one of `count` steps that `run` takes; `before` is not timed. */
function time(count: number, run: () => void, before: () => void = () => {}): number {
  const samples: number[] = [];
  for (let i = 0; i < REPETITIONS + 2; i++) {
    before();
    const start = process.hrtime.bigint();
    run();
    const elapsed = Number(process.hrtime.bigint() - start);
    if (i >= 2) samples.push(elapsed / count);
  }
  return median(samples);
}

/** Takes what is read, so that reading is not left out. */
const sink = new Int32Array(1);

function measure(name: string): void {
  const arch = createArch(name, { pagesToFolioEnd: () => 1 });
  const pool = new TablePool(arch);
  const tables = new PageTables(arch, pool);
  const perTable = arch.level(0).entries;
  const tableCount = Math.max(16, (TABLES * 512) / perTable);
  const pages = tableCount * perTable;
  const target = 2 * pages;
  const tally = new MoveTally();
  const row = (what: string, ns: number): void =>
    console.log(`${name.padEnd(12)} ${what.padEnd(34)} ${ns.toFixed(1)} ns`);

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
  row('map a page (ensure, set)', time(pages, map, unmap));
  const live = pool.live.reduce((sum, count) => sum + count, 0);
  const bytes = pool.bytes / live / (arch.pageSize / 4096);
  row(
    'read an entry (look up, decode)',
    time(pages, () => {
      let sum = 0;
      for (let page = 0; page < pages; page++) {
        const table = tables.lookup(0, page);
        const words = pool.words(table);
        const at = tables.entryAt(table, 0, page);
        if (arch.isPresent(words, at) && arch.isWritable(words, at)) sum += arch.pfn(words, at, 0) & 1;
      }
      sink[0] = sum;
    }),
  );
  row(
    'read an entry, random pages',
    time(1_000_000, () => {
      let page = 1;
      let sum = 0;
      for (let i = 0; i < 1_000_000; i++) {
        page = (page * 1_103_515_245 + 12_345) & 0x7fffffff;
        const vpn = page % pages;
        const table = tables.lookup(0, vpn);
        sum += arch.pfn(pool.words(table), tables.entryAt(table, 0, vpn), 0) & 1;
      }
      sink[0] = sum;
    }),
  );
  let from = 0;
  row(
    'move an entry (table by table)',
    time(pages, () => {
      const to = target - from;
      for (let page = 0; page < pages; page += perTable) {
        const source = tables.lookup(0, from + page);
        const table = tables.ensure(0, to + page);
        const sourceAt = tables.entryAt(source, 0, from + page);
        const targetAt = tables.entryAt(table, 0, to + page);
        moveEntries(arch, pool.words(source), sourceAt, pool.words(table), targetAt, perTable, false, tally);
      }
      from = to;
    }),
  );
  row(
    'move a table by its upper entry',
    time(
      tableCount,
      () => {
        const to = target - from;
        for (let page = 0; page < pages; page += perTable) {
          const source = tables.lookup(1, from + page);
          const table = tables.ensure(1, to + page);
          if (arch.isNone(pool.words(table), tables.entryAt(table, 1, to + page))) {
            tables.moveTableEntry(1, source, from + page, table, to + page);
          }
        }
        from = to;
      },
      () => {
        const empty = target - from;
        tables.freeRange(empty, empty + pages, empty, empty + pages);
      },
    ),
  );
  console.log(`${name.padEnd(12)} ${'bytes a table, by 4 KiB of it'.padEnd(34)} ${bytes.toFixed(0)}`);
}

const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : ['x86-64', 'arm64-4k', 'arm64-16k', 'arm64-64k']) measure(name);
