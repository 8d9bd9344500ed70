import { PG_LOCKED, type PhysicalMemory } from '@vmakit/folio';
import type { LockTracker } from '@vmakit/locking';
import { splitFolio } from '@vmakit/mm';
import type { FolioJournal } from './folio-journal.js';
import { Leaf, LeafKind } from './leaf.js';
import { type LeafSink, type WalkRange, walkLeaves } from './leaf-walk.js';
import { LEAF_AGAIN, LEAF_FAIL, LEAF_NEXT, LEAF_PLACE, LEAF_SPLIT_UNLOCKED, type PolicyHooks } from './policy.js';
import { PageRuns } from './page-runs.js';
import type { PolicyMove } from './policy-move.js';
import type { BoundPolicy } from './policy-set.js';

/** Why a walk stopped, besides the policy saying so. */
export type WalkStop = 'policy' | 'contended' | 'threw' | 'nonsense';

/** What stands for a `leaf` hook that a policy does not have. */
const passLeaf = (): number => LEAF_NEXT;

/**
 * The walk over the leaves of a moved range for a policy's `leaf` hook: locks each folio, asks, and unlocks or keeps it
 * (spec 06 section 5). Begun anew for each move that a policy takes.
 */
export class FolioWalk implements LeafSink {
  lockedTable = 0;
  runs: PageRuns | null = null;
  /** The folio that the current leaf maps, locked; -1 without one. */
  lockedHead = -1;
  /** The hook changed the current folio. */
  changed = false;
  /** Entries and folios split so far. */
  splits = 0;
  stop: WalkStop = 'policy';
  thrown: unknown = undefined;
  /** The hook that made it stop. */
  asked: 'leaf' | 'placeable' = 'leaf';
  /** Where the walk stopped. */
  stoppedAt = 0;

  readonly #move: PolicyMove;
  readonly #journal: FolioJournal;
  /** What the rest of it is about. */
  #bound: BoundPolicy | null = null;
  #memory!: PhysicalMemory;
  #locks!: LockTracker;
  #ask: NonNullable<PolicyHooks['leaf']> = passLeaf;
  #placeable: PolicyHooks['placeable'];
  #blocking = false;
  #blockingHuge = false;
  #hold = false;
  readonly #leaf = new Leaf();
  readonly #runs: PageRuns;
  /** Large folios that stay locked: each is met once for every entry that maps it. */
  readonly #heldLarge = new Set<number>();
  /** Every folio that stays locked. */
  readonly #held: number[] = [];
  /** A folio, locked, that has to be split without the anon_vma lock; -1: none. */
  #splitNext = -1;
  #forward = true;
  #folios = 0;
  /** Of the VMA whose place folios get: its anon_vma, and what to add to a source page to have its offset there. */
  #anonVmaId = 0;
  #indexShift = 0;

  constructor(move: PolicyMove) {
    this.#move = move;
    this.#journal = move.journal;
    this.#runs = new PageRuns(move);
  }

  /** A move begins that the policy has taken. */
  begin(bound: BoundPolicy, hold: boolean): void {
    if (bound !== this.#bound) this.#bind(bound);
    this.lockedTable = 0;
    this.runs = null;
    this.lockedHead = -1;
    this.changed = false;
    this.splits = 0;
    this.stop = 'policy';
    this.thrown = undefined;
    this.asked = 'leaf';
    this.stoppedAt = 0;
    this.#hold = hold;
    this.#splitNext = -1;
    this.#folios = 0;
  }

  /** The policy is another than that of the move before. */
  #bind(bound: BoundPolicy): void {
    const { hooks, policy } = bound;
    const { memory, locks } = this.#move.mm.env;
    this.#bound = bound;
    this.#memory = memory;
    this.#locks = locks;
    this.#ask = hooks.leaf ?? passLeaf;
    this.#placeable = hooks.placeable;
    this.#blocking = policy.deviations.blockingFolioLocks ?? false;
    this.#blockingHuge = policy.deviations.blockingHugeFolioLocks ?? false;
  }

  /** Visits all leaves of `range`. `forward`: not while taking back. False when the walk stopped. */
  run(range: WalkRange, forward: boolean): boolean {
    const move = this.#move;
    const { mm, table } = move;
    const row = forward ? move.destinationRow : move.sourceRow;
    this.#forward = forward;
    this.#anonVmaId = move.anonVmaIdOf(row);
    this.#indexShift = table.anonPageOffset(row) - table.start(row) + (forward ? range.shift : 0);
    this.runs = this.#shortCut(forward, range.end);
    for (;;) {
      try {
        if (walkLeaves(mm, range, this.#leaf, this)) return true;
      } catch (error) {
        this.#caught(error);
        return false;
      }
      if (this.#splitNext < 0 || !this.#splitUnlocked()) return false;
    }
  }

  /** The way to place many small folios at once; null when each step must be seen by locks or injected failures. */
  #shortCut(forward: boolean, end: number): PageRuns | null {
    const move = this.#move;
    const { env } = move.mm;
    const placeable = this.#placeable;
    if (placeable === undefined || env.locks.enabled || env.injector !== null) return null;
    const runs = this.#runs;
    runs.begin(placeable);
    runs.end = end;
    runs.anonVmaId = this.#anonVmaId;
    runs.indexShift = this.#indexShift;
    runs.journal = forward ? this.#journal : null;
    return runs;
  }

  visit(leaf: Leaf): number {
    const { head, order } = leaf;
    let locked = false;
    if (head >= 0 && (order === 0 || !this.#heldLarge.has(head))) {
      if (!this.#lock(leaf)) return this.#stopped(leaf, 'contended');
      locked = true;
    }
    this.lockedHead = head;
    const { splits } = this;
    const answer = this.#ask(this.#move, leaf);
    this.lockedHead = -1;
    if (answer === LEAF_PLACE && head >= 0) {
      this.#place(leaf);
      this.#folios++;
      if (locked) {
        if (this.#hold && this.#forward) this.#keep(head, order);
        else this.#unlock(head);
      }
      return LEAF_NEXT;
    }
    return this.#answered(leaf, answer, locked, splits);
  }

  /** Any answer but the frequent one. */
  #answered(leaf: Leaf, answer: number, locked: boolean, splits: number): number {
    const { head, order } = leaf;
    if (answer === LEAF_SPLIT_UNLOCKED && order > 0 && locked && this.#forward) {
      this.#splitNext = head;
      return LEAF_FAIL;
    }
    const { changed } = this;
    this.changed = false;
    if (changed) this.#folios++;
    if (locked) {
      if (changed && this.#hold && this.#forward) this.#keep(head, order);
      else this.#unlock(head);
    }
    if (answer >= 1 && (answer | 0) === answer) return answer;
    if (answer === LEAF_AGAIN && this.splits !== splits) return LEAF_AGAIN;
    return this.#stopped(leaf, answer === LEAF_FAIL ? 'policy' : 'nonsense');
  }

  /** The hook threw: the walk was left with what it had locked. */
  #caught(error: unknown): void {
    this.thrown = error;
    if (this.runs?.asking === true) this.asked = 'placeable';
    this.#stopped(this.#leaf, 'threw');
    this.dropTableLock();
    if (this.lockedHead >= 0 && !this.#heldLarge.has(this.lockedHead)) this.#unlock(this.lockedHead);
    this.lockedHead = -1;
  }

  tableDone(start: number, end: number, entries: number): void {
    const { mm, call, policy } = this.#move;
    const { bus } = mm.env;
    const placed = this.runs?.placed ?? 0;
    const folios = this.#folios + placed;
    this.#folios = 0;
    if (this.runs !== null) this.runs.placed = 0;
    if (!bus.observed) return;
    const process = mm.id;
    const forward = this.#forward;
    bus.emit({
      type: 'relocation.progress',
      call,
      process,
      policy,
      forward,
      start,
      end,
      entries: entries + placed,
      folios,
    });
  }

  /** Gives the page-table lock back in the middle of a table, as splitting a folio needs. */
  dropTableLock(): void {
    const { locks } = this.#move.mm.env;
    if (this.lockedTable === 0) return;
    if (locks.enabled) locks.release('page-table', this.lockedTable);
    this.lockedTable = 0;
  }

  /** Unlocks the folios that were kept locked. */
  releaseFolios(): void {
    if (this.#held.length === 0) return;
    for (const head of this.#held) this.#unlock(head);
    this.#held.length = 0;
    this.#heldLarge.clear();
  }

  /** Keeps a folio locked until {@link releaseFolios}. */
  #keep(head: number, order: number): void {
    this.#held.push(head);
    if (order > 0) this.#heldLarge.add(head);
  }

  /** Gives the folio of `leaf` the place that the leaf goes to. */
  #place(leaf: Leaf): void {
    const { head } = leaf;
    const memory = this.#memory;
    if (this.#forward) this.#journal.remember(memory, head);
    memory.mapping[head] = this.#anonVmaId;
    memory.index[head] = leaf.page + this.#indexShift;
  }

  /** Takes back what was rewritten, splits the folio with no anon_vma locked, and is ready to begin again. */
  #splitUnlocked(): boolean {
    const { journal, mm, heldRoot } = this.#move;
    const { env } = mm;
    const head = this.#splitNext;
    this.#splitNext = -1;
    journal.restore(env.memory);
    this.releaseFolios();
    journal.clear();
    if (heldRoot !== null && env.locks.enabled) env.locks.release('anon-vma', heldRoot.id);
    env.memory.get(head);
    const split = splitFolio(env, head) === null;
    env.memory.put(head);
    this.#unlock(head);
    if (heldRoot !== null && env.locks.enabled) env.locks.acquire('anon-vma', heldRoot.id, 'write');
    return split;
  }

  #lock(leaf: Leaf): boolean {
    const memory = this.#memory;
    const locks = this.#locks;
    const { head } = leaf;
    if (leaf.kind === LeafKind.HugePage ? this.#blockingHuge : this.#blocking) {
      // Waiting for a folio lock while a spinlock is held: only the lock tracker minds, there is nobody to wait for.
      if (locks.enabled) locks.acquire('folio', head, 'write');
      (memory.flags[head] as number) |= PG_LOCKED;
      return true;
    }
    if (!memory.trylock(head)) return false;
    if (locks.enabled) locks.acquire('folio', head, 'try');
    return true;
  }

  #unlock(head: number): void {
    this.#memory.unlock(head);
    if (this.#locks.enabled) this.#locks.release('folio', head);
  }

  #stopped(leaf: Leaf, why: WalkStop): number {
    this.stop = why;
    this.stoppedAt = leaf.page;
    return LEAF_FAIL;
  }
}
