import type { ComparedRun } from '@vmakit/replay';
import { bytes } from './numbers.js';

/** One line of the comparison: its name, and its value for a run. */
export interface ComparedRow {
  readonly name: string;
  readonly value: (run: ComparedRun) => number;
  readonly show?: (value: number) => string;
}

/** What is compared, in the order of the table. */
export const COMPARED_ROWS: readonly ComparedRow[] = [
  { name: 'VMAs at peak', value: (run) => run.vmasPeak },
  { name: 'VMAs at the end', value: (run) => run.vmasEnd },
  { name: 'merges gained', value: (run) => run.mergesGained },
  { name: 'moves relocated', value: (run) => run.relocations },
  { name: 'relocations taken back', value: (run) => run.relocationsUndone },
  { name: 'folios rewritten', value: (run) => run.foliosRewritten },
  { name: 'PTEs walked for it', value: (run) => run.entriesWalked },
  { name: 'tables moved, PUD level', value: (run) => run.tablesMoved.pud },
  { name: 'tables moved, PMD level', value: (run) => run.tablesMoved.pmd },
  { name: 'huge pages moved', value: (run) => run.tablesMoved.hugePmd },
  { name: 'PTEs moved', value: (run) => run.tablesMoved.pte },
  { name: 'kernel objects saved', value: (run) => run.objectsSaved },
  { name: 'kernel memory saved', value: (run) => run.bytesSaved, show: bytes },
  { name: 'calls that no longer fail', value: (run) => run.callsSaved },
];
