/**
 * The state part of a scenario, row by row as FORMAT.md ("State") has it in JSON. Page numbers, offsets and counts are
 * pages; page numbers and the offsets of anonymous memory are relative to the start of the window. Ids of anon_vmas,
 * folios and files name objects within one scenario only.
 */

/** A VMA without a file: `[start, end, prot, pgoff, anonVma, chain, flags]`. */
export type AnonymousVmaRow = readonly [
  start: number,
  end: number,
  prot: string,
  pgoff: number | null,
  anonVma: number | null,
  chain: readonly number[] | null,
  flags: string | null,
];

/** A VMA with a file behind it: the same, then the file's id and the offset for its anonymous pages. */
export type FileVmaRow = readonly [
  start: number,
  end: number,
  prot: string,
  pgoff: number | null,
  anonVma: number | null,
  chain: readonly number[] | null,
  flags: string | null,
  file: number | null,
  anonPgoff: number | null,
];

/** `null` columns: not known (only in recordings whose header says `"recorder":"basic"`). */
export type VmaRow = AnonymousVmaRow | FileVmaRow;

/** Present entries that map a folio. */
export type FolioPageRow = readonly [
  page: number,
  count: number,
  level: 'pte' | 'pmd',
  bits: string,
  folio: number,
  order: number,
  index0: number,
  pgoff: number | null,
  anonVma: number | null,
  flags: string,
  mapcount: number,
  folioMapcount: number,
];

export const ENTRY_KINDS = ['zero', 'zero-pmd', 'swap', 'guard', 'migration', 'marker'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** Entries without a folio. */
export type BarePageRow = readonly [page: number, count: number, kind: EntryKind, bits: string];

export type PageRow = FolioPageRow | BarePageRow;

/** Whether a page row is of an entry that maps a folio. */
export function isFolioRow(row: PageRow): row is FolioPageRow {
  return row.length === 12;
}

/** `[id, root, parent, numChildren, numActiveVmas, refcount, [[p, start], ...]]` */
export type AnonVmaRow = readonly [
  id: number,
  root: number,
  parent: number,
  numChildren: number,
  numActiveVmas: number,
  refcount: number,
  vmas: readonly (readonly [p: number, start: number])[],
];

/** Pages in total, locked, and counted as data, relative to the start of the scenario. */
export type MmRow = readonly [total: number, locked: number, data: number];

export interface ProcessState {
  readonly p: number;
  readonly mm: MmRow | null;
  readonly vmas: readonly VmaRow[];
  /** `null`: not known (`"recorder":"basic"`). */
  readonly pages: readonly PageRow[] | null;
}

/** The whole state after an operation, nothing left out. */
export interface ScenarioState {
  readonly procs: readonly ProcessState[];
  /** `null`: not known (`"recorder":"basic"`). */
  readonly anonVmas: readonly AnonVmaRow[] | null;
}

/** A process as the file has it: `same` stands for the last state that was given for it. */
export type RecordedProcess = ProcessState | { readonly p: number; readonly same: true };

/** A state as the file has it. */
export interface RecordedState {
  readonly procs: readonly RecordedProcess[];
  readonly anonVmas: readonly AnonVmaRow[] | null | 'same';
}

/** The state before the first operation: one process with an empty window. */
export const INITIAL_STATE: ScenarioState = {
  procs: [{ p: 0, mm: [0, 0, 0], vmas: [], pages: [] }],
  anonVmas: [],
};

/**
 * Replaces every "same" of a recorded state by what it stands for; `previous` is the expanded state before it.
 * `undefined` when a process is "same" that `previous` does not have.
 */
export function expandState(previous: ScenarioState, recorded: RecordedState | 'same'): ScenarioState | undefined {
  if (recorded === 'same') return previous;
  const procs: ProcessState[] = [];
  for (const entry of recorded.procs) {
    if (!('same' in entry)) {
      procs.push(entry);
      continue;
    }
    const last = previous.procs.find((process) => process.p === entry.p);
    if (last === undefined) return undefined;
    procs.push(last);
  }
  return { procs, anonVmas: recorded.anonVmas === 'same' ? previous.anonVmas : recorded.anonVmas };
}

/**
 * The other way: writes "same" for whatever equals `previous`, as the recorder does. `previous` is `null` for the first
 * state of a scenario, which is always written out.
 */
export function compressState(previous: ScenarioState | null, state: ScenarioState): RecordedState | 'same' {
  if (previous === null) return state;
  const procs = state.procs.map((process): RecordedProcess => {
    const last = previous.procs.find((candidate) => candidate.p === process.p);
    return last !== undefined && sameJson(last, process) ? { p: process.p, same: true } : process;
  });
  const sameAnonVmas = sameJson(previous.anonVmas, state.anonVmas);
  const sameProcs = procs.length === previous.procs.length && procs.every((process) => 'same' in process);
  if (sameAnonVmas && sameProcs) return 'same';
  // The recorder writes an empty list out.
  return { procs, anonVmas: sameAnonVmas && state.anonVmas?.length !== 0 ? 'same' : state.anonVmas };
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
