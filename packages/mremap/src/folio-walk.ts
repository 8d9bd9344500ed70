import { PG_LOCKED } from '@vmakit/folio';
import { splitFolio } from '@vmakit/mm';
import { Leaf, LeafKind } from './leaf.js';
import { type LeafSink, type WalkRange, walkLeaves } from './leaf-walk.js';
import { LEAF_AGAIN, LEAF_FAIL, LEAF_SPLIT_UNLOCKED, type PolicyHooks } from './policy.js';
import type { PolicyMove } from './policy-move.js';
import type { BoundPolicy } from './policy-set.js';

/** Why a walk stopped, besides the policy saying so. */
export type WalkStop = 'policy' | 'contended' | 'threw' | 'nonsense';

/**
 * The walk over the leaves of a moved range for a policy's `leaf` hook: locks each folio, asks, and unlocks or keeps it
 * (spec 06 section 5). One for each move that a policy takes.
 */
export class FolioWalk implements LeafSink {
  lockedTable = 0;
  /** The folio that the current leaf maps, locked; -1 without one. */
  lockedHead = -1;
  /** The hook changed the current folio. */
  changed = false;
  /** Entries and folios split so far. */
  splits = 0;
  stop: WalkStop = 'policy';
  thrown: unknown = undefined;
  /** Where the walk stopped. */
  stoppedAt = 0;

  readonly #move: PolicyMove;
  readonly #policy: string;
  readonly #hooks: PolicyHooks;
  readonly #blocking: boolean;
  readonly #blockingHuge: boolean;
  readonly #hold: boolean;
  readonly #leaf = new Leaf();
  /** Large folios that stay locked: each is met once for every entry that maps it. */
  readonly #heldLarge = new Set<number>();
  #heldFrom = 0;
  /** A folio, locked, that has to be split without the anon_vma lock; -1: none. */
  #splitNext = -1;
  #forward = true;
  #folios = 0;

  constructor(move: PolicyMove, { hooks, policy }: BoundPolicy, hold: boolean) {
    const { deviations } = policy;
    this.#move = move;
    this.#policy = policy.name;
    this.#hooks = hooks;
    this.#blocking = deviations.blockingFolioLocks ?? false;
    this.#blockingHuge = deviations.blockingHugeFolioLocks ?? false;
    this.#hold = hold;
    this.#heldFrom = move.journal.length;
  }

  /** Visits all leaves of `range`. `forward`: not while taking back. False when the walk stopped. */
  run(range: WalkRange, forward: boolean): boolean {
    this.#forward = forward;
    for (;;) {
      if (walkLeaves(this.#move.mm, range, this.#leaf, this)) return true;
      if (this.#splitNext < 0 || !this.#splitUnlocked()) return false;
    }
  }

  visit(leaf: Leaf): number {
    const { head } = leaf;
    let release = false;
    if (head >= 0) {
      if (this.#heldLarge.size === 0 || !this.#heldLarge.has(head)) {
        if (!this.#lock(leaf)) return this.#stopped(leaf, 'contended');
        release = true;
      }
      this.lockedHead = head;
    }
    this.changed = false;
    const { splits } = this;
    let answer: number;
    try {
      answer = (this.#hooks.leaf as NonNullable<PolicyHooks['leaf']>)(this.#move, leaf);
    } catch (error) {
      this.thrown = error;
      answer = this.#stopped(leaf, 'threw');
    }
    this.lockedHead = -1;
    if (answer === LEAF_SPLIT_UNLOCKED && leaf.order > 0 && release && this.#forward) {
      this.#splitNext = head;
      return LEAF_FAIL;
    }
    if (this.changed) this.#folios++;
    if (release) {
      if (this.#hold && this.changed && this.#forward) {
        if (leaf.order > 0) this.#heldLarge.add(head);
      } else {
        this.#unlock(head);
      }
    }
    if (answer >= 1 && (answer | 0) === answer) return answer;
    if (answer === LEAF_AGAIN && this.splits !== splits) return LEAF_AGAIN;
    if (answer !== LEAF_FAIL) return this.#stopped(leaf, 'nonsense');
    this.stoppedAt = leaf.page;
    return LEAF_FAIL;
  }

  tableDone(start: number, end: number, entries: number): void {
    const { mm, call } = this.#move;
    const { bus } = mm.env;
    const folios = this.#folios;
    this.#folios = 0;
    if (!bus.observed) return;
    const process = mm.id;
    const forward = this.#forward;
    const policy = this.#policy;
    bus.emit({ type: 'relocation.progress', call, process, policy, forward, start, end, entries, folios });
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
    const { journal, mm } = this.#move;
    const { memory } = mm.env;
    if (!this.#hold) return;
    for (let at = this.#heldFrom; at < journal.length; at++) {
      const head = journal.headAt(at);
      if (((memory.flags[head] as number) & PG_LOCKED) !== 0) this.#unlock(head);
    }
    this.#heldFrom = journal.length;
    this.#heldLarge.clear();
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
    this.#heldFrom = 0;
    if (heldRoot !== null && env.locks.enabled) env.locks.release('anon-vma', heldRoot.id);
    env.memory.get(head);
    const split = splitFolio(env, head) === null;
    env.memory.put(head);
    this.#unlock(head);
    if (heldRoot !== null && env.locks.enabled) env.locks.acquire('anon-vma', heldRoot.id, 'write');
    return split;
  }

  #lock(leaf: Leaf): boolean {
    const { memory, locks } = this.#move.mm.env;
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
    const { memory, locks } = this.#move.mm.env;
    memory.unlock(head);
    if (locks.enabled) locks.release('folio', head);
  }

  #stopped(leaf: Leaf, why: WalkStop): number {
    this.stop = why;
    this.stoppedAt = leaf.page;
    return LEAF_FAIL;
  }
}
