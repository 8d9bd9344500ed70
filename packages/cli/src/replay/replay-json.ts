import type { JobOutcome, ReplayResult } from '@vmakit/replay';

/** Every result of an outcome: one, or one for each policy of a comparison. */
export function resultsOf(outcome: JobOutcome): readonly ReplayResult[] {
  if (outcome.kind === 'replayed') return [outcome.result];
  return outcome.kind === 'compared' ? outcome.comparison.runs.map(({ result }) => result) : [];
}

/**
 * The object that `vmakit replay --json` prints (docs/replay-json.md). One replay is its result; everything else is a
 * summary of the same first fields with the single outcomes in `recordings` or `comparison`.
 */
export function jsonOf(outcomes: readonly JobOutcome[]): unknown {
  const [only] = outcomes;
  if (outcomes.length === 1 && only !== undefined) return jsonOfOne(only);
  return { ...summaryOf(outcomes.flatMap(resultsOf), outcomes), recordings: outcomes.map(jsonOfOne) };
}

function jsonOfOne(outcome: JobOutcome): unknown {
  switch (outcome.kind) {
    case 'replayed':
      return outcome.result;
    case 'compared': {
      const { file, runs } = outcome.comparison;
      return { ...summaryOf(resultsOf(outcome), [outcome]), file, comparison: runs };
    }
    case 'unreadable':
      return { ...summaryOf([], [outcome]), input: outcome.input, error: outcome.message };
  }
}

type Checks = ReplayResult['checks'];

/** `ok`, `divergences` and `checks` of several results together. */
function summaryOf(
  results: readonly ReplayResult[],
  outcomes: readonly JobOutcome[],
): Pick<ReplayResult, 'ok' | 'divergences' | 'checks'> {
  const sum = (name: keyof Checks): Checks['results'] => ({
    matched: results.reduce((total, { checks }) => total + checks[name].matched, 0),
    total: results.reduce((total, { checks }) => total + checks[name].total, 0),
  });
  return {
    ok: results.every(({ ok }) => ok) && outcomes.every(({ kind }) => kind !== 'unreadable'),
    divergences: results.reduce((total, { divergences }) => total + divergences, 0),
    checks: { endLayouts: sum('endLayouts'), mmap2: sum('mmap2'), results: sum('results') },
  };
}
