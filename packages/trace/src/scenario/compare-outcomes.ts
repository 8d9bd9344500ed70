import type { StateDifference } from './difference.js';
import { type Outcome, type ReturnValue, TRACE_NAMES, type RelocationTrace } from './scenario.js';

/** First difference of what a call gave: value, error, page of a signal; `null` when they are equal. */
export function compareResults(expected: Outcome, actual: Outcome): StateDifference | null {
  if (expected.err !== actual.err) return differs('err', 'result', expected.err ?? 'success', actual.err ?? 'success');
  if (!sameValue(expected.ret, actual.ret)) {
    return differs('ret', 'result', expected.ret, actual.ret);
  }
  if (expected.at !== actual.at) return differs('at', 'page of the signal', expected.at, actual.at);
  return null;
}

/** First difference of two sets of trace counts (golden/FORMAT.md "Trace"); `null` when they are equal or not known. */
export function compareTraces(
  expected: RelocationTrace | null,
  actual: RelocationTrace | null,
): StateDifference | null {
  if (expected === null || actual === null) return null;
  for (const name of TRACE_NAMES) {
    const want = expected[name] ?? 0;
    const have = actual[name] ?? 0;
    if (want !== have) return differs(`trace.${name}`, 'trace count', want, have);
  }
  return null;
}

/** A number and a bigint that are equal name the same value. */
function sameValue(a: ReturnValue | null, b: ReturnValue | null): boolean {
  return a === b || (a !== null && b !== null && BigInt(a) === BigInt(b));
}

function differs(field: string, where: string, expected: unknown, actual: unknown): StateDifference {
  return { field, where, expected, actual, process: null, page: null };
}
