import type { TableMove } from './table-move.js';

/** What all moves of a kernel moved, summed up: tables by the level of the entry that moved, and single entries. */
export class TableCounters {
  puds = 0;
  pmds = 0;
  /** Huge entries moved whole, and split to be moved. */
  hugePmds = 0;
  hugePmdsSplit = 0;
  ptes = 0;
  tlbFlushes = 0;

  /** Adds one move. */
  add(move: TableMove): void {
    this.puds += move.puds;
    this.pmds += move.pmds;
    this.hugePmds += move.hugePmds;
    this.hugePmdsSplit += move.hugePmdsSplit;
    this.ptes += move.ptes;
    this.tlbFlushes += move.tlbFlushes;
  }
}
