import type { EntryState } from '@vmakit/pagetable';
import type { Vma } from '@vmakit/vma-merge';
import type { Mm } from '../mm.js';
import { pageProtection } from './page-protection.js';

/** Maps a huge page of `vma`, whose first frame is `frame`, by the entry of `pmdTable` for `page`. */
export function setHugePage(mm: Mm, vma: Vma, page: number, pmdTable: number, frame: number, state: EntryState): void {
  const { pages } = mm;
  const { arch, pool } = pages;
  pool.holdsLeaves(pmdTable);
  arch.setPage(pool.words(pmdTable), pages.entryAt(pmdTable, 1, page), 1, frame, pageProtection(mm.env, vma), state);
}
