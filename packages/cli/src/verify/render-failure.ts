import { describeViolation } from '@vmakit/check';
import type { ScenarioState } from '@vmakit/trace';
import type { FailureReport, StepDifference } from '@vmakit/verify';
import pc from 'picocolors';
import { operationText } from './failure-json.js';
import { anonVmaText, mmText, pageText, vmaText } from './state-text.js';

/** A failure as a small picture: the operation, what differs, and that part of the state before and after it. */
export function renderFailure(failure: FailureReport): string {
  const place = `${failure.file}:${failure.line}`;
  const lines = [`${pc.red('✗')} ${pc.bold(failure.scenario)}  ${pc.dim(`${place}, operation ${failure.step + 1}`)}`];
  if (failure.operation !== null) lines.push(`  ${operationText(failure.operation)}`);
  for (const violation of failure.violations) lines.push(`  ${pc.red(describeViolation(violation))}`);
  const [first, ...others] = failure.differences;
  if (first !== undefined) lines.push(...differenceLines(first));
  for (const other of others) lines.push(pc.dim(`  also ${other.field}, ${other.where}`));
  if (first !== undefined && failure.kind !== 'error') lines.push(...pictureLines(failure, first));
  return lines.map((line) => `${line}\n`).join('');
}

function differenceLines(difference: StepDifference): string[] {
  const { field, where, expected, actual, rule } = difference;
  return [
    `  ${pc.bold(field)}, ${where}  ${pc.dim(`(${rule})`)}`,
    `    expected ${pc.green(valueText(expected))}`,
    `    model    ${pc.red(valueText(actual))}`,
  ];
}

function valueText(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string'
    ? value
    : JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `0x${v.toString(16)}` : v));
}

/** Rows of a picture at either side of the first one that differs. */
const CONTEXT_ROWS = 4;

/** The part of the state that the difference is in: before the operation, as recorded, as the model has it. */
function pictureLines(failure: FailureReport, difference: StepDifference): string[] {
  const part = PARTS.find(({ prefix }) => difference.field.startsWith(prefix)) ?? VMAS;
  const rows = (state: ScenarioState | null | undefined): string[] => {
    return state === null || state === undefined
      ? []
      : part.rows(state, difference.process ?? failure.operation?.p ?? 0);
  };
  const before = rows(failure.before);
  const expected = rows(failure.expected?.state);
  const actual = rows(failure.actual?.state);
  const recorded = new Set(expected);
  const modelled = new Set(actual);
  return [
    ...block('before', before, () => (text) => text, 0),
    ...block('expected', expected, (row) => (modelled.has(row) ? plain : pc.green), firstOdd(expected, modelled)),
    ...block('model', actual, (row) => (recorded.has(row) ? plain : pc.red), firstOdd(actual, recorded)),
  ];
}

function plain(text: string): string {
  return text;
}

/** Index of the first row that the other side has not. */
function firstOdd(rows: readonly string[], other: ReadonlySet<string>): number {
  return Math.max(
    0,
    rows.findIndex((row) => !other.has(row)),
  );
}

function block(
  title: string,
  rows: readonly string[],
  colour: (row: string) => (text: string) => string,
  around: number,
): string[] {
  const from = Math.max(0, around - CONTEXT_ROWS);
  const to = Math.min(rows.length, around + CONTEXT_ROWS + 1);
  const lines = rows.slice(from, to).map((row) => colour(row)(row));
  if (from > 0) lines.unshift(pc.dim(`... ${from} more`));
  if (to < rows.length) lines.push(pc.dim(`... ${rows.length - to} more`));
  if (lines.length === 0) lines.push(pc.dim('nothing'));
  return lines.map((line, i) => `    ${pc.dim((i === 0 ? title : '').padEnd(9))} ${line}`);
}

/** A part of the state, and its rows as text. */
interface PicturePart {
  readonly prefix: string;
  rows(state: ScenarioState, process: number): string[];
}

const VMAS: PicturePart = {
  prefix: 'vmas',
  rows: (state, p) => state.procs.find((process) => process.p === p)?.vmas.map(vmaText) ?? [],
};

const PARTS: readonly PicturePart[] = [
  VMAS,
  { prefix: 'pages', rows: (state, p) => state.procs.find((process) => process.p === p)?.pages?.map(pageText) ?? [] },
  { prefix: 'anonVmas', rows: (state) => state.anonVmas?.map(anonVmaText) ?? [] },
  { prefix: 'mm', rows: (state) => state.procs.map((process) => `process ${process.p}: ${mmText(process)}`) },
];
