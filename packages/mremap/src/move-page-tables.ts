import { EntryKind, type Level } from '@vmakit/pagetable';
import { splitHugePmd } from '@vmakit/mm';
import { movePtes } from './move-ptes.js';
import { moveHugePmd, moveTables } from './move-tables.js';
import { type TableMove, realign } from './table-move.js';

/**
 * Moves what the page tables of a range hold to another range: whole tables where source and target lie alike to their
 * boundaries, entry by entry elsewhere. Written once over the levels of the architecture (spec 04 section 7).
 *
 * @returns how many pages of the range were passed: less than all of them when a table could not be allocated. Tables
 * made on the way stay (unmapping the target frees them).
 */
export function movePageTables(move: TableMove): number {
  if (move.pages === 0) return 0;
  const { env } = move.mm;
  const { arch } = env;
  const pmd = arch.level(arch.pmdLevel);
  // The level above the huge pages: called pud, or where that is folded away, by the name of what stands in for it.
  const upper = arch.topLevel > arch.pmdLevel ? arch.level(arch.pmdLevel + 1) : null;
  const injector = move.back ? null : env.injector;
  realign(move, pmd);
  // Where source or target comes to its next upper entry: until then all above the huge pages stays as it was found.
  let stop = upper === null ? move.sourceEnd : move.source;
  while (move.source < move.sourceEnd) {
    if (injector !== null && injector.fails('move-step')) break;
    move.steps++;
    let step: number = GO_ON;
    if (upper !== null && move.source >= stop) {
      stop = move.source + move.extent(upper);
      step = moveUpper(move, upper);
    }
    if (step === NO_MEMORY || (step === GO_ON && moveBelowPmd(move, pmd, stop) === NO_MEMORY)) break;
  }
  return move.progress;
}

/** What a part of a round ends with. */
const DONE = 0;
const GO_ON = 1;
const NO_MEMORY = 2;

/** The part of a round above the huge pages. */
function moveUpper(move: TableMove, upper: Level): number {
  const { arch } = move.mm.env;
  const { pages } = move.mm;
  const { source, target } = move;
  const level = arch.pmdLevel + 1;
  const extent = move.extent(upper);
  const table = pages.lookup(level, source);
  if (table === 0 || arch.isNone(pages.pool.words(table), pages.entryAt(table, level, source))) {
    move.advance(extent);
    return DONE;
  }
  const targetTable = pages.ensure(level, target);
  if (targetTable === 0) return NO_MEMORY;
  const whole = extent === upper.span && arch.canMovePud && level === arch.pudLevel;
  if (!whole || moveTables(move, upper, level, table, targetTable, 1) === 0) return GO_ON;
  move.puds++;
  move.advance(extent);
  return DONE;
}

/**
 * The rest of a round: one huge entry, one table of the lowest level, or a part of one. Of whole tables, unless each
 * step has to be seen by itself, all up to `stop`.
 */
function moveBelowPmd(move: TableMove, pmd: Level, stop: number): number {
  const { arch, locks, injector } = move.mm.env;
  const { pages } = move.mm;
  const { pool } = pages;
  // Read once: the engine makes an object of each page number that it reads and hands over.
  const { source, target } = move;
  const level = arch.pmdLevel;
  const extent = move.extent(pmd);
  const table = pages.lookup(level, source);
  if (table === 0) {
    move.advance(extent);
    return DONE;
  }
  const words = pool.words(table);
  const at = pages.entryAt(table, level, source);
  if (arch.isNone(words, at)) {
    move.advance(extent);
    return DONE;
  }
  const targetTable = pages.ensure(level, target);
  if (targetTable === 0) return NO_MEMORY;
  const whole = extent === pmd.span;
  for (;;) {
    const kind = arch.kindOf(words, at, level);
    if (kind === EntryKind.None) break;
    if (kind !== EntryKind.Table) {
      if (whole && moveHugePmd(move, pmd, table, targetTable)) break;
      move.hugePmdsSplit++;
      splitHugePmd(move.mm, move.mm.tree.table.view(move.sourceRow), source);
    } else if (whole && arch.canMovePmd) {
      const most = locks.enabled || injector !== null ? 1 : Math.floor((stop - source) * pmd.inverseSpan);
      const moved = moveTables(move, pmd, level, table, targetTable, most);
      if (moved > 0) {
        move.pmds += moved;
        move.steps += moved - 1;
        move.advance(moved * pmd.span);
        return DONE;
      }
    }
    if (arch.isNone(words, at)) break;
    const targetPtes = pages.ensureToFill(target, extent | 0);
    if (targetPtes === 0) return NO_MEMORY;
    if (movePtes(move, extent, pages.lookup(0, source), targetPtes)) break;
  }
  move.advance(extent);
  return DONE;
}
