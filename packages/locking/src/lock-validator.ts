import { InvariantError } from '@vmakit/base';
import { LOCK_CLASSES, type LockClass, type LockMode, type LockTracker } from './lock-tracker.js';

/** A lock that is held. */
export interface HeldLock {
  readonly lockClass: LockClass;
  readonly id: number;
  readonly mode: LockMode;
}

/**
 * A lock that is taken or given back as it must not be. `invariant` is the rule of spec 09 that it breaks: C1 the order
 * (and waiting inside a spinlock), C13 two locks of the reverse map, S7 an acquisition for each release.
 */
export class LockError extends InvariantError {
  readonly invariant: 'C1' | 'C13' | 'S7';

  constructor(invariant: LockError['invariant'], message: string, held: readonly HeldLock[]) {
    super(message, { held });
    this.name = 'LockError';
    this.invariant = invariant;
  }
}

const RANK: Readonly<Record<LockClass, number>> = Object.fromEntries(
  LOCK_CLASSES.map((lockClass, rank) => [lockClass, rank]),
) as Record<LockClass, number>;

/**
 * Checks the lock order of spec 04 section 9 and spec 06 section 5: a blocking acquisition of an earlier class while a
 * later one is held, taking a lock that is held, releasing one that is not, each throw a {@link LockError} with the
 * locks held. Two locks of a class may be held together (page tables old then new; VMA locks; two anon_vma roots).
 */
export class LockValidator implements LockTracker {
  readonly enabled = true;
  /** What is held, by rank of the class and by id: a relocation holds a lock of every folio that it moves. */
  readonly #held: readonly Map<number, HeldLock & { readonly since: number }>[] = LOCK_CLASSES.map(() => new Map());
  /** Acquisitions so far. */
  acquisitions = 0;

  acquire(lockClass: LockClass, id: number, mode: LockMode): void {
    const rank = RANK[lockClass];
    const mine = this.#held[rank] as Map<number, HeldLock>;
    if (mine.has(id)) throw new LockError('C13', `lock ${lockClass} ${id} is taken twice`, this.held());
    if (mode !== 'try') {
      for (let later = rank + 1; later < this.#held.length; later++) {
        for (const held of (this.#held[later] as Map<number, HeldLock>).values()) {
          const what = `lock ${lockClass} ${id} is taken inside ${held.lockClass} ${held.id}`;
          throw new LockError('C1', what, this.held());
        }
      }
    }
    this.#held[rank]?.set(id, { lockClass, id, mode, since: this.acquisitions++ });
  }

  release(lockClass: LockClass, id: number): void {
    if (this.#held[RANK[lockClass]]?.delete(id) === true) return;
    throw new LockError('S7', `lock ${lockClass} ${id} is released but not held`, this.held());
  }

  point(): void {
    // The validator is not interested in schedule points.
  }

  /** The locks held now, oldest first. Empty whenever no call is in progress (spec 09 S7). */
  held(): readonly HeldLock[] {
    return this.#held
      .flatMap((locks) => [...locks.values()])
      .sort((a, b) => a.since - b.since)
      .map(({ lockClass, id, mode }) => ({ lockClass, id, mode }));
  }
}
