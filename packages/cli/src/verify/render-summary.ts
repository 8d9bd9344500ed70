import type { FailureReport } from '@vmakit/verify';

const EXAMPLES = 3;

/** Groups failures by operation and first difference, the most frequent first: where to look when many fail. */
export function renderSummary(failures: readonly FailureReport[]): string {
  const groups = new Map<string, FailureReport[]>();
  for (const failure of failures) {
    const name = groupName(failure);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [failure]);
    else group.push(failure);
  }
  const lines: string[] = [];
  for (const [name, group] of [...groups].sort(([, a], [, b]) => b.length - a.length)) {
    lines.push(`${String(group.length).padStart(5)}  ${name}`);
    for (const failure of group.slice(0, EXAMPLES)) lines.push(`       ${exampleText(failure)}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

function groupName(failure: FailureReport): string {
  const operation = failure.operation?.op ?? 'word';
  const [difference] = failure.differences;
  const [violation] = failure.violations;
  if (failure.kind === 'error') return `${operation}  ${firstLines(String(difference?.actual), 2)}`;
  if (difference !== undefined) return `${operation}  ${difference.field}`;
  return `${operation}  ${violation?.invariant ?? ''} ${violation?.what ?? ''}`;
}

function exampleText(failure: FailureReport): string {
  const [difference] = failure.differences;
  const place = `${failure.scenario} #${failure.step}`;
  if (failure.kind === 'error' || difference === undefined) return place;
  const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 100) ?? 'nothing';
  return `${place}  ${difference.where}: expected ${shown(difference.expected)}, model ${shown(difference.actual)}`;
}

function firstLines(text: string, count: number): string {
  return text
    .split('\n')
    .slice(0, count)
    .map((line) => line.trim())
    .join(' | ');
}
