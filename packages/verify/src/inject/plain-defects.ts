import type { ScenarioState } from '@vmakit/trace';
import type { InjectionFinding } from './inject-scenario.js';

/**
 * What Linux 7.3 itself breaks when a failure strikes in the wrong place, whatever relocation does. Findings of these
 * kinds are counted, and no failures of the model.
 */
export type PlainDefect =
  /** The unmap of the source fails after a move: both stay mapped, the charge leaks (spec 05.7, 08 E16). */
  | 'E16'
  /** A range is unmapped whose two ends were cut off already: both cuts stay, past the limit (spec 01 section 4). */
  | 'cuts-stay';

/** What an unmap that fails behind a successful move leaves: charges, flags, limits. */
const E16_BREAKS: ReadonlySet<string> = new Set(['S6.3', 'S6.6', 'S8.1']);

/** Which known defect of the plain kernel a finding is; `null` when it is something else. */
export function plainDefectOf(finding: InjectionFinding, after: ScenarioState | null): PlainDefect | null {
  const { operation, breaks, point, succeeded } = finding;
  const unmaps = operation.op === 'munmap' || operation.op === 'mmap' || operation.op === 'mremap';
  if (unmaps && !succeeded && point === 'unmap-tree-store' && breaks.every((name) => name === 'S1.2'))
    return 'cuts-stay';
  if (operation.op !== 'mremap' || after === null) return null;
  if (!breaks.every((name) => E16_BREAKS.has(name)) || typeof operation.addr !== 'number') return null;
  const { addr, oldLen, p } = operation;
  const sourceEnd = addr + (typeof oldLen === 'number' ? oldLen : 1);
  const vmas = after.procs.find((process) => process.p === p)?.vmas ?? [];
  const sourceStays = vmas.some(([start, end]) => start < sourceEnd && addr < end);
  // Of several parts the first can have moved so, and a later one have failed.
  const target = typeof operation.newAddr === 'number' ? operation.newAddr : -1;
  const moved = succeeded || vmas.some(([start, end]) => start <= target && target < end);
  return sourceStays && moved && !operation.flags.includes('DONTUNMAP') ? 'E16' : null;
}
