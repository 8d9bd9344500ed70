import type { DestinationMergeResult, Leaf, Move, PolicyCounters } from '@vmakit/mremap';
import { anonIndex } from '@vmakit/rmap';
import type { RepairSet } from './repairs.js';

/**
 * What is counted, by the names of the golden recordings (FORMAT.md, "Trace"). Read them with
 * `policies.counters.read()`.
 */
export const RELOCATION_COUNTERS = [
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
] as const;

export type RelocationCounter = (typeof RELOCATION_COUNTERS)[number];

/**
 * The relocation of one move, forward or being undone by a second walk: which offset a folio gets, and the counting.
 * One for each kernel, used again for each move.
 */
export class Relocation {
  readonly repairs: RepairSet;
  /** False while a walk takes back. */
  forward = true;
  /** What a walk that takes back passes over is counted only where the recorded kernel does. */
  counting = true;
  readonly #values: Float64Array;
  readonly #slots: Readonly<Record<RelocationCounter, number>>;
  /** Of those that every relocated move counts. */
  readonly #relocate: number;
  readonly #merged: number;
  readonly #smallFolioMoved: number;

  constructor(repairs: RepairSet, counters: PolicyCounters) {
    this.repairs = repairs;
    this.#values = counters.values;
    const slots = RELOCATION_COUNTERS.map((name) => [name, counters.slot(name)] as const);
    this.#slots = Object.fromEntries(slots) as Record<RelocationCounter, number>;
    this.#relocate = this.#slots.relocate;
    this.#merged = this.#slots.merged;
    this.#smallFolioMoved = this.#slots.smallFolioMoved;
  }

  count(name: RelocationCounter): void {
    (this.#values[this.#slots[name]] as number)++;
  }

  /** The same for small folios that are placed: it happens for every page. */
  countSmallFolios(count: number): void {
    if (this.counting) (this.#values[this.#smallFolioMoved] as number) += count;
  }

  /** Counts unless a walk takes back. */
  countForward(name: RelocationCounter): void {
    if (this.counting) this.count(name);
  }

  /** A relocation begins, and is counted. */
  begin(): void {
    this.forward = true;
    this.counting = true;
    (this.#values[this.#relocate] as number)++;
  }

  /** Counts what came of the last merge. */
  countMerge({ merged, includesSource, replacedSource }: DestinationMergeResult): void {
    if (merged) (this.#values[this.#merged] as number)++;
    if (includesSource) this.count('mergedWithSource');
    if (replacedSource) this.count('sourceReplaced');
  }

  /** A walk begins to take back. `counting`: it counts like one forward. */
  takeBack(counting: boolean): void {
    this.forward = false;
    this.counting = counting;
  }

  /** The offset that the page of `leaf` has in the destination, or when undoing in the source. */
  indexOf(move: Move, leaf: Leaf): number {
    const { destination } = move;
    if (!this.forward || destination === null) return anonIndex(move.source, leaf.page);
    return anonIndex(destination, leaf.destinationPage);
  }

  /** Gives a folio its new offset and the destination's anon_vma, or when undoing the source's. */
  place(move: Move, head: number, index: number): void {
    if (this.forward) move.rewriteFolio(head, index);
    else move.returnFolio(head, index);
  }
}
