import type { ComparedRun, Comparison } from '@vmakit/replay';
import pc from 'picocolors';
import { COMPARED_ROWS } from '../compared-rows.js';
import { count } from '../numbers.js';
import { checkLines } from './check-text.js';
import { table } from './table.js';

/** A recording under several policies, for a person. Ends in a line feed. */
export function renderComparison({ file, runs }: Comparison): string {
  const right = 'right' as const;
  const columns = [{ title: '' }, ...runs.map(({ policy }) => ({ title: pc.bold(policy), align: right }))];
  const rows = COMPARED_ROWS.map(({ name, value, show = count }) => {
    return [pc.cyan(name), ...runs.map((run) => show(value(run)))];
  });
  const { maxMapCount } = (runs[0] as ComparedRun).result;
  const about = `one recording under ${count(runs.length)} policies, vm.max_map_count ${count(maxMapCount)}`;
  const lines = [`${pc.bold(file)}  ${pc.dim(about)}`, '', table(columns, rows)];
  for (const { policy, result } of runs) {
    lines.push('', `${pc.bold(policy)}`, ...checkLines(result).slice(1));
  }
  return `${lines.join('\n')}\n`;
}
