import type { PageRow, ProcessState, VmaRow } from '@vmakit/trace';
import { isFolioRow } from '@vmakit/trace';
import type { VisibleKind, VisibleMapping, VisiblePage, VisibleProcess } from './visible-state.js';

/** What a program could see of a state of the model, for a picture beside the live one. */
export function toVisibleProcess(state: ProcessState): VisibleProcess {
  const [total, locked, data] = state.mm ?? [0, 0, 0];
  return {
    process: state.p,
    total,
    data,
    locked,
    mappings: state.vmas.map(toMapping),
    pages: (state.pages ?? []).flatMap(toPages),
  };
}

function toMapping(row: VmaRow): VisibleMapping {
  const [start, end, prot, pgoff, , , flags] = row;
  const file = row.length === 9 ? row[7] : null;
  return { start, end, prot, file, offset: file === null ? null : pgoff, flags };
}

function toPages(row: PageRow): VisiblePage[] {
  const kind = kindOf(row);
  const once = isFolioRow(row) && row[10] === 1;
  return Array.from({ length: row[1] }, (_, i) => ({
    page: row[0] + i,
    kind,
    frame: null,
    mappedOnce: once,
    softDirty: row[3].includes('s'),
    uffdWp: kind === 'marker',
    content: null,
    mapcount: isFolioRow(row) ? row[10] : null,
  }));
}

function kindOf(row: PageRow): VisibleKind {
  if (isFolioRow(row)) return row[9].includes('a') ? 'anon' : 'file';
  const kinds = {
    zero: 'zero',
    'zero-pmd': 'zero',
    swap: 'swap',
    migration: 'swap',
    guard: 'guard',
    marker: 'marker',
  } as const;
  return kinds[row[2]];
}
