import { ERRNO_NUMBER } from '@vmakit/base';
import type { Operation, Outcome } from '@vmakit/trace';
import type { Performed } from '@vmakit/verify';
import type { RecordReader } from '../driver/record-reader.js';
import * as protocol from '../driver/protocol.js';
import type { Mismatch } from './state-comparer.js';

const ERRNO_NAME: ReadonlyMap<number, string> = new Map(
  Object.entries(ERRNO_NUMBER).map(([name, number]) => [number, name]),
);

/** The name of an errno. */
export function errnoName(number: number): string {
  return ERRNO_NAME.get(number) ?? `errno ${number}`;
}

/** Whether the value of a call is an address. */
export function givesAddress(operation: Operation): boolean {
  return operation.op === 'mmap' || operation.op === 'mremap';
}

/** What the live side gave, as a scenario writes it; `null`: the operation was not performed. */
export function liveOutcome(reader: RecordReader, operation: Operation, pageSize: number): Outcome | null {
  const given = { ret: null, err: null, at: null, trace: {}, words: null };
  const { outcome, value } = reader;
  switch (outcome) {
    case protocol.OUTCOME_VALUE:
      if (givesAddress(operation)) return { ...given, ret: addressValue(reader, pageSize) };
      return { ...given, ret: operation.op === 'memfd' ? 0 : value };
    case protocol.OUTCOME_ERROR:
      return { ...given, err: errnoName(value) };
    case protocol.OUTCOME_SIGSEGV:
    case protocol.OUTCOME_SIGBUS: {
      const err = outcome === protocol.OUTCOME_SIGBUS ? 'SIGBUS' : 'SIGSEGV';
      return { ...given, err, at: Math.floor(value / pageSize) };
    }
    default:
      return null;
  }
}

/** A page of the window, or a raw address outside of it. */
function addressValue(reader: RecordReader, pageSize: number): number | bigint {
  const page = (reader.value - protocol.ARENA_START) / pageSize;
  return page >= 0 && page < protocol.ARENA_PAGES ? page : reader.value64;
}

/** Compares what a call gave on both sides. */
export function compareResult(
  reader: RecordReader,
  operation: Operation,
  model: Performed,
  pageSize: number,
): Mismatch | null {
  if (agrees(reader, operation, model.outcome, pageSize)) return null;
  const live = liveText(reader, operation, pageSize);
  return { field: 'result', process: operation.p, page: null, live, model: modelText(operation, model) };
}

function agrees(reader: RecordReader, operation: Operation, model: Outcome, pageSize: number): boolean {
  const { outcome, value } = reader;
  switch (outcome) {
    case protocol.OUTCOME_VALUE:
      if (model.err !== null) return false;
      if (givesAddress(operation)) return model.ret === (value - protocol.ARENA_START) / pageSize;
      return operation.op === 'memfd' || model.ret === value;
    case protocol.OUTCOME_ERROR:
      return model.err !== null && model.at === null && model.err === errnoName(value);
    default: {
      const signal = outcome === protocol.OUTCOME_SIGBUS ? 'SIGBUS' : 'SIGSEGV';
      return model.err === signal && model.at === Math.floor(value / pageSize);
    }
  }
}

/** The result of a record for a person. */
export function liveText(reader: RecordReader, operation: Operation, pageSize: number): string {
  const { outcome, value } = reader;
  switch (outcome) {
    case protocol.OUTCOME_VALUE:
      return valueText(operation, givesAddress(operation) ? (value - protocol.ARENA_START) / pageSize : value);
    case protocol.OUTCOME_ERROR:
      return errnoName(value);
    case protocol.OUTCOME_SIGSEGV:
    case protocol.OUTCOME_SIGBUS:
      return `${outcome === protocol.OUTCOME_SIGBUS ? 'SIGBUS' : 'SIGSEGV'} at page ${Math.floor(value / pageSize)}`;
    case protocol.OUTCOME_DIED:
      return `the process died (status ${value})`;
    case protocol.OUTCOME_HUNG:
      return 'no answer';
    default:
      return `not performed (${value})`;
  }
}

function modelText(operation: Operation, model: Performed): string {
  const { err, at, ret } = model.outcome;
  if (err === null) return valueText(operation, Number(ret));
  if (at !== null) return `${err} at page ${at}`;
  return model.refusal === null ? err : `${err} (${model.refusal.rule})`;
}

function valueText(operation: Operation, value: number): string {
  return givesAddress(operation) ? `page ${value}` : value === 0 ? 'success' : String(value);
}
