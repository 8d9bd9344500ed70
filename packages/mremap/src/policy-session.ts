import { ERRNO_NUMBER, type Errno, type MmError, NONE, refuse } from '@vmakit/base';
import type { FolioJournal } from './folio-journal.js';
import type { DestinationPlan, MoveDecision, TakeDecision, UndoReason } from './policy.js';
import type { RemapOperation } from './operation.js';
import { type HookName, PolicyError } from './policy-error.js';
import { PolicyMove } from './policy-move.js';
import type { BoundPolicy, PolicySet } from './policy-set.js';

/** What came of a policy's part after the copy. `broken`: the policy itself failed, not its work. */
export type PartOutcome = 'done' | 'failed' | 'broken';

/** A refusal by a policy, with what it wants to happen to the charge. */
export interface PolicyRefusal {
  readonly error: MmError;
  readonly keepsCharge: boolean;
}

/**
 * The part that one policy has in one move: calls its hooks at their moments, holds the locks that they are promised,
 * and takes back what they did. Nothing a hook does wrong gets past it. Used again for each move.
 */
export class PolicySession {
  readonly move: PolicyMove;
  /** A policy has taken the move. */
  taken = false;
  decision!: TakeDecision;
  /** Set once the policy broke its contract; the call fails and this is thrown when everything is rolled back. */
  broken: PolicyError | null = null;

  readonly #policies: PolicySet;
  #bound!: BoundPolicy;
  readonly #journal: FolioJournal;
  #began = false;

  constructor(policies: PolicySet) {
    this.#policies = policies;
    this.#journal = policies.journal;
    this.move = new PolicyMove(policies.journal);
  }

  /**
   * Asks the policies in their order whether one takes the move of `op` (the moment `decide`). Null: none has anything
   * against it; whether one takes it, {@link taken} says.
   */
  decide(op: RemapOperation): PolicyRefusal | PolicyError | null {
    const { move } = this;
    this.taken = false;
    this.broken = null;
    move.begin(op);
    for (const bound of this.#policies.bound) {
      const { decide } = bound.hooks;
      if (decide === undefined || (bound.flagMask !== 0 && (bound.flagMask & op.flags) === 0)) continue;
      this.#bound = bound;
      move.policy = bound.policy.name;
      let decision: MoveDecision | undefined;
      this.#enter('decide');
      try {
        decision = decide(move);
      } catch (thrown) {
        this.#threw(thrown);
      }
      this.#leave();
      if (this.broken !== null) return this.broken;
      const { name, deviations } = bound.policy;
      if (!isDecision(decision)) return new PolicyError(name, 'decide', `gave no decision: ${String(decision)}`);
      emitEligibility(move, name, decision);
      if (decision.kind === 'take') {
        this.#take(decision);
        return null;
      }
      if (decision.kind === 'refuse') {
        const error = refuse(decision.errno, `policy ${name}: ${decision.reason}`);
        return { error, keepsCharge: deviations.refusalKeepsCharge ?? false };
      }
    }
    return null;
  }

  #take(decision: TakeDecision): void {
    this.taken = true;
    this.decision = decision;
    this.#began = false;
    this.move.staleSourceAfterMerge = this.#bound.policy.deviations.staleSourceAfterMerge ?? false;
  }

  get policy(): string {
    return this.move.policy;
  }

  /** Pages of the destination are given back to the accounts when it is taken back, though nobody charged them. */
  get undoUncharges(): boolean {
    return this.#bound.policy.deviations.undoUncharges ?? false;
  }

  /** What the call ends with when the policy cannot do its part; null: an ordinary move. */
  get failure(): Errno | null {
    if (this.broken !== null) return 'ENOMEM';
    return this.decision.otherwise === 'move-plainly' ? null : this.decision.otherwise;
  }

  /** How the destination VMA is to be made; null when the policy broke. */
  plan(): DestinationPlan | null {
    const { beforeCopy } = this.#bound.hooks;
    if (beforeCopy === undefined) return 'keep';
    let plan: DestinationPlan | undefined;
    this.#enter('beforeCopy');
    try {
      plan = beforeCopy(this.move);
    } catch (thrown) {
      this.#threw(thrown);
    }
    this.#leave();
    if (this.broken !== null) return null;
    if (plan === 'keep' || plan === 'fresh') return plan;
    this.#nonsense('beforeCopy', plan);
    return null;
  }

  /** The destination VMA exists, in row `destination`: locks its anon_vma, then `afterCopy` and the walk. */
  begin(destination: number): PartOutcome {
    const { move } = this;
    const { hooks } = this.#bound;
    move.destinationRow = destination;
    this.#lock(destination);
    this.#began = true;
    if (move.mm.env.bus.observed) this.#emitBegin(destination);
    const walk = move.prepareWalk(this.#bound, this.decision.holdFolios);
    if (hooks.afterCopy !== undefined) {
      const { afterCopy } = hooks;
      let ready: boolean | undefined;
      this.#enter('afterCopy');
      try {
        ready = afterCopy(move);
      } catch (thrown) {
        this.#threw(thrown);
      }
      this.#leave();
      if (ready === false && this.broken === null) return 'failed';
      if (ready !== true) this.#nonsense('afterCopy', ready);
      if (this.broken !== null) return 'broken';
    }
    if (hooks.leaf === undefined) return 'done';
    let complete = false;
    this.#enter('leaf');
    try {
      complete = walk.run(move.range, true);
    } catch (thrown) {
      this.#threw(thrown);
    }
    this.#leave();
    this.#blameWalk();
    if (this.broken !== null) return 'broken';
    return complete ? 'done' : 'failed';
  }

  /** The page tables are moved, the locks are held. False: the policy broke. */
  tablesMoved(): boolean {
    const { afterMove } = this.#bound.hooks;
    if (afterMove !== undefined) {
      this.#enter('afterMove');
      try {
        this.#expectNothing(afterMove(this.move));
      } catch (thrown) {
        this.#threw(thrown);
      }
      this.#leave();
    }
    return this.broken === null;
  }

  /** Takes back what the policy did to folios. The page tables are (again) where they were. */
  takeBack(because: UndoReason): void {
    const { move } = this;
    const { undo } = this.#bound.hooks;
    this.#emitUndo(because);
    if (undo !== undefined && this.broken === null) {
      this.#enter('undo');
      try {
        this.#expectNothing(undo(move, because));
      } catch (thrown) {
        this.#threw(thrown);
      }
      this.#leave();
      this.#blameWalk();
      if (this.broken !== null) this.#journal.restore(move.mm.env.memory);
    } else {
      this.#journal.restore(move.mm.env.memory);
    }
    this.#end('undone');
  }

  /** The page tables are moved for good: gives the locks back. */
  complete(): void {
    this.#end('done');
  }

  /** The last chance to merge. */
  lastMerge(): void {
    const { lastMerge } = this.#bound.hooks;
    if (lastMerge === undefined) return;
    this.#enter('lastMerge');
    try {
      this.#expectNothing(lastMerge(this.move));
    } catch (thrown) {
      this.#threw(thrown);
    }
    this.#leave();
  }

  #lock(destination: number): void {
    const { move } = this;
    const slot = move.table.anonVmaSlot(destination);
    if (slot === NONE) return;
    const { locks, bus, anonVmas } = move.mm.env;
    const root = anonVmas.rootOf(slot);
    move.heldRootSlot = root;
    if (locks.enabled) locks.acquire('anon-vma', anonVmas.idOf(root), 'write');
    if (bus.observed) this.#emitLock(anonVmas.idOf(root), true);
  }

  #end(outcome: 'done' | 'undone'): void {
    if (!this.#began) return;
    this.#began = false;
    const { move } = this;
    const { env, id: process } = move.mm;
    const folios = move.rewritten;
    move.walk?.releaseFolios();
    this.#journal.clear();
    const { locks, bus, anonVmas } = env;
    const root = move.heldRootSlot;
    move.heldRootSlot = NONE;
    if (root !== NONE && locks.enabled) locks.release('anon-vma', anonVmas.idOf(root));
    if (!bus.observed) return;
    if (root !== NONE) this.#emitLock(anonVmas.idOf(root), false);
    bus.emit({ type: 'relocation.end', call: move.call, process, policy: this.policy, outcome, folios });
  }

  #emitLock(id: number, taken: boolean): void {
    const { call, mm } = this.move;
    mm.env.bus.emit({ type: 'mremap.lock', call, process: mm.id, lockClass: 'anon-vma', id, taken });
  }

  #emitBegin(destination: number): void {
    const { call, mm, from, to, oldPages } = this.move;
    const anonVma = this.move.anonVmaIdOf(destination);
    const { policy } = this;
    mm.env.bus.emit({ type: 'relocation.begin', call, process: mm.id, policy, anonVma, from, to, pages: oldPages });
  }

  #emitUndo(reason: UndoReason): void {
    const { call, mm, walk, failedAt } = this.move;
    if (!mm.env.bus.observed) return;
    const because = this.broken === null ? reason : 'broken';
    const at = because === 'tables' ? failedAt : (walk?.stoppedAt ?? failedAt);
    mm.env.bus.emit({ type: 'relocation.undo', call, process: mm.id, policy: this.policy, because, at });
  }

  /** A walk that ended because the hook threw or answered nonsense. */
  #blameWalk(): void {
    const { walk } = this.move;
    if (walk === null || this.broken !== null) return;
    const { thrown } = walk;
    if (walk.stop === 'threw') {
      this.broken = thrown instanceof PolicyError ? thrown : new PolicyError(this.policy, walk.asked, 'threw', thrown);
    } else if (walk.stop === 'nonsense') {
      this.broken = new PolicyError(this.policy, walk.asked, 'gave no valid answer');
    }
  }

  #nonsense(hook: HookName, answer: unknown): void {
    this.broken ??= new PolicyError(this.policy, hook, `gave no valid answer: ${String(answer)}`);
  }

  #expectNothing(answer: unknown): void {
    if (answer !== undefined) this.#nonsense(this.move.moment as HookName, answer);
  }

  /**
   * A hook of the policy begins. Each is called where it is wanted, not by one function for all: the engine inlines
   * only a call that always has the same target.
   */
  #enter(hook: HookName): void {
    const { move } = this;
    move.moment = hook;
    this.#policies.enter(move);
  }

  #threw(thrown: unknown): void {
    const { policy, moment } = this.move;
    this.broken ??=
      thrown instanceof PolicyError ? thrown : new PolicyError(policy, moment as HookName, 'threw', thrown);
  }

  /** It is over. A call into the kernel breaks the policy, be it that it hid the error. */
  #leave(): void {
    const reentered = this.#policies.leave();
    this.move.moment = null;
    if (reentered !== null) this.broken ??= new PolicyError(this.policy, reentered, 'called back into the kernel');
  }
}

function isDecision(value: unknown): value is MoveDecision {
  if (typeof value !== 'object' || value === null) return false;
  const { kind } = value as Record<string, unknown>;
  if (kind === 'pass') return true;
  if (kind === 'take') {
    const { otherwise } = value as Record<string, unknown>;
    return otherwise === 'move-plainly' || isErrno(otherwise);
  }
  return kind === 'refuse' && isErrno((value as Record<string, unknown>)['errno']);
}

function isErrno(value: unknown): value is Errno {
  return typeof value === 'string' && Object.hasOwn(ERRNO_NUMBER, value);
}

function emitEligibility(move: PolicyMove, policy: string, { kind, reason }: MoveDecision): void {
  const { call, mm } = move;
  const { bus } = mm.env;
  if (!bus.observed) return;
  bus.emit({ type: 'mremap.eligibility', call, process: mm.id, policy, decision: kind, reason });
}
