import type { MmError } from '@vmakit/base';
import type { BirthEvent, Mmap2Event, SyscallEvent } from '@vmakit/trace';
import type { CallOutcome } from './run-call.js';
import type { LayoutDifference } from './layout.js';

/**
 * Something that the model did otherwise than the recorded kernel. Addresses are hexadecimal, as recordings print
 * them.
 */
export interface Divergence {
  readonly file: string;
  readonly line: number;
  readonly pid: number;
  /** The call, or what else was compared. */
  readonly what: string;
  readonly recorded: string;
  readonly model: string;
}

/** A snapshot of a process compared with the model. */
export interface LayoutCheck {
  readonly pid: number;
  readonly file: string;
  readonly matched: boolean;
  /** It matched only when neighbours are joined that a policy has merged: see `ReplayResult.whatIf`. */
  readonly mergedFurther: boolean;
  /** VMAs of the snapshot. */
  readonly vmas: number;
  /** The first differences. */
  readonly differences: readonly LayoutDifference[];
  readonly differing: number;
  /** VMAs that smaps shows to be untouched where the assumption said touched. */
  readonly wronglyTouched: number;
  /** Differences that the recording cannot tell, by name. */
  readonly unknowable: Readonly<Record<string, number>>;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Where the outcome of a call differs from what was recorded; null where it does not. */
export function compareResult(event: SyscallEvent, outcome: CallOutcome): Divergence | null {
  const { refused, value } = outcome;
  if (event.errno !== null ? refused?.errno === event.errno : refused === null && value === event.result) return null;
  return {
    file: event.file,
    line: event.line,
    pid: event.pid,
    what: describeCall(event),
    recorded: event.errno ?? (event.result === null ? '?' : hex(event.result)),
    model: refused === null ? hex(value ?? 0) : `${refused.errno} (${refused.rule}${numbersOf(refused)})`,
  };
}

function numbersOf(refused: MmError): string {
  if (refused.numbers === undefined) return '';
  return `: ${Object.entries(refused.numbers)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`;
}

/** `mremap(oldAddress 0x7f…, oldLength 0x1000…)`. */
export function describeCall(event: SyscallEvent): string {
  const args = Object.entries(event.args).map(
    ([name, value]) => `${name} ${typeof value === 'number' && value > 9 ? hex(value) : String(value)}`,
  );
  return `${event.name}(${args.join(', ')})`;
}

/** A call that got an address at which the model still has memory. */
export function occupiedDivergence(event: SyscallEvent, start: number, end: number): Divergence {
  const { file, line, pid } = event;
  const recorded = `free memory at ${hex(start)}-${hex(end)}`;
  return { file, line, pid, what: describeCall(event), recorded, model: 'something is mapped there' };
}

/** A fork that the model refused. */
export function forkDivergence({ file, line, parentPid, pid }: BirthEvent, refused: MmError): Divergence {
  const model = `${refused.errno} (${refused.rule}${numbersOf(refused)})`;
  return { file, line, pid: parentPid, what: 'fork', recorded: String(pid), model };
}

/** A record of the kernel about one VMA that the model has otherwise. `have`: the model's VMA there, bytes. */
export function recordDivergence(
  record: Mmap2Event,
  have: { readonly start: number; readonly length: number; readonly offset: number } | null,
): Divergence {
  return {
    file: record.file,
    line: record.line,
    pid: record.pid,
    what: `record of the VMA at ${hex(record.start)} (${record.name})`,
    recorded: `length ${hex(record.length)}, offset ${hex(record.pageOffsetBytes)}`,
    model:
      have === null ? 'no VMA' : `start ${hex(have.start)}, length ${hex(have.length)}, offset ${hex(have.offset)}`,
  };
}
