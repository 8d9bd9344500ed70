import { walkEntries } from '@vmakit/check';
import { type Mm, beginMigration, finishMigration, frameAt } from '@vmakit/mm';
import { type EntryWords, formatWord, readWord } from '@vmakit/pagetable';
import type { WordRow } from '@vmakit/trace';

/**
 * The words of the page tables for [start, end), as golden/FORMAT.md ("Raw words") lists them: before the first entry
 * of each table the entries that lead to it. Pages are counted from `origin`, the start of the window; an upper entry
 * goes by the first page of the window that it spans.
 *
 * @param migrate page whose folio is under migration during the look; `null` for none
 */
export function captureWords(mm: Mm, start: number, end: number, origin: number, migrate: number | null): WordRow[] {
  const frame = migrate === null ? -1 : frameAt(mm, migrate);
  const head = frame < 0 ? -1 : mm.env.memory.headOf(frame);
  const migrating = head >= 0 && beginMigration(mm.env, head);
  const rows = listWords(mm, start, end, origin);
  if (migrating) finishMigration(mm.env, head);
  return rows;
}

function listWords(mm: Mm, start: number, end: number, origin: number): WordRow[] {
  const { arch } = mm.env;
  const rows: WordRow[] = [];
  /** Upper entries on the way to the one that is visited, not listed yet: a table may turn out to be empty. */
  const pending: WordRow[] = [];
  const row = (level: number, page: number, words: EntryWords, at: number): WordRow => {
    return [Math.max(page, origin) - origin, arch.level(level).name, formatWord(readWord(words, at))];
  };
  walkEntries(
    mm.pages,
    start,
    end,
    (level, page, words, at) => {
      rows.push(...pending.splice(0), row(level, page, words, at));
    },
    (level, page, words, at) => {
      while (pending.length > 0 && arch.levelIndex(pending.at(-1)![1]) <= level) pending.pop();
      pending.push(row(level, page, words, at));
    },
  );
  return rows;
}
