import { PG_HEAD, PG_LOCKED, PG_TAIL, type PhysicalMemory } from '@vmakit/folio';
import type { Arch, EntryWords } from '@vmakit/pagetable';
import { AlikeFrames } from './alike-frames.js';
import { type FolioJournal, placeSpan } from './folio-journal.js';
import type { PolicyHooks } from './policy.js';
import type { PolicyMove } from './policy-move.js';

/**
 * Pages that a policy is asked about at once: more as long as it takes them all, in this move or those before, since
 * what it does not take was looked at for nothing.
 */
const RUN_LEAST = 16;
const RUN_MOST = 512;
/** A page of a large folio, or a locked one, is none for a run. */
const NOT_PLAIN: number = PG_HEAD | PG_TAIL | PG_LOCKED;

/**
 * The short cut of a walk through small folios: entries next to each other that map frames next to each other, alike in
 * flags and counts, as memory touched in order mostly is. The policy is asked about all of them at once, and those it
 * accepts get their place. It does what the walk does leaf by leaf, but for taking the folio locks, which nobody can
 * see: it is not used while failures are injected or locks are tracked.
 */
export class PageRuns {
  /** Entries that were not empty and folios placed, since somebody set them to 0. */
  placed = 0;
  /** Of the VMA whose place folios get: its anon_vma, and what to add to a source page to have its offset there. */
  anonVmaId = 0;
  indexShift = 0;
  /** Where the walk ends. */
  end = 0;
  /** Null while taking back: nothing is remembered then. */
  journal: FolioJournal | null = null;
  /** The policy was asked and has given no valid answer (yet). */
  asking = false;

  readonly #move: PolicyMove;
  #memory!: PhysicalMemory;
  #arch!: Arch;
  #placeable!: NonNullable<PolicyHooks['placeable']>;
  readonly #frames = new AlikeFrames();
  #reach = RUN_LEAST;

  constructor(move: PolicyMove) {
    this.#move = move;
  }

  /** A walk of the move begins. `placeable` gives how many of a run of folios may be placed, from the front. */
  begin(placeable: NonNullable<PolicyHooks['placeable']>): void {
    const { memory, arch } = this.#move.mm.env;
    this.#memory = memory;
    this.#arch = arch;
    this.#placeable = placeable;
    this.#frames.begin(memory);
    this.placed = 0;
    this.asking = false;
  }

  /**
   * Places folios from the entry at `at` (of page `page`) on, at most `limit` entries.
   *
   * @returns entries done, empty ones in front among them; 0 when the first is one for the `leaf` hook.
   * @throws {RangeError} when the policy's answer is no number of folios
   */
  take(words: EntryWords, at: number, limit: number, page: number): number {
    const arch = this.#arch;
    if (arch.isNone(words, at)) return arch.emptyEntries(words, at, limit);
    // A small integer again: what decodes any frame there can be gives no more than a number.
    const first = arch.countedFrame(words, at) | 0;
    if (first < 0 || ((this.#memory.flags[first] as number) & NOT_PLAIN) !== 0) return this.#takeNone();
    const reach = this.#reach;
    const straight = arch.straightEntries(words, at, limit < reach ? limit : reach);
    const count = this.#frames.countAlike(first, straight, this.end - page - straight);
    const accepted = this.#ask(first, count);
    if (!(accepted >= 0 && accepted <= count) || (accepted | 0) !== accepted) {
      throw new RangeError(`placeable: ${accepted} of ${count} folios`);
    }
    this.asking = false;
    if (accepted < count) this.#reach = RUN_LEAST;
    else if (accepted === reach && reach < RUN_MOST) this.#reach = reach * 4 < RUN_MOST ? reach * 4 : RUN_MOST;
    if (accepted === 0) return this.#takeNone();
    this.#place(first, accepted, page + this.indexShift);
    return accepted;
  }

  /** The `leaf` hook has its turn, which may change what it likes. */
  #takeNone(): number {
    this.#frames.forget();
    return 0;
  }

  #ask(first: number, count: number): number {
    const move = this.#move;
    const { moment } = move;
    this.asking = true;
    move.moment = 'placeable';
    try {
      return this.#placeable(move, first, count);
    } finally {
      move.moment = moment;
    }
  }

  #place(first: number, count: number, firstIndex: number): void {
    if (this.journal === null) placeSpan(this.#memory, first, count, this.anonVmaId, firstIndex);
    else this.journal.rewriteSpan(this.#memory, first, count, this.anonVmaId, firstIndex);
    this.placed += count;
  }
}
