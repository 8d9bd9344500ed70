import type { InjectionPoint } from '@vmakit/base';
import { CountingInjector, FailNth, describeViolation } from '@vmakit/check';
import {
  type HookName,
  LEAF_NEXT,
  type Move,
  type MremapPolicy,
  type PolicyContext,
  PolicyError,
  type PolicyHooks,
  definePolicy,
} from '@vmakit/mremap';
import { explainEventOrder } from './event-order.js';
import { leftovers } from './leftovers.js';
import { SITUATIONS, type Situation } from './situations.js';
import { type Trial, firstDifference, outcome, play } from './trial.js';

/** The parts of the conformance suite. */
export const POLICY_CHECKS = [
  'composes',
  'event-order',
  'invariants',
  'leftovers',
  'determinism',
  'differential',
  'pure-decision',
  'rollback',
  'broken-hook',
] as const;

export type PolicyCheck = (typeof POLICY_CHECKS)[number];

/** One thing that a policy does and must not, and where it was seen. */
export interface PolicyFinding {
  readonly check: PolicyCheck;
  readonly situation: string;
  /** The flags given, and what was made to fail: everything that it takes to see it again. */
  readonly circumstances: string;
  readonly what: string;
}

/** What the suite found. */
export interface PolicyReport {
  readonly policy: string;
  /** Calls of mremap made. */
  readonly calls: number;
  readonly findings: readonly PolicyFinding[];
}

/** What may be chosen. */
export interface CheckPolicyOptions {
  /** Policies that it needs beside it, before it in the order. */
  readonly with?: readonly MremapPolicy[];
  /** Situations instead of, or with, {@link SITUATIONS}. */
  readonly situations?: readonly Situation[];
  readonly checks?: readonly PolicyCheck[];
  /** Most occurrences of one point that are made to fail in one situation, spread evenly. Default 8. */
  readonly maxOccurrences?: number;
}

/**
 * Runs the conformance suite: the policy is played through the situations with none and with each of its flags, and
 * must keep what the interface promises on its behalf.
 *
 * - event-order: begin and end events pair, also in calls that fail
 * - invariants: those of spec 09 hold, the call did what a successful mremap owes, all locks are given back
 * - leftovers: when the processes are gone, so is every object and charge
 * - determinism: the same call has the same events and the same end, and that end when nobody watches events or locks,
 *   so that `placeable` is asked for many pages instead of `leaf` for each
 * - differential: a program sees what it sees without the policy, unless the policy refuses the call
 * - pure-decision: deciding changes nothing
 * - rollback: with every failure point made to fail once, at every occurrence, the call succeeds as usual or fails and
 *   leaves what failed calls leave
 * - broken-hook: with each hook made to throw, the call fails, names it, and leaves what failed calls leave
 *
 * @example
 * const report = checkPolicy(myPolicy());
 * expect(report.findings).toEqual([]);
 */
export function checkPolicy(policy: MremapPolicy, options: CheckPolicyOptions = {}): PolicyReport {
  const suite = new Suite(policy, options);
  suite.run();
  return { policy: policy.name, calls: suite.calls, findings: suite.findings };
}

/** One line for each finding. */
export function describeFindings({ policy, calls, findings }: PolicyReport): string {
  if (findings.length === 0) return `policy ${policy}: ${calls} calls, nothing found`;
  const lines = findings.map(({ check, situation, circumstances, what }) => {
    return `  ${check}: ${situation} (${circumstances}): ${what}`;
  });
  return [`policy ${policy}: ${calls} calls, ${findings.length} findings`, ...lines].join('\n');
}

/**
 * Points whose failure the kernel itself does not take back: the source stays mapped after a move (spec 05 section 7).
 */
const AFTER_THE_MOVE: ReadonlySet<InjectionPoint> = new Set([
  'unmap-tree-store',
  'vma-alloc',
  'anon-vma-chain-alloc',
  'vma-tree-node',
]);

const ALLOWED_ERRORS: ReadonlySet<string> = new Set(['ENOMEM', 'EFAULT', 'EAGAIN', 'EINTR']);

class Suite {
  calls = 0;
  readonly findings: PolicyFinding[] = [];
  readonly #policy: MremapPolicy;
  readonly #with: readonly MremapPolicy[];
  readonly #situations: readonly Situation[];
  readonly #checks: ReadonlySet<PolicyCheck>;
  readonly #maxOccurrences: number;

  constructor(policy: MremapPolicy, options: CheckPolicyOptions) {
    this.#policy = policy;
    this.#with = options.with ?? [];
    this.#situations = options.situations ?? SITUATIONS;
    this.#checks = new Set(options.checks ?? POLICY_CHECKS);
    this.#maxOccurrences = options.maxOccurrences ?? 8;
  }

  run(): void {
    if (!this.#composes()) return;
    const flagSets = [[], ...this.#policy.flags.map(({ name }) => [name])];
    for (const situation of this.#situations) {
      for (const flags of flagSets) {
        const trial = this.#play(situation, flags);
        this.#checkOne(situation, flags, trial);
        if (this.#checks.has('rollback')) this.#checkRollback(situation, flags);
        if (this.#checks.has('broken-hook')) this.#checkBrokenHooks(situation, flags);
      }
    }
  }

  #play(situation: Situation, flags: readonly string[], change: Partial<Parameters<typeof play>[1]> = {}): Trial {
    this.calls++;
    return play(situation, { policies: [...this.#with, this.#policy], flags, ...change });
  }

  #find(check: PolicyCheck, situation: Situation, circumstances: string, what: string | null | undefined): void {
    if (what === null || what === undefined || !this.#checks.has(check)) return;
    this.findings.push({ check, situation: situation.name, circumstances, what });
  }

  /** It goes with itself into one kernel, and not twice. */
  #composes(): boolean {
    const situation = this.#situations[0];
    if (situation === undefined) return false;
    try {
      this.#play(situation, []);
    } catch (error) {
      this.#find('composes', situation, 'one kernel', String(error));
      return false;
    }
    return true;
  }

  #checkOne(situation: Situation, flags: readonly string[], trial: Trial): void {
    const circumstances = flagText(flags);
    if (trial.thrown !== null)
      this.#find('invariants', situation, circumstances, `the call threw ${String(trial.thrown)}`);
    this.#find('event-order', situation, circumstances, explainEventOrder(trial.events));
    this.#find('invariants', situation, circumstances, firstViolation(trial));
    const again = this.#play(situation, flags);
    const same = JSON.stringify(again.events) === JSON.stringify(trial.events);
    this.#find('determinism', situation, circumstances, same ? null : 'the second time, other events');
    this.#find('determinism', situation, circumstances, firstDifference(trial.after, again.after));
    // Nobody watches: no events, and `placeable` instead of `leaf` for many pages.
    const silent = this.#play(situation, flags, { observed: false, checksLocks: false });
    const unwatched = `${circumstances}, nobody watches`;
    this.#find('determinism', situation, unwatched, firstDifference(trial.after, silent.after));
    const samePlaces = placesOf(situation, trial) === placesOf(situation, silent);
    this.#find('determinism', situation, unwatched, samePlaces ? null : 'folios have other places');
    this.#find('invariants', situation, unwatched, firstViolation(silent));
    this.#checkDifferential(situation, flags, trial);
    this.#checkDecision(situation, flags);
    this.#find('leftovers', situation, circumstances, leftovers(trial.scene));
  }

  /** Against the stock kernel, which is not asked for the policy's flags. */
  #checkDifferential(situation: Situation, flags: readonly string[], trial: Trial): void {
    const circumstances = flagText(flags);
    const stock = play(situation, { policies: [], flags: [] });
    // A policy that acts in what prepares the situation makes another situation of it.
    if (firstDifference(stock.before, trial.before) !== null) return;
    const [expected, actual] = [outcome(stock.result), outcome(trial.result)];
    if (expected !== actual) {
      const refused = expected === 'ok' && trial.result !== null && isRefusedByPolicy(trial);
      if (!refused) this.#find('differential', situation, circumstances, `without it ${expected}, with it ${actual}`);
      else this.#find('differential', situation, circumstances, lostMemory(situation, trial));
      return;
    }
    this.#find('differential', situation, circumstances, firstDifference(stock.after, trial.after));
    if (stock.after.totals !== trial.after.totals) {
      this.#find('differential', situation, circumstances, `totals: ${stock.after.totals}, and ${trial.after.totals}`);
    }
  }

  #checkDecision(situation: Situation, flags: readonly string[]): void {
    let changed: string | null = null;
    const watched = wrapped(this.#policy, 'decide', (hook, { memory }) => (move) => {
      const before = stateOf(move, memory);
      const decision = hook(move);
      const after = stateOf(move, memory);
      if (before !== after) changed = `decide changed ${before} into ${after}`;
      return decision;
    });
    if (watched === null) return;
    this.#play(situation, flags, { policies: [...this.#with, watched] });
    this.#find('pure-decision', situation, flagText(flags), changed);
  }

  /** Every point that the call reaches fails once, at every occurrence. */
  #checkRollback(situation: Situation, flags: readonly string[]): void {
    const counting = new CountingInjector();
    const normal = this.#play(situation, flags, { injector: counting });
    for (const [point, count] of counting.counts) {
      for (const n of spread(count, this.#maxOccurrences)) {
        const trial = this.#play(situation, flags, { injector: new FailNth(point, n) });
        this.#checkFailed(situation, `${flagText(flags)}, ${point} ${n} of ${count}`, point, normal, trial);
      }
    }
  }

  #checkFailed(situation: Situation, circumstances: string, point: InjectionPoint, normal: Trial, trial: Trial): void {
    const report = (what: string | null): void => this.#find('rollback', situation, circumstances, what);
    if (trial.thrown !== null) return report(`the call threw ${String(trial.thrown)}`);
    report(explainEventOrder(trial.events));
    const end = outcome(trial.result);
    if (end === 'ok') {
      // The source stays mapped as well when it cannot be unmapped: plain Linux, with its charge (spec 08 E16).
      if (AFTER_THE_MOVE.has(point) && trial.events.some(isUnmapFailure)) return;
      report(firstDifference(normal.after, trial.after));
    } else if (end !== outcome(normal.result)) {
      if (!ALLOWED_ERRORS.has(end)) report(`fails with ${end}`);
      report(lostMemory(situation, trial));
    }
    report(firstViolation(trial));
    report(leftovers(trial.scene));
  }

  /** Each hook of the policy throws the first time. */
  #checkBrokenHooks(situation: Situation, flags: readonly string[]): void {
    for (const name of HOOKS) {
      let armed = false;
      const broken = wrapped(this.#policy, name, (hook) => {
        const breaking = (...given: unknown[]): unknown => {
          if (armed) throw new Error('made to throw by the test kit');
          return (hook as (...all: unknown[]) => unknown)(...given);
        };
        return breaking as typeof hook;
      });
      if (broken === null) continue;
      const beforeCall = (): void => {
        armed = true;
      };
      // Many pages at once are asked about only while no locks are watched.
      const checksLocks = name !== 'placeable';
      const trial = this.#play(situation, flags, { policies: [...this.#with, broken], beforeCall, checksLocks });
      if (trial.thrown === null) continue;
      const report = (what: string | null): void =>
        this.#find('broken-hook', situation, `${flagText(flags)}, ${name} throws`, what);
      const { thrown } = trial;
      if (!(thrown instanceof PolicyError) || thrown.policy !== this.#policy.name || thrown.hook !== name) {
        report(`the caller gets ${String(thrown)}`);
      }
      report(explainEventOrder(trial.events));
      report(firstViolation(trial));
      if (name !== 'lastMerge') report(lostMemory(situation, trial));
      report(leftovers(trial.scene));
    }
  }
}

/** At most `most` numbers from 1 to `count`, spread evenly, both ends among them. */
function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i + 1);
  return Array.from({ length: most }, (_, i) => 1 + Math.round((i * (count - 1)) / (most - 1)));
}

const HOOKS: readonly Exclude<HookName, 'setup'>[] = [
  'decide',
  'beforeCopy',
  'afterCopy',
  'leaf',
  'placeable',
  'afterMove',
  'undo',
  'lastMerge',
];

type Hook<Name extends keyof PolicyHooks> = NonNullable<PolicyHooks[Name]>;

/** The policy with one hook replaced; null when it does not have that hook. */
function wrapped<Name extends keyof PolicyHooks>(
  policy: MremapPolicy,
  name: Name,
  replace: (hook: Hook<Name>, context: PolicyContext) => Hook<Name>,
): MremapPolicy | null {
  const { setup } = policy;
  if (setup === null) return null;
  return definePolicy({
    ...policy,
    setup: (context) => {
      const hooks = setup(context);
      const hook = hooks[name];
      return hook === undefined ? hooks : { ...hooks, [name]: replace(hook as Hook<Name>, context) };
    },
  });
}

/** Mappings, and for each page of the destination the anon_vma and the offset of its folio. */
function placesOf({ call }: Situation, { scene, result }: Trial): string {
  const to = typeof result === 'number' ? result - scene.origin : call.to;
  return [...scene.vmas(), ...scene.pages(to, call.newPages)].join('\n');
}

function flagText(flags: readonly string[]): string {
  return flags.length === 0 ? 'no flag' : flags.join(' ');
}

function firstViolation(trial: Trial): string | null {
  const [first] = trial.violations;
  return first === undefined ? null : describeViolation(first);
}

/** A call that failed may cost the destination, the tail that was to be cut off, and earlier parts; nothing else. */
function lostMemory(situation: Situation, trial: Trial): string | null {
  const { page, oldPages, newPages, to, flags } = situation.call;
  const parts = situation.name.includes('several');
  return firstDifference(trial.before, trial.after, (at) => {
    if (flags.includes('FIXED') && at >= to && at < to + newPages) return true;
    if (at >= page + newPages && at < page + oldPages) return true;
    return parts && at >= page && at < page + oldPages;
  });
}

function isRefusedByPolicy(trial: Trial): boolean {
  const { result } = trial;
  return result !== null && typeof result === 'object' && result.rule.startsWith('policy ');
}

function isUnmapFailure(event: Trial['events'][number]): boolean {
  return event.type === 'mremap.rollback' && event.step === 'unmap-source';
}

/** Mappings around a move and the folios in its range, as text to compare. */
function stateOf(move: Move, memory: PolicyContext['memory']): string {
  const lines: string[] = [];
  const { tree } = move.source.mm;
  for (let vma = tree.first; vma !== null; vma = vma.next) {
    lines.push([vma.start, vma.end, vma.pageOffset, vma.flags, vma.anonVma?.id ?? '-'].join(' '));
  }
  move.scan((leaf) => {
    const { page, kind, head } = leaf;
    lines.push([page, kind, head, memory.mapping[head] ?? '-', memory.index[head] ?? '-'].join(' '));
    return LEAF_NEXT;
  });
  return lines.join('; ');
}
