import { VM_READ } from '@vmakit/base';
import { walkEntries } from '@vmakit/check';
import { type Mm, beginMigration, finishMigration, frameAt } from '@vmakit/mm';
import { type EntryWords, formatWord, readWord } from '@vmakit/pagetable';
import type { WordRow } from '@vmakit/trace';

/**
 * The words of the page tables for [start, end), as golden/FORMAT.md ("Raw words") lists them: every entry that is not
 * empty, those that lead to a table before what is in it. Pages are counted from `origin`, the start of the window; an
 * upper entry goes by the first page of the window that it spans.
 *
 * @param migrate page whose folio is under migration during the look; `null` for none. A page that its mapping lets
 * nobody read is not found by whoever migrates it, and stays as it is.
 */
export function captureWords(mm: Mm, start: number, end: number, origin: number, migrate: number | null): WordRow[] {
  const frame = migrate === null || !isReadable(mm, migrate) ? -1 : frameAt(mm, migrate);
  const head = frame < 0 ? -1 : mm.env.memory.headOf(frame);
  const migrating = head >= 0 && beginMigration(mm.env, head);
  const rows = listWords(mm, start, end, origin);
  if (migrating) finishMigration(mm.env, head);
  return rows;
}

function isReadable(mm: Mm, page: number): boolean {
  const vma = mm.tree.at(page);
  return vma !== null && (vma.flags & VM_READ) !== 0;
}

function listWords(mm: Mm, start: number, end: number, origin: number): WordRow[] {
  const { arch } = mm.env;
  const rows: WordRow[] = [];
  const add = (level: number, page: number, words: EntryWords, at: number): void => {
    const first = Math.max(page, origin) - origin;
    rows.push([first, arch.level(level).name, formatWord(readWord(words, at))]);
  };
  walkEntries(mm.pages, start, end, add, add);
  return rows;
}
