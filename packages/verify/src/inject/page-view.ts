import { type PageRow, type ProcessState, type ScenarioState, type VmaRow, isFolioRow } from '@vmakit/trace';

/** One page of a process: what maps it and what its entry holds, apart from how mappings and runs are cut. */
export interface PageView {
  /** Protection, flags and offset of its mapping, told from the page; `null` when it is not mapped. */
  readonly mapping: string | null;
  /** Kind of entry, and of a folio its index and anon_vma for this page; `null` when there is none. */
  readonly entry: string | null;
  /** It maps a page merged by KSM. */
  readonly isMerged: boolean;
  /** It maps a page of a large folio. */
  readonly isLarge: boolean;
}

/** The pages of a process by number. */
export type ProcessView = ReadonlyMap<number, PageView>;

/** Flags that a call may leave behind even when it fails: sticky marks. */
const STICKY = new Set(['sd', 'gu', '']);

/** A state page by page, by process: two states that differ only in where mappings are split have equal views. */
export function viewOf(state: ScenarioState): ReadonlyMap<number, ProcessView> {
  return new Map(state.procs.map((process) => [process.p, viewProcess(process)]));
}

function viewProcess(process: ProcessState): ProcessView {
  const view = new Map<number, PageView>();
  for (const row of process.vmas) {
    const mapping = mappingText(row);
    for (let page = row[0]; page < row[1]; page++)
      view.set(page, { mapping, entry: null, isMerged: false, isLarge: false });
  }
  for (const row of process.pages ?? []) {
    for (let i = 0; i < row[1]; i++) {
      const page = row[0] + i;
      const mapping = view.get(page)?.mapping ?? null;
      const isMerged = isFolioRow(row) && row[9].includes('k');
      const isLarge = isFolioRow(row) && row[5] > 0;
      view.set(page, { mapping, entry: entryText(row, i), isMerged, isLarge });
    }
  }
  return view;
}

function mappingText(row: VmaRow): string {
  const [start, , prot, pgoff, , , flags] = row;
  const kept = (flags ?? '').split(' ').filter((name) => !STICKY.has(name));
  const file = row.length === 9 ? ` file ${row[7]} ${(row[8] ?? 0) - start}` : '';
  return `${prot} ${(pgoff ?? 0) - start} ${kept.join(' ')}${file}`;
}

/** Marks may change on the way there and back (a move sets soft-dirty), and so may the cut of a large folio. */
function entryText(row: PageRow, i: number): string {
  if (!isFolioRow(row)) return row[2] === 'zero-pmd' ? 'zero' : row[2];
  const [, , , , , order, index0, pgoff, anonVma] = row;
  if (pgoff === null) return 'merged';
  return `index ${order === 0 ? pgoff + i : pgoff + index0 + i} anon ${anonVma}`;
}
