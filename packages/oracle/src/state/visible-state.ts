import type { Outcome, ProcessState, ScenarioState, VmaRow } from '@vmakit/trace';

/** One mapping as a program can see it. Pages, relative to the window; flags as scenarios name them, null: not read. */
export interface VisibleMapping {
  readonly start: number;
  readonly end: number;
  /** `rw-p` as in `/proc/PID/maps`. */
  readonly prot: string;
  /** A number for the file behind it, the same for the same file; null: none. */
  readonly file: number | null;
  /** Page offset in the file; null: there is none, or it is not shown. */
  readonly offset: number | null;
  readonly flags: string | null;
}

export type VisibleKind = 'anon' | 'file' | 'zero' | 'swap' | 'guard' | 'marker';

/** One page-table entry as `/proc/PID/pagemap` and a load show it. */
export interface VisiblePage {
  readonly page: number;
  readonly kind: VisibleKind;
  /** A number for the page's memory, the same for the same memory; null: hidden, or there is none. */
  readonly frame: number | null;
  readonly mappedOnce: boolean;
  readonly softDirty: boolean;
  readonly uffdWp: boolean;
  /** First byte; null: it was not read. */
  readonly content: number | null;
  /** How often the page is mapped; null: it was not read. */
  readonly mapcount: number | null;
}

/** What can be seen of a process. Totals are pages, relative to the start of the program. */
export interface VisibleProcess {
  readonly process: number;
  readonly total: number;
  /** Private writable memory and stacks. */
  readonly data: number;
  /** null: not read. */
  readonly locked: number | null;
  readonly mappings: readonly VisibleMapping[];
  readonly pages: readonly VisiblePage[];
}

/** An operation's result and the processes whose state was read after it. */
export interface VisibleStep {
  readonly outcome: Outcome;
  readonly processes: readonly VisibleProcess[];
}

/** The state in the form of a scenario of recorder "basic": what cannot be seen is null. */
export function toBasicState(processes: readonly VisibleProcess[]): ScenarioState {
  const procs = [...processes].sort((a, b) => a.process - b.process).map(toBasicProcess);
  return { procs, anonVmas: null };
}

function toBasicProcess(process: VisibleProcess): ProcessState {
  const vmas = process.mappings.map((mapping): VmaRow => {
    const { start, end, prot, file, offset, flags } = mapping;
    if (file === null) return [start, end, prot, null, null, null, flags];
    return [start, end, prot, offset, null, null, flags, file, null];
  });
  // The recorder's count of data leaves stacks out, which the kernel's summary does not.
  const stacks = process.mappings
    .filter((mapping) => mapping.flags?.split(' ').includes('gd'))
    .reduce((sum, mapping) => sum + mapping.end - mapping.start, 0);
  const known = process.locked !== null && process.mappings.every((mapping) => mapping.flags !== null);
  const mm = known ? ([process.total, process.locked, process.data - stacks] as const) : null;
  return { p: process.process, mm, vmas, pages: null };
}
