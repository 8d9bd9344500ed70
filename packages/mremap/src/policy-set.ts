import type { FaultInjector, KernelProfile } from '@vmakit/base';
import type { KernelBus } from '@vmakit/events';
import type { PhysicalMemory } from '@vmakit/folio';
import type { LockTracker } from '@vmakit/locking';
import type { AnonVmaRegistry } from '@vmakit/rmap';
import type { Contribution, ExtensionPoint } from './extension-point.js';
import { FolioJournal } from './folio-journal.js';
import { STOCK_FLAGS, STOCK_FLAG_MASK } from './flags.js';
import { RemapOperation } from './operation.js';
import type { ParameterLimits } from './parameters.js';
import type { MremapPolicy, PolicyContext, PolicyHooks } from './policy.js';
import { PolicyCounters } from './policy-counters.js';
import { type HookName, PolicyConflictError, PolicyError } from './policy-error.js';
import { TableCounters } from './table-counters.js';

/** The parts of a kernel that policies are given. */
export interface PolicyEnvironment {
  readonly profile: KernelProfile;
  readonly memory: PhysicalMemory;
  readonly anonVmas: AnonVmaRegistry;
  readonly locks: LockTracker;
  readonly injector: FaultInjector | null;
  readonly bus: KernelBus;
  readonly arch: { readonly family: string; readonly pageShift: number; readonly pmdPages: number };
  readonly settings: { readonly maxMapCount: number };
  /** Is set to the policies, so that calls made by a hook are refused. */
  callGuard: { readonly isRunning: boolean; refuseReentry(call: string): void } | null;
}

/** Bits of an address that arm64 ignores. */
const ARM64_TAG = 0xff00000000000000n;

/** One policy in one kernel. */
export interface BoundPolicy {
  readonly policy: MremapPolicy;
  readonly hooks: PolicyHooks;
  /** The bits of all its flags; 0: asked at every move. */
  readonly flagMask: number;
}

/** A move as what guards the kernel's entry points sees it: whom it asks, and in which hook. */
interface HookedMove {
  readonly policy: string;
  readonly moment: HookName | null;
}

/**
 * The policies of one kernel, in their order, set up and checked against each other. Without policies it is the stock
 * kernel.
 */
export class PolicySet {
  readonly bound: readonly BoundPolicy[];
  readonly counters: PolicyCounters = new PolicyCounters();
  /** What the moves of this kernel moved. */
  readonly moved: TableCounters = new TableCounters();
  /** All flags that mremap(2) of this kernel knows, by name. */
  readonly flagNames: Readonly<Record<string, number>>;
  /** What the parameters of a call are checked against. */
  readonly limits: ParameterLimits;
  /** Some policy wants locks to be released that were not taken (spec 06 section 6, R7). */
  readonly unbalancedRmapLocks: boolean;
  /** What the move in progress rewrote. */
  readonly journal: FolioJournal = new FolioJournal();
  readonly #operation: RemapOperation = new RemapOperation(this);
  /** Counts the calls, for their events. */
  calls = 0;
  /** The move that a hook is running for. */
  #move: HookedMove | null = null;
  /** The hook that called into the kernel. */
  #reentered: HookName | null = null;

  /**
   * @throws {PolicyConflictError} naming two policies that claim the same flag, name or extension point
   * @throws {PolicyError} when a policy's setup breaks
   */
  constructor(policies: readonly MremapPolicy[], environment: PolicyEnvironment) {
    checkNames(policies);
    this.flagNames = collectFlags(policies);
    const contributions = collectContributions(policies);
    let known = STOCK_FLAG_MASK;
    let needMayMove = 0;
    for (const { flags } of policies) {
      for (const flag of flags) {
        known |= flag.bit;
        if (flag.needsMayMove) needMayMove |= flag.bit;
      }
    }
    this.unbalancedRmapLocks = policies.some(({ deviations }) => deviations.unbalancedRmapLocks === true);
    const { family, pageShift } = environment.arch;
    const tagMask = family === 'arm64' ? ARM64_TAG : 0n;
    this.limits = {
      pageShift,
      pagesPerByte: 2 ** -pageShift,
      tagMask,
      knownFlags: known,
      flagsThatNeedMayMove: needMayMove,
    };
    if (policies.length > 0) environment.callGuard = this;
    const context = new BoundContext(environment, this.counters, contributions);
    this.bound = policies.map((policy) => ({
      policy,
      hooks: setUp(policy, context),
      flagMask: policy.flags.reduce((mask, flag) => mask | flag.bit, 0),
    }));
  }

  /** Whether a hook is running now: a call into the kernel must be refused. */
  get isRunning(): boolean {
    return this.#move !== null;
  }

  /**
   * Entry points of the kernel call this: throws when a policy's hook is what calls.
   *
   * @throws {PolicyError} naming the policy and the hook
   */
  refuseReentry(call: string): void {
    const move = this.#move;
    if (move === null || move.moment === null) return;
    this.#reentered = move.moment;
    throw new PolicyError(move.policy, move.moment, `called back into the kernel (${call})`);
  }

  /** What a new call is done with: the kernel's one, unless an observer of a call in progress makes the new one. */
  nextOperation(): RemapOperation {
    return this.#operation.inProgress ? new RemapOperation(this) : this.#operation;
  }

  /** Engine only: a hook begins, the moment of `move`. */
  enter(move: HookedMove): void {
    this.#move = move;
    this.#reentered = null;
  }

  /** Engine only: the hook is over. Gives which hook called into the kernel, be it that it hid the error. */
  leave(): HookName | null {
    this.#move = null;
    return this.#reentered;
  }
}

function setUp(policy: MremapPolicy, context: PolicyContext): PolicyHooks {
  if (policy.setup === null) return {};
  let hooks: PolicyHooks;
  try {
    hooks = policy.setup(context);
  } catch (error) {
    throw new PolicyError(policy.name, 'setup', 'threw', error);
  }
  if (typeof hooks !== 'object' || hooks === null) throw new PolicyError(policy.name, 'setup', 'gave no hooks');
  for (const [name, hook] of Object.entries(hooks)) {
    if (hook !== undefined && typeof hook !== 'function') {
      throw new PolicyError(policy.name, 'setup', `hook ${name} is no function`);
    }
  }
  return hooks;
}

function checkNames(policies: readonly MremapPolicy[]): void {
  const seen = new Set<string>();
  for (const { name } of policies) {
    if (seen.has(name)) throw new PolicyConflictError(name, name, `the name ${name}`);
    seen.add(name);
  }
}

function collectFlags(policies: readonly MremapPolicy[]): Readonly<Record<string, number>> {
  const names: Record<string, number> = { ...STOCK_FLAGS };
  const ownerOfName = new Map<string, string>(Object.keys(STOCK_FLAGS).map((name) => [name, 'stock']));
  const ownerOfBit = new Map<number, string>();
  for (const policy of policies) {
    for (const { name, bit } of policy.flags) {
      const claimed = ownerOfName.get(name) ?? ownerOfBit.get(bit);
      if (claimed !== undefined) throw new PolicyConflictError(claimed, policy.name, `mremap flag ${name} (${bit})`);
      ownerOfName.set(name, policy.name);
      ownerOfBit.set(bit, policy.name);
      names[name] = bit;
    }
  }
  return names;
}

interface OwnedContribution {
  readonly owner: string;
  readonly contribution: Contribution<unknown>;
}

function collectContributions(policies: readonly MremapPolicy[]): ReadonlyMap<string, readonly OwnedContribution[]> {
  const byPoint = new Map<string, OwnedContribution[]>();
  for (const policy of policies) {
    for (const contribution of policy.contributions) {
      const { name, limit } = contribution.point;
      const list = byPoint.get(name) ?? [];
      const first = list[0];
      if (first !== undefined && list.length >= limit) {
        throw new PolicyConflictError(first.owner, policy.name, `extension point ${name}`);
      }
      list.push({ owner: policy.name, contribution });
      byPoint.set(name, list);
    }
  }
  return byPoint;
}

class BoundContext implements PolicyContext {
  readonly counters: PolicyCounters;
  readonly #environment: PolicyEnvironment;
  readonly #contributions: ReadonlyMap<string, readonly OwnedContribution[]>;

  constructor(
    environment: PolicyEnvironment,
    counters: PolicyCounters,
    contributions: ReadonlyMap<string, readonly OwnedContribution[]>,
  ) {
    this.#environment = environment;
    this.counters = counters;
    this.#contributions = contributions;
  }

  get profile(): KernelProfile {
    return this.#environment.profile;
  }

  get memory(): PhysicalMemory {
    return this.#environment.memory;
  }

  get anonVmas(): AnonVmaRegistry {
    return this.#environment.anonVmas;
  }

  get locks(): LockTracker {
    return this.#environment.locks;
  }

  /** The injector may be exchanged between calls, so it is looked up each time. */
  get injector(): FaultInjector | null {
    return this.#environment.injector;
  }

  get bus(): KernelBus {
    return this.#environment.bus;
  }

  get hugePages(): number {
    return this.#environment.arch.pmdPages;
  }

  get maxMapCount(): number {
    return this.#environment.settings.maxMapCount;
  }

  extensions<T>(point: ExtensionPoint<T>): readonly T[] {
    const list = this.#contributions.get(point.name) ?? [];
    return list.map(({ contribution }) => contribution.value as T);
  }
}
