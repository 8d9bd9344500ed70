import { type CampaignReport, type Coverage, OMISSION_RULES } from '@vmakit/oracle';

/** The figures of a campaign. */
export interface FuzzFigures {
  readonly programs: number;
  readonly operations: number;
  readonly seconds: number;
  readonly operationsPerSecond: number;
  /** Operations compared in a second of processor time, of both sides together: what one core does. */
  readonly operationsPerCoreSecond: number;
  readonly distinctStates: number;
  readonly mergeCases: number;
  readonly mremapPaths: number;
}

export function campaignFigures(report: CampaignReport, modelSeconds: number, liveSeconds: number): FuzzFigures {
  const { programs, operations, seconds, distinctStates, coverage } = report;
  return {
    programs,
    operations,
    seconds: Math.round(seconds * 10) / 10,
    operationsPerSecond: Math.round(operations / seconds),
    operationsPerCoreSecond: Math.round(operations / (modelSeconds + liveSeconds)),
    distinctStates,
    mergeCases: coverage.merges.size,
    mremapPaths: coverage.paths.size,
  };
}

/** One line for a terminal, while it runs. */
export function progressLine(report: CampaignReport): string {
  const { operations, seconds, distinctStates, coverage, findings } = report;
  return [
    `${operations} operations`,
    `${Math.round(operations / seconds)}/s`,
    `about ${distinctStates} states`,
    `${coverage.merges.size} merge cases`,
    `${coverage.paths.size} mremap paths`,
    `${findings.length} differences`,
  ].join(', ');
}

/** What a campaign came to. */
export function summaryLines(report: CampaignReport, figures: FuzzFigures): string[] {
  const { seed, findings, noise, omitted, next } = report;
  const { operations, programs, seconds, operationsPerSecond, operationsPerCoreSecond } = figures;
  const { distinctStates, mergeCases, mremapPaths } = figures;
  const lines = [
    `seed ${seed}: ${operations} operations in ${programs} programs compared, ${findings.length} differences`,
    `${seconds} s, ${operationsPerSecond} operations/s (${operationsPerCoreSecond} in a second of processor time)`,
    `about ${distinctStates} different states, ${mergeCases} merge cases, ${mremapPaths} ways through mremap`,
  ];
  for (const [rule, count] of omitted) lines.push(`left out: ${count} (${OMISSION_RULES[rule]})`);
  for (const { index, what } of noise) lines.push(`program ${index} differed once and not again: ${what}`);
  lines.push(`to go on: --seed ${seed} --from ${next}`);
  return lines;
}

/** Merge cases and mremap paths, the most frequent first. */
export function coverageLines(coverage: Coverage): string[] {
  const list = (title: string, counts: ReadonlyMap<string, number>): string[] => {
    const sorted = [...counts].sort(([, a], [, b]) => b - a);
    return ['', title, ...sorted.map(([name, count]) => `${String(count).padStart(8)}  ${name}`)];
  };
  return [...list('Merge cases', coverage.merges), ...list('Ways through mremap', coverage.paths)];
}
