import { type SourcePlace, formatError } from './format-error.js';
import { JsonFields, type JsonObject, isJsonObject, shown } from './json-fields.js';
import {
  type AnonVmaRow,
  ENTRY_KINDS,
  type FolioPageRow,
  type PageRow,
  type ProcessState,
  type RecordedProcess,
  type RecordedState,
  type VmaRow,
} from './state.js';

const VMA_COLUMNS = '[start, end, prot, pgoff, anonVma, [chain...], flags] and, with a file, file, anonPgoff';
const PAGE_COLUMNS =
  '[page, n, level, bits, folio, order, index0, pgoff, anonVma, flags, mapcount, folioMapcount], or 4 without a folio';
const ANON_VMA_COLUMNS = '[id, root, parent, numChildren, numActiveVmas, refcount, [[p, start]...]]';
const KINDS: ReadonlySet<unknown> = new Set(ENTRY_KINDS);

/**
 * Reads the `state` of a line (golden/FORMAT.md "State").
 *
 * @param basic whether `null` may stand for what the recorder could not see
 */
export function parseState(value: unknown, basic: boolean, place: SourcePlace): RecordedState | 'same' {
  if (value === 'same') return 'same';
  if (!isJsonObject(value)) throw formatError(place, `"state" is ${shown(value)}, expected "same" or an object`);
  const fields = new JsonFields(value, '"state"', place);
  const procs = fields.list('procs').map((process) => parseProcess(process, basic, place));
  for (let i = 1; i < procs.length; i++) {
    if ((procs[i - 1] as RecordedProcess).p >= (procs[i] as RecordedProcess).p) {
      throw formatError(place, '"procs": expected processes in rising order');
    }
  }
  const anonVmas = value['anonVmas'];
  if (anonVmas === 'same' || (anonVmas === null && basic)) return { procs, anonVmas };
  const rows = fields.list('anonVmas');
  for (const row of rows) {
    if (!isAnonVmaRow(row)) throw badRow('anonVmas', ANON_VMA_COLUMNS, row, place);
  }
  return { procs, anonVmas: rows as readonly AnonVmaRow[] };
}

function parseProcess(value: unknown, basic: boolean, place: SourcePlace): RecordedProcess {
  if (!isJsonObject(value)) throw formatError(place, `"procs": expected objects, found ${shown(value)}`);
  const fields = new JsonFields(value, '"procs"', place);
  const p = fields.integer('p');
  if (value['same'] !== undefined) return value['same'] === true ? { p, same: true } : fields.refuse('same', 'true');
  checkMm(value, basic, fields);
  for (const row of fields.list('vmas')) {
    if (!isVmaRow(row, basic)) throw badRow('vmas', VMA_COLUMNS, row, place);
  }
  if (!(basic && value['pages'] === null)) {
    for (const row of fields.list('pages')) {
      if (!isPageRow(row)) throw badRow('pages', PAGE_COLUMNS, row, place);
    }
  }
  return withTrueOrders(value as unknown as ProcessState);
}

/** Orders from here on cannot be: the largest folio has order 13. */
const IMPOSSIBLE_ORDER = 16;

/**
 * Recordings with folios of order 10 and more have their decimal digits read as hexadecimal: 17 stands for 11, the
 * order of the 2048 pages that such a row maps.
 */
function withTrueOrders(process: ProcessState): ProcessState {
  if (process.pages === null || !process.pages.some(hasImpossibleOrder)) return process;
  const pages = process.pages.map((row): PageRow => {
    return hasImpossibleOrder(row) ? (row.with(5, Number(row[5].toString(16))) as unknown as PageRow) : row;
  });
  return { ...process, pages };
}

function hasImpossibleOrder(row: PageRow): row is FolioPageRow {
  return row.length === 12 && row[5] >= IMPOSSIBLE_ORDER;
}

function checkMm(process: JsonObject, basic: boolean, fields: JsonFields): void {
  const mm = process['mm'];
  if (basic && mm === null) return;
  if (!Array.isArray(mm) || mm.length !== 3 || !mm.every(isInteger)) {
    fields.refuse('mm', 'three counts of pages: [total, locked, data]');
  }
}

function badRow(list: string, expected: string, row: unknown, place: SourcePlace): Error {
  return formatError(place, `"${list}": expected ${expected}, found ${shown(row)}`);
}

function isInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function isCount(value: unknown): value is number {
  return isInteger(value) && value >= 0;
}

function isIdOrNull(value: unknown): boolean {
  return value === null || (isInteger(value) && value > 0);
}

function isVmaRow(row: unknown, basic: boolean): row is VmaRow {
  if (!Array.isArray(row) || (row.length !== 7 && row.length !== 9)) return false;
  const [start, end, prot, pgoff, anonVma, chain, flags, file, anonPgoff] = row as unknown[];
  return (
    isInteger(start) &&
    isInteger(end) &&
    start < end &&
    typeof prot === 'string' &&
    /^[r-][w-][x-][ps]$/.test(prot) &&
    (isInteger(pgoff) || (basic && pgoff === null)) &&
    isIdOrNull(anonVma) &&
    ((Array.isArray(chain) && chain.every(isCount)) || (basic && chain === null)) &&
    (typeof flags === 'string' || (basic && flags === null)) &&
    (row.length === 7 ||
      ((isCount(file) || (basic && file === null)) && (isInteger(anonPgoff) || (basic && anonPgoff === null))))
  );
}

function isPageRow(row: unknown): row is PageRow {
  if (!Array.isArray(row)) return false;
  const [page, count, kind, bits] = row as unknown[];
  if (!isInteger(page) || !isCount(count) || count === 0 || typeof bits !== 'string') return false;
  if (row.length === 4) return KINDS.has(kind);
  if (row.length !== 12 || (kind !== 'pte' && kind !== 'pmd')) return false;
  const [folio, order, index0, pgoff, anonVma, flags, mapcount, folioMapcount] = row.slice(4) as unknown[];
  return (
    isCount(folio) &&
    isCount(order) &&
    isCount(index0) &&
    (isInteger(pgoff) || pgoff === null) &&
    isIdOrNull(anonVma) &&
    typeof flags === 'string' &&
    isCount(mapcount) &&
    isCount(folioMapcount)
  );
}

function isAnonVmaRow(row: unknown): row is AnonVmaRow {
  if (!Array.isArray(row) || row.length !== 7) return false;
  const vmas: unknown = row[6];
  if (!Array.isArray(vmas)) return false;
  for (let i = 0; i < 6; i++) if (!isCount(row[i])) return false;
  return vmas.every((pair: unknown) => {
    return Array.isArray(pair) && pair.length === 2 && isCount(pair[0]) && isInteger(pair[1]);
  });
}
