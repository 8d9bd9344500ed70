import { type SourcePlace, formatError } from './format-error.js';
import { JsonFields, type JsonObject, shown } from './json-fields.js';
import type { OperationName } from './operation.js';
import {
  type Outcome,
  type ReturnValue,
  TRACE_NAMES,
  type RelocationTrace,
  WORD_LEVELS,
  type WordLevel,
  type WordRow,
} from './scenario.js';

const NO_TRACE: RelocationTrace = {};
const TRACE_NAME_SET: ReadonlySet<string> = new Set(TRACE_NAMES);

/** Reads the result part of a line (golden/FORMAT.md "Results"); `null` when the line has neither `ret` nor `err`. */
export function parseOutcome(object: JsonObject, name: OperationName, place: SourcePlace): Outcome | null {
  const fields = new JsonFields(object, name, place);
  const succeeded = fields.has('ret');
  if (!succeeded && !fields.has('err')) return null;
  if (succeeded && fields.has('err')) fields.refuse('err', 'only one of "ret" and "err"');
  const err = succeeded ? null : fields.string('err');
  if (err !== null && !/^[A-Z][A-Z0-9]+$/.test(err)) fields.refuse('err', 'the name of an error such as "ENOMEM"');
  return {
    ret: succeeded ? returnValue(fields) : null,
    err,
    at: fields.has('at') ? fields.integer('at') : null,
    trace: fields.has('trace') ? traceCounts(fields.object('trace'), place) : NO_TRACE,
    words: fields.has('words') ? wordRows(fields, place) : null,
  };
}

function returnValue(fields: JsonFields): ReturnValue {
  const value = fields.raw('ret');
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value)) return BigInt(value);
  return fields.refuse('ret', 'an integer, or a raw "0x..." address');
}

function traceCounts(object: JsonObject, place: SourcePlace): RelocationTrace {
  const fields = new JsonFields(object, '"trace"', place);
  for (const key of Object.keys(object)) {
    if (!TRACE_NAME_SET.has(key)) {
      throw formatError(place, `"trace": unknown name "${key}", expected one of ${TRACE_NAMES.join(', ')}`);
    }
    fields.integer(key);
  }
  return object as RelocationTrace;
}

function wordRows(fields: JsonFields, place: SourcePlace): readonly WordRow[] {
  const rows = fields.list('words');
  for (const row of rows) {
    const good =
      Array.isArray(row) &&
      row.length === 3 &&
      Number.isSafeInteger(row[0]) &&
      WORD_LEVELS.includes(row[1] as WordLevel) &&
      typeof row[2] === 'string' &&
      /^0x[0-9a-f]{1,16}$/.test(row[2]);
    if (!good) throw formatError(place, `"words": expected rows [page, level, "0x..."], found ${shown(row)}`);
  }
  return rows as readonly WordRow[];
}
