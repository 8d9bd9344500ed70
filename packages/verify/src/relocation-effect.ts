import { VM_MAYBE_GUARD, VM_SOFTDIRTY, withoutFlags } from '@vmakit/base';
import { MemoryImage, POISONED, type Violation, ViolationList, contentAt } from '@vmakit/check';
import type { MremapPolicy } from '@vmakit/mremap';
import type { MremapFlagName, Operation, Scenario } from '@vmakit/trace';
import { ScenarioMachine, recordedPolicies } from './machine.js';
import { perform } from './perform.js';

/** How calls are compared. */
export interface EffectOptions {
  /** Policies instead of relocation with the repairs of the header. */
  readonly policies?: readonly MremapPolicy[];
}

/**
 * S8.7 and S8.8, which no single run can tell: does each relocating call of a scenario, and then again without its
 * relocating flags. RELOCATE must give no error that the call without it does not give (but ENOMEM, and MUST also
 * EFAULT), and what programs find, the rights and flags of each page and all totals, must be the same.
 *
 * @example
 * for await (const scenario of readScenarios('curated.jsonl.gz')) expect(relocationEffects(scenario)).toEqual([]);
 */
export function relocationEffects(scenario: Scenario, options: EffectOptions = {}): Violation[] {
  const policies = options.policies ?? recordedPolicies(scenario.header);
  const found: Violation[] = [];
  for (const [step, { operation, line }] of scenario.steps.entries()) {
    const plain = withoutRelocation(operation);
    if (plain === null) continue;
    const violations = new ViolationList(`operation ${line} of ${scenario.header.name}`);
    compareCalls(scenario, step, [operation, plain], policies, violations);
    found.push(...violations.found);
  }
  return found;
}

const RELOCATING: ReadonlySet<MremapFlagName> = new Set(['RELOCATE_ANON', 'MUST_RELOCATE_ANON']);

/** The same call as a program without the series would make it; null: it does not ask for relocation as it must. */
function withoutRelocation(operation: Operation): Operation | null {
  if (operation.op !== 'mremap' || !operation.flags.some((flag) => RELOCATING.has(flag))) return null;
  if (!operation.flags.includes('MAYMOVE')) return null;
  return { ...operation, flags: operation.flags.filter((flag) => !RELOCATING.has(flag)) };
}

function compareCalls(
  scenario: Scenario,
  step: number,
  calls: readonly [relocating: Operation, plain: Operation],
  policies: readonly MremapPolicy[],
  violations: ViolationList,
): void {
  const [machine, other] = [after(scenario, step, policies), after(scenario, step, policies)];
  const [relocated, plain] = [perform(machine, calls[0]).outcome, perform(other, calls[1]).outcome];
  const { err } = relocated;
  if (err !== plain.err) {
    const must = calls[0].op === 'mremap' && calls[0].flags.includes('MUST_RELOCATE_ANON');
    // Without relocation nothing can run out half-way, and memory that is not asked for cannot lack.
    const allowed = err === 'ENOMEM' || (must && err === 'EFAULT') || (err === null && plain.err === 'ENOMEM');
    if (!allowed) {
      const objects = { with: err ?? 'success', without: plain.err ?? 'success' };
      violations.add('S8.7', 'RELOCATE gives no error that the same call without it would not', objects);
    }
    return;
  }
  if (relocated.ret !== plain.ret) {
    const objects = { with: String(relocated.ret), without: String(plain.ret) };
    violations.add('S8.8', 'RELOCATE changes no address', objects);
    return;
  }
  compareViews(viewOf(machine), viewOf(other), violations);
}

/** A machine on which the operations before `step` have been done. */
function after(scenario: Scenario, step: number, policies: readonly MremapPolicy[]): ScenarioMachine {
  const machine = new ScenarioMachine(scenario, { policies });
  for (const { operation } of scenario.steps.slice(0, step)) perform(machine, operation);
  return machine;
}

function compareViews(
  is: ReadonlyMap<string, string>,
  should: ReadonlyMap<string, string>,
  found: ViolationList,
): void {
  for (const place of new Set([...is.keys(), ...should.keys()])) {
    const [actual = 'not mapped', expected = 'not mapped'] = [is.get(place), should.get(place)];
    if (actual === expected) continue;
    found.add('S8.8', 'RELOCATE changes nothing that programs find', { place, with: actual, without: expected });
  }
}

/** What the processes of a machine find in the window: page by page rights, flags and content; and their totals. */
function viewOf(machine: ScenarioMachine): Map<string, string> {
  const view = new Map<string, string>();
  const { start, end } = machine.arena;
  for (const [p, { mm }] of machine.processes) {
    const { entries } = new MemoryImage(mm, start, end);
    for (let vma = mm.tree.firstOverlap(start, end); vma !== null && vma.start < end; vma = vma.next) {
      // Marks that stick to a mapping, and so to what merges with it.
      const flags = withoutFlags(vma.flags, VM_SOFTDIRTY + VM_MAYBE_GUARD);
      const registered = vma.uffd === null ? '' : ' registered';
      for (let page = Math.max(vma.start, start); page < Math.min(vma.end, end); page++) {
        const content = entries.get(page)?.content ?? (vma.file === null ? 0 : contentAt(mm, vma, page));
        view.set(`process ${p}, page ${page - start}`, `${flags}${registered} ${content < POISONED ? 0 : content}`);
      }
    }
    // Not the resident pages: a large folio that is split gives back those that were never written.
    const { totalVm, dataVm, execVm, lockedVm, swapEntries } = mm;
    const totals = { totalVm, dataVm, execVm, lockedVm, swapEntries };
    view.set(`process ${p}, totals`, JSON.stringify(totals));
  }
  view.set('committed', String(machine.kernel.env.committed));
  return view;
}
