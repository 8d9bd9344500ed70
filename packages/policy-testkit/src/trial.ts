import { type FaultInjector, MmError, type SysResult } from '@vmakit/base';
import { MemoryImage, MremapContract, POISONED, type Violation, checkInvariants, contentAt } from '@vmakit/check';
import type { PhaseEvent } from '@vmakit/events';
import type { Process } from '@vmakit/kernel';
import type { MremapPolicy } from '@vmakit/mremap';
import type { Vma } from '@vmakit/vma-merge';
import { Scene } from './scene.js';
import type { Situation } from './situations.js';

/** How a situation is played. */
export interface TrialOptions {
  readonly policies: readonly MremapPolicy[];
  /** Flags of the policy to add to the call. */
  readonly flags: readonly string[];
  /** Asked during the call only. */
  readonly injector?: FaultInjector | null;
  readonly observed?: boolean;
  /** False: as a kernel that nobody watches, which takes short cuts. Default true. */
  readonly checksLocks?: boolean;
  /** Called when everything is prepared. */
  readonly beforeCall?: () => void;
}

/** What came of one situation. */
export interface Trial {
  readonly scene: Scene;
  readonly result: SysResult | null;
  /** What the call threw: a broken policy. */
  readonly thrown: unknown;
  readonly events: readonly PhaseEvent[];
  readonly before: MemoryPicture;
  readonly after: MemoryPicture;
  /** Invariants that do not hold after the call, and what the call owed and did not do. */
  readonly violations: readonly Violation[];
}

/** What programs can see: for each mapped page its rights and content, and the totals. */
export interface MemoryPicture {
  /** `page rights content`, for every page that is mapped, of every process. */
  readonly pages: ReadonlyMap<string, string>;
  readonly totals: string;
}

/** Below this a content stands for no byte: a marker that only says something to a userfaultfd. */
const ABSENT = POISONED;

/** Plays a situation with a kernel of its own. */
export function play(situation: Situation, options: TrialOptions): Trial {
  const scene = new Scene({
    policies: options.policies,
    pages: 2 ** 16,
    checksLocks: options.checksLocks ?? true,
    ...(situation.thp === undefined ? {} : { thp: situation.thp }),
  });
  situation.prepare(scene);
  const before = picture(scene);
  const { call } = situation;
  const contract = new MremapContract(scene.process.mm, {
    start: scene.origin + call.page,
    oldPages: call.oldPages,
    newPages: call.newPages,
    keepsSource: call.flags.includes('DONTUNMAP'),
    fixed: call.flags.includes('FIXED'),
    must: options.flags.includes('MUST_RELOCATE_ANON'),
  });
  let result: SysResult | null = null;
  let thrown: unknown = null;
  const act = (): void => {
    options.beforeCall?.();
    scene.kernel.env.injector = options.injector ?? null;
    try {
      result = scene.call(call.page, call.oldPages, call.newPages, [...call.flags, ...options.flags], call.to);
    } catch (error) {
      thrown = error;
    } finally {
      scene.kernel.env.injector = null;
    }
  };
  const events = options.observed === false ? (act(), []) : scene.events(act);
  const violations = checkInvariants(scene.kernel, situation.name);
  if (result !== null) violations.push(...contract.check(result, situation.name));
  return { scene, result, thrown, events, before, after: picture(scene), violations };
}

/** What all processes of a scene see. */
export function picture(scene: Scene): MemoryPicture {
  const pages = new Map<string, string>();
  const totals: string[] = [];
  for (const [pid, process] of scene.kernel.processes) {
    addPages(scene, pid, process, pages);
    const { totalVm, dataVm, execVm, lockedVm } = process.mm;
    totals.push(`${pid}: total ${totalVm} data ${dataVm} exec ${execVm} locked ${lockedVm}`);
  }
  totals.push(`committed ${scene.kernel.env.committed}`);
  return { pages, totals: totals.join('; ') };
}

function addPages(scene: Scene, pid: number, process: Process, pages: Map<string, string>): void {
  const { mm } = process;
  const { first, last } = mm.tree;
  if (first === null || last === null) return;
  const { entries } = new MemoryImage(mm, first.start, last.end);
  for (let vma: Vma | null = first; vma !== null; vma = vma.next) {
    const rights = vma.flags & 0xf;
    for (let page = vma.start; page < vma.end; page++) {
      const identity = entries.get(page);
      // Pages of anonymous memory are looked up already; the others may be in a file.
      const content = identity?.content ?? (vma.file === null ? 0 : contentAt(mm, vma, page));
      pages.set(`${pid}:${page - scene.origin}`, `rights ${rights} content ${content < ABSENT ? 0 : content}`);
    }
  }
}

/**
 * The first page at which two pictures differ, for a person; null when they are alike. `ignore`: pages not compared.
 */
export function firstDifference(
  one: MemoryPicture,
  other: MemoryPicture,
  ignore: (page: number) => boolean = () => false,
): string | null {
  for (const key of new Set([...one.pages.keys(), ...other.pages.keys()])) {
    const [a, b] = [one.pages.get(key) ?? 'not mapped', other.pages.get(key) ?? 'not mapped'];
    if (a !== b && !ignore(Number(key.split(':')[1]))) return `page ${key}: ${a}, and ${b}`;
  }
  return null;
}

/** The errno of a result, `ok` of a success. */
export function outcome(result: SysResult | null): string {
  return result === null ? 'nothing' : result instanceof MmError ? result.errno : 'ok';
}
