import type { Operation } from './operation.js';
import type { RecordedState, ScenarioState } from './state.js';

export const SCENARIO_FORMAT = 'mm-scenario/1';

export const REPAIR_NAMES = ['pinned', 'shared', 'partialLargeFolio', 'swap', 'undoAfterMove'] as const;
export type RepairName = (typeof REPAIR_NAMES)[number];

export const TRACE_NAMES = [
  'relocate',
  'relocateUndone',
  'undoneAfterMoveFailure',
  'merged',
  'mergedWithSource',
  'sourceReplaced',
  'smallFolioMoved',
  'pteLargeFolioMoved',
  'pmdFolioMoved',
  'pinnedSkipped',
  'sharedSkipped',
  'ksmSkipped',
  'nonPresentSkipped',
  'pinnedLarge',
  'notExclusive',
  'folioSplit',
  'folioSplitFailed',
  'folioSplitRefused',
  'pmdSplit',
  'pmdPartial',
  'oddLargeFolio',
  'injected',
] as const;
export type TraceName = (typeof TRACE_NAMES)[number];
/** Counts of what happened inside a relocating mremap; a name that is absent counts 0. */
export type RelocationTrace = Readonly<Partial<Record<TraceName, number>>>;

/** Settings for transparent huge pages: the global mode, and modes of single sizes by KiB. */
export interface ThpSettings {
  readonly enabled: 'never' | 'madvise' | 'always';
  /** Folio sizes in KiB that have a mode of their own. */
  readonly sizes: ReadonlyMap<number, 'never' | 'madvise' | 'always' | 'inherit'>;
}

/** The line that begins a scenario (golden/FORMAT.md "Header" and "The same operations on arm64"). */
export interface ScenarioHeader {
  readonly name: string;
  readonly group: string;
  readonly about: string;
  readonly seed: number | null;
  readonly thp: ThpSettings;
  readonly repairs: readonly RepairName[];
  /** Some operation injects a failure. */
  readonly injected: boolean;
  /** Why the recorded kernel's state does not fit together at some point; `null`: it always does. */
  readonly inconsistent: string | null;
  readonly kernel: string;
  readonly arch: 'x86_64' | 'aarch64';
  readonly pageSize: number;
  /** Pages of one PMD entry. */
  readonly pmdPages: number;
  readonly pagesScaled: number;
  /** Levels of the page tables, when the header says so. */
  readonly levels: number | null;
  /** First byte address of the window, and its length in pages. */
  readonly arena: { readonly start: bigint; readonly pages: number };
  readonly recorder: 'full' | 'basic';
}

/** One page-table word of the result of a `words` operation: first page, level, the 64 bits. */
export type WordRow = readonly [page: number, level: WordLevel, word: string];
export const WORD_LEVELS = ['pgd', 'p4d', 'pud', 'pmd', 'pte'] as const;
export type WordLevel = (typeof WORD_LEVELS)[number];

/** What a call gave: a page number or other number, or (a raw address outside the window) a 64-bit value. */
export type ReturnValue = number | bigint;

/** What the recorded kernel did with an operation. */
export interface Outcome {
  /** Present when the call succeeded. */
  readonly ret: ReturnValue | null;
  /** Name of the error, or `SIGSEGV`/`SIGBUS` for a touch; `null` when it succeeded. */
  readonly err: string | null;
  /** For a touch that got a signal: the page that could not be accessed. */
  readonly at: number | null;
  /** `null`: not known. */
  readonly trace: RelocationTrace | null;
  /** Of a `words` operation. */
  readonly words: readonly WordRow[] | null;
}

/** One operation with what came of it. */
export interface ScenarioStep {
  /** Line in the file, from 1. */
  readonly line: number;
  readonly operation: Operation;
  /** `null` in a scenario that has not been recorded yet. */
  readonly outcome: Outcome | null;
  /** The state after it, "same" expanded; `null` in a scenario that has not been recorded yet. */
  readonly state: ScenarioState | null;
  /** Whether the file says that this state is the one before. */
  readonly stateUnchanged: boolean;
}

/** A recorded (or yet to be recorded) list of operations. */
export interface Scenario {
  readonly file: string;
  /** Line of the header, from 1. */
  readonly line: number;
  readonly header: ScenarioHeader;
  readonly steps: readonly ScenarioStep[];
}

/** As it stands in the file, before "same" is expanded. */
export interface RecordedStep {
  readonly operation: Operation;
  readonly outcome: Outcome | null;
  readonly state: RecordedState | 'same' | null;
}
