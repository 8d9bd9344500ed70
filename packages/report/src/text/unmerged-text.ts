import type { UnmergedGroup } from '@vmakit/replay';
import pc from 'picocolors';
import { count, plural } from '../numbers.js';
import { ruleWords, valueWords } from '../words.js';

/** Pairs of values shown of each rule. */
const VALUES_SHOWN = 4;
/** Rules whose values are new for each pair: examples say more than counts. */
const BY_EXAMPLE: ReadonlySet<string> = new Set(['page-offset', 'anon-page-offset']);

/** The neighbours left unmerged, grouped by the rule that refused. */
export function unmergedLines(groups: readonly UnmergedGroup[]): string[] {
  const pairs = groups.reduce((sum, group) => sum + group.pairs, 0);
  if (pairs === 0) return [`${pc.bold('Neighbours left unmerged at the end:')} none`];
  const touched = groups.reduce((sum, group) => sum + group.touchedPairs, 0);
  const head = `${pc.bold('Neighbours left unmerged at the end:')} ${plural(pairs, 'pair')}`;
  const lines = [`${head}, ${count(touched)} of touched anonymous memory on both sides`];
  for (const group of groups) lines.push(...groupLines(group));
  return lines;
}

function groupLines(group: UnmergedGroup): string[] {
  const { why, values } = ruleWords(group.rule);
  const title = `  ${pc.bold(count(group.pairs).padStart(7))}  ${pc.yellow(group.rule)}: ${why}`;
  if (values === null) return [title];
  return [title, ...(BY_EXAMPLE.has(group.rule) ? exampleLines(group) : valueLines(group, values))];
}

function exampleLines({ rule, examples, pairs }: UnmergedGroup): string[] {
  const shown = examples.slice(0, VALUES_SHOWN);
  const lines = shown.map(({ left, right, have, want }) => {
    const offsets = `offset ${valueWords(rule, have)}, to go on ${valueWords(rule, want)}`;
    return pc.dim(`             ${left} | ${right}  ${offsets}`);
  });
  const more = pairs - shown.length;
  return more > 0 ? [...lines, pc.dim(`             and ${count(more)} more like these`)] : lines;
}

function valueLines({ rule, values, pairs }: UnmergedGroup, what: string): string[] {
  const shown = values.slice(0, VALUES_SHOWN);
  const lines = shown.map(({ have, want, pairs: times }) => {
    const both = `${what} ${valueWords(rule, want)} | ${valueWords(rule, have)}`;
    return pc.dim(`${count(times).padStart(17)}  ${both}`);
  });
  const more = pairs - shown.reduce((sum, { pairs: times }) => sum + times, 0);
  return more > 0 ? [...lines, pc.dim(`${count(more).padStart(17)}  with other values`)] : lines;
}
