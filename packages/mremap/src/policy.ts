import type { Errno, FaultInjector, KernelProfile } from '@vmakit/base';
import type { KernelBus } from '@vmakit/events';
import type { PhysicalMemory } from '@vmakit/folio';
import type { LockTracker } from '@vmakit/locking';
import type { AnonVmaRegistry } from '@vmakit/rmap';
import type { Contribution, ExtensionPoint } from './extension-point.js';
import type { Leaf } from './leaf.js';
import type { Move } from './move.js';
import type { PolicyCounters } from './policy-counters.js';

/** A flag of mremap(2) that a policy gives a meaning. No two policies of a kernel may claim the same bit or name. */
export interface PolicyFlag {
  /** Without `MREMAP_`. */
  readonly name: string;
  /** One bit, from 8 on. */
  readonly bit: number;
  /** The flag without MAYMOVE is EINVAL. */
  readonly needsMayMove: boolean;
}

/**
 * What a policy says when it is asked whether it takes a move. Made by {@link pass}, {@link take} and
 * {@link refuseMove}.
 */
export type MoveDecision = PassDecision | TakeDecision | RefuseDecision;

/** Not this one: the next policy is asked; after the last the move is an ordinary one. */
export interface PassDecision {
  readonly kind: 'pass';
  readonly reason: string;
}

/** The move is this policy's. */
export interface TakeDecision {
  readonly kind: 'take';
  readonly reason: string;
  /** What happens when the policy fails later: an ordinary move, or the whole call fails with that error. */
  readonly otherwise: 'move-plainly' | Errno;
  /**
   * Folios that are rewritten stay locked until the page tables are moved, so that nobody can come between. Otherwise
   * each is unlocked after its leaf.
   */
  readonly holdFolios: boolean;
}

/** The call fails: nothing is copied, the charge is given back. */
export interface RefuseDecision {
  readonly kind: 'refuse';
  readonly reason: string;
  readonly errno: Errno;
}

/** The policy does not take the move. */
export function pass(reason: string): PassDecision {
  return { kind: 'pass', reason };
}

/** The policy takes the move. */
export function take(
  reason: string,
  options: { readonly otherwise?: TakeDecision['otherwise']; readonly holdFolios?: boolean } = {},
): TakeDecision {
  return {
    kind: 'take',
    reason,
    otherwise: options.otherwise ?? 'move-plainly',
    holdFolios: options.holdFolios ?? true,
  };
}

/** The call must fail. */
export function refuseMove(errno: Errno, reason: string): RefuseDecision {
  return { kind: 'refuse', errno, reason };
}

/**
 * How the destination VMA is made when it does not merge with a neighbour as it is. `keep`: like every moved VMA, with
 * the offset and the anon_vmas of the source. `fresh`: as if memory had first been touched there, with the offset of
 * its address and an anon_vma found as a first fault finds one.
 */
export type DestinationPlan = 'keep' | 'fresh';

/** Why a policy's work is taken back: `afterCopy` or `leaf` failed, or the page tables could not be moved. */
export type UndoReason = 'walk' | 'tables';

/** {@link PolicyHooks.leaf}: the walk cannot go on; everything is taken back. */
export const LEAF_FAIL = 0;
/** {@link PolicyHooks.leaf}: done with this entry. */
export const LEAF_NEXT = 1;
/** {@link PolicyHooks.leaf}: something was split; look at the same place again. */
export const LEAF_AGAIN: number = -1;
/**
 * {@link PolicyHooks.leaf}: the folio of this leaf must be split, and that would wait for the anon_vma root that the
 * call holds. What was rewritten is restored, the root is unlocked, the folio split, and the walk begins again.
 */
export const LEAF_SPLIT_UNLOCKED: number = -2;
/**
 * {@link PolicyHooks.leaf}: the folio of this leaf, whose first page the leaf maps, belongs where the leaf goes: it
 * gets the anon_vma and the offset of that place (of the source, when taking back). {@link Move.rewriteFolio} and
 * {@link LEAF_NEXT} in one, and the fast way: nothing is computed or allocated for it.
 */
export const LEAF_PLACE: number = -3;

/**
 * The moments of a move at which a policy may act, in the order in which they come. All hooks are optional; they run to
 * the end without yielding, and must not call into the kernel (an mremap, mmap, fault... made from a hook is refused).
 *
 * | moment | locks held | may fail? | what is rolled back for it |
 * |---|---|---|---|
 * | `decide` | mmap write, source VMA write | refuse | charge given back |
 * | `beforeCopy` | as `decide` | no | |
 * | `afterCopy` | + destination VMA write, root of the destination's anon_vma write | yes | destination unmapped |
 * | `leaf` | + the page table, the leaf's folio | yes | folios restored, destination unmapped |
 * | `afterMove` | as `afterCopy` | no | |
 * | `undo` | as `afterCopy` | no | |
 * | `lastMerge` | mmap write, both VMAs write; no anon_vma | no | |
 *
 * A hook that throws, returns something that is no answer, or calls into the kernel counts as a lack of memory at that
 * moment: the call leaves what it leaves then, and its caller gets a {@link PolicyError} naming policy and hook.
 */
export interface PolicyHooks {
  /**
   * Whether the policy takes the move. Asked in the order of the policies until one takes it; a policy with flags is
   * asked only when one of its flags is given. Nothing has been copied; the new address is known and its range free.
   * The decision must be pure. {@link Move.scan} looks at what is mapped.
   *
   * @example
   * decide: (move) => (move.oldPages <= 16 ? take('small') : pass('large')),
   */
  decide?(move: Move): MoveDecision;

  /**
   * The destination did not merge with a neighbour as it is (when it does, the policy's part ends before it begins).
   * How shall the new VMA be made? Without the hook: `keep`.
   *
   * @example
   * beforeCopy: () => 'fresh',
   */
  beforeCopy?(move: Move): DestinationPlan;

  /**
   * The destination VMA is in the tree, with its anon_vma. False: the policy's part fails.
   *
   * @example
   * afterCopy: (move) => move.destination?.anonVma !== null,
   */
  afterCopy?(move: Move): boolean;

  /**
   * One entry of the source's page tables that is not empty, in ascending order, before anything is moved. `leaf` is
   * one object that is used again for each: it is valid during the call. A leaf with a folio comes with the folio
   * locked. {@link Move.rewriteFolio} changes a folio, {@link Move.splitFolio} and {@link Move.splitHugeEntry} cut.
   *
   * @returns {@link LEAF_PLACE}, how many entries are dealt with otherwise (usually {@link LEAF_NEXT}),
   * {@link LEAF_AGAIN}, {@link LEAF_SPLIT_UNLOCKED} or {@link LEAF_FAIL}.
   *
   * @example
   * leaf: (move, leaf) => (leaf.kind === LeafKind.Page && leaf.order === 0 ? LEAF_PLACE : LEAF_FAIL),
   */
  leaf?(move: Move, leaf: Leaf): number;

  /**
   * Makes `leaf` fast, and nothing else: for how many of the `count` folios of one page from frame `first` on, which
   * are mapped in that order, would `leaf` answer {@link LEAF_PLACE}, counted from the front? Their flags, mapcounts
   * and reference counts are equal: who goes by these looks at the first alone. Those counted are placed; the first
   * that is not goes to `leaf`. May be asked instead of `leaf`, or not at all; it must judge as `leaf` does and change
   * nothing but counters.
   *
   * @example
   * placeable: (_move, first, count) => (memory.mapcount[first] === 1 ? count : 0),
   */
  placeable?(move: Move, first: number, count: number): number;

  /**
   * All page tables are moved, the locks are still held: the last moment to look at the whole.
   *
   * @example
   * afterMove: (move) => log(`moved ${move.oldPages} pages`),
   */
  afterMove?(move: Move): void;

  /**
   * What was begun in `afterCopy` is taken back; the page tables are where they were. Without this hook, and when the
   * policy broke, every folio that was rewritten gets its old values back. With it that is the policy's own business,
   * for better or worse.
   *
   * @example
   * undo: (move, because) => {
   *   log(`taken back: ${because}`);
   *   move.restoreFolios();
   * },
   */
  undo?(move: Move, because: UndoReason): void;

  /**
   * The move is done, the locks on anon_vmas are released: a last chance to merge the destination, with
   * {@link Move.mergeDestination}. Not called when the destination merged at once.
   *
   * @example
   * lastMerge: (move) => { move.mergeDestination({ withSource: !move.keepsSource }); },
   */
  lastMerge?(move: Move): void;
}

/**
 * Departures from the guarantees above, for reproducing kernels that did not give them. A policy of one's own sets
 * none. Each is explained where it is used.
 */
export interface MoveDeviations {
  /** A refusal in `decide` keeps the charge (spec 06 section 6, A2). */
  readonly refusalKeepsCharge?: boolean;
  /** Unmapping a destination that is taken back returns pages that nobody charged (A3). */
  readonly undoUncharges?: boolean;
  /** A walk counts an anon_vma lock that it only believes to hold as taken: unbalanced unlock (R7). */
  readonly unbalancedRmapLocks?: boolean;
  /** Folio locks are waited for inside page-table locks: for single pages and tables (R6)... */
  readonly blockingFolioLocks?: boolean;
  /** ... and for huge entries (spec 07 section 4, B5). */
  readonly blockingHugeFolioLocks?: boolean;
  /** When the last merge removes the source VMA the move goes on with the removed one (A5). */
  readonly staleSourceAfterMerge?: boolean;
}

/** What a policy gets when a kernel is made with it. */
export interface PolicyContext {
  readonly profile: KernelProfile;
  readonly memory: PhysicalMemory;
  readonly anonVmas: AnonVmaRegistry;
  readonly locks: LockTracker;
  readonly injector: FaultInjector | null;
  readonly bus: KernelBus;
  /** Pages of a huge (PMD) entry. */
  readonly hugePages: number;
  /** `vm.max_map_count`, as it is now. */
  readonly maxMapCount: number;
  readonly counters: PolicyCounters;
  /** What the policies of this kernel contribute to an extension point, in their order. */
  extensions<T>(point: ExtensionPoint<T>): readonly T[];
}

/** A policy: one constant value, made by {@link definePolicy}. It may be used in any number of kernels. */
export interface MremapPolicy {
  readonly name: string;
  readonly flags: readonly PolicyFlag[];
  readonly contributions: readonly Contribution<unknown>[];
  readonly deviations: MoveDeviations;
  readonly setup: ((context: PolicyContext) => PolicyHooks) | null;
}

/** The parts of a policy; all but the name may be left out. */
export interface PolicyDefinition {
  readonly name: string;
  readonly flags?: readonly PolicyFlag[];
  /** What it adds to extension points of other policies. */
  readonly contributions?: readonly Contribution<unknown>[];
  readonly deviations?: MoveDeviations;
  /** Called once for each kernel that is made with the policy; state of a kernel lives in its closure. */
  readonly setup?: (context: PolicyContext) => PolicyHooks;
}

/**
 * Makes a policy.
 *
 * @example
 * const moveOnlySmall = definePolicy({
 *   name: 'only-small',
 *   setup: () => ({ decide: (move) => (move.oldPages > 1024 ? refuseMove('ENOMEM', 'too large') : pass('small')) }),
 * });
 *
 * @throws {TypeError} naming the part that is wrong
 */
export function definePolicy(definition: PolicyDefinition): MremapPolicy {
  const { name, flags = [], contributions = [], deviations = {}, setup = null } = definition;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new TypeError(`name: a policy is named in lower-case letters, digits and dashes, not ${String(name)}`);
  }
  for (const flag of flags) {
    const single =
      Number.isInteger(flag.bit) && flag.bit >= 8 && flag.bit < 2 ** 31 && (flag.bit & (flag.bit - 1)) === 0;
    if (!single) throw new TypeError(`flags: ${flag.name} of policy ${name} is not one bit from 8 on: ${flag.bit}`);
  }
  if (setup !== null && typeof setup !== 'function') throw new TypeError(`setup: expected a function (policy ${name})`);
  return Object.freeze({ name, flags, contributions, deviations, setup });
}
