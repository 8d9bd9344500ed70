import { PG_HEAD, PG_LOCKED, PG_TAIL, type PhysicalMemory } from '@vmakit/folio';
import type { Arch, EntryWords } from '@vmakit/pagetable';
import { type FolioJournal, placeSpan } from './folio-journal.js';
import type { PolicyHooks } from './policy.js';
import type { PolicyMove } from './policy-move.js';

/**
 * Entries that a policy is asked about at once: more as long as it takes them all, since what it does not take was
 * looked at for nothing.
 */
const RUN_LEAST = 16;
const RUN_MOST = 512;
/** A page of a large folio, or a locked one, ends a run. */
const NOT_PLAIN: number = PG_HEAD | PG_TAIL | PG_LOCKED;

/**
 * The short cut of a walk through small folios: gathers the frames of consecutive entries, asks the policy about all of
 * them at once, and gives those it accepts their place. It does what the walk does leaf by leaf, but for taking the
 * folio locks, which nobody can see: it is not used while failures are injected or locks are tracked.
 */
export class PageRuns {
  /** Entries that were not empty and folios placed, since somebody set them to 0. */
  placed = 0;
  /** Of the VMA whose place folios get: its anon_vma, and what to add to a source page to have its offset there. */
  anonVmaId = 0;
  indexShift = 0;
  /** Null while taking back: nothing is remembered then. */
  journal: FolioJournal | null = null;
  /** The policy was asked and has given no valid answer (yet). */
  asking = false;

  readonly #move: PolicyMove;
  #memory!: PhysicalMemory;
  #arch!: Arch;
  #placeable!: NonNullable<PolicyHooks['placeable']>;
  readonly #heads = new Int32Array(RUN_MOST);
  #reach = RUN_LEAST;

  constructor(move: PolicyMove) {
    this.#move = move;
  }

  /** A walk of the move begins. `placeable` gives how many of the first `count` heads may be placed, from the front. */
  begin(placeable: NonNullable<PolicyHooks['placeable']>): void {
    const { memory, arch } = this.#move.mm.env;
    this.#memory = memory;
    this.#arch = arch;
    this.#placeable = placeable;
    this.placed = 0;
    this.asking = false;
    this.#reach = RUN_LEAST;
  }

  /**
   * Places folios from the entry at `at` (of page `page`) on, at most `limit` entries.
   *
   * @returns entries done, empty ones in front among them; 0 when the first is one for the `leaf` hook.
   * @throws {RangeError} when the policy's answer is no number of folios
   */
  take(words: EntryWords, at: number, limit: number, page: number): number {
    const heads = this.#heads;
    const arch = this.#arch;
    const { flags } = this.#memory;
    let empty = 0;
    while (empty < limit && arch.isNone(words, at + 2 * empty)) empty++;
    if (empty > 0) return empty;
    const reach = this.#reach;
    const end = limit < reach ? limit : reach;
    let count = 0;
    const like = this.#countStraight(words, at, end);
    // Not worth it when the run is soon over: the others are decoded one by one.
    const straight = 2 * like >= end;
    if (straight) {
      const first = arch.countedFrame(words, at) | 0;
      const last = first + like;
      let head = first;
      while (head < last && ((flags[head] as number) & NOT_PLAIN) === 0) head++;
      count = head - first;
      for (let i = 0; i < count; i++) heads[i] = first + i;
    } else {
      for (; count < end; count++) {
        // A small integer again: what decodes any frame there can be gives no more than a number.
        const frame = arch.countedFrame(words, at + 2 * count) | 0;
        if (frame < 0 || ((flags[frame] as number) & NOT_PLAIN) !== 0) break;
        heads[count] = frame;
      }
    }
    if (count === 0) return 0;
    const accepted = this.#ask(count);
    if (!(accepted >= 0 && accepted <= count) || (accepted | 0) !== accepted) {
      throw new RangeError(`placeable: ${accepted} of ${count} folios`);
    }
    this.asking = false;
    this.#reach =
      accepted === reach && reach < RUN_MOST ? Math.min(RUN_MOST, reach * 4) : accepted < count ? RUN_LEAST : reach;
    if (accepted > 0) this.#place(accepted, page, straight);
    return accepted;
  }

  /** Entries from `at` on, at most `limit`, whose frames follow one another; 0 when the first maps no counted page. */
  #countStraight(words: EntryWords, at: number, limit: number): number {
    const arch = this.#arch;
    return arch.countedFrame(words, at) < 0 ? 0 : arch.straightEntries(words, at, limit);
  }

  #ask(count: number): number {
    const move = this.#move;
    const { moment } = move;
    this.asking = true;
    move.moment = 'placeable';
    try {
      return this.#placeable(move, this.#heads, count);
    } finally {
      move.moment = moment;
    }
  }

  #place(count: number, page: number, straight: boolean): void {
    const memory = this.#memory;
    const first = page + this.indexShift;
    if (straight) {
      const head = this.#heads[0] as number;
      if (this.journal === null) placeSpan(memory, head, count, this.anonVmaId, first);
      else this.journal.rewriteSpan(memory, head, count, this.anonVmaId, first);
    } else if (this.journal !== null) {
      this.journal.rewriteRun(memory, this.#heads, count, this.anonVmaId, first);
    } else {
      const heads = this.#heads;
      for (let i = 0; i < count; i++) {
        const head = heads[i] as number;
        memory.mapping[head] = this.anonVmaId;
        memory.index[head] = first + i;
      }
    }
    this.placed += count;
  }
}
