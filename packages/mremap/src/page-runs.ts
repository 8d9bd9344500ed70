import { PG_HEAD, PG_LOCKED, PG_TAIL, type PhysicalMemory } from '@vmakit/folio';
import type { Arch, EntryWords } from '@vmakit/pagetable';
import type { FolioJournal } from './folio-journal.js';
import type { PolicyHooks } from './policy.js';
import type { PolicyMove } from './policy-move.js';

/** Entries that a policy is asked about at once: the work that is thrown away when it does not want the first. */
const RUN_LIMIT = 64;
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
  readonly #heads = new Int32Array(RUN_LIMIT);

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
    const end = limit < RUN_LIMIT ? limit : RUN_LIMIT;
    let count = 0;
    for (; count < end; count++) {
      const frame = arch.countedFrame(words, at + 2 * count);
      if (frame < 0 || ((flags[frame] as number) & NOT_PLAIN) !== 0) break;
      heads[count] = frame;
    }
    if (count === 0) return 0;
    const accepted = this.#ask(count);
    if (!(accepted >= 0 && accepted <= count) || (accepted | 0) !== accepted) {
      throw new RangeError(`placeable: ${accepted} of ${count} folios`);
    }
    this.asking = false;
    if (accepted > 0) this.#place(accepted, page);
    return accepted;
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

  #place(count: number, page: number): void {
    const memory = this.#memory;
    const first = page + this.indexShift;
    if (this.journal !== null) {
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
