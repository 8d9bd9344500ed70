import { MmError, type SysResult } from '@vmakit/base';
import { ArmedInjector } from '@vmakit/check';
import type { MappedFile } from '@vmakit/folio';
import { type Kernel, type KernelOptions, type Process, createKernel } from '@vmakit/kernel';
import type { LockTracker } from '@vmakit/locking';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, type Mm, type MmSettings, PROT_NONE } from '@vmakit/mm';
import type { MremapPolicy } from '@vmakit/mremap';
import { archNameOf } from '@vmakit/pagetable';
import { largeFolio } from '@vmakit/policy-large-folio';
import { relocateAnon } from '@vmakit/policy-relocate-anon';
import type { Scenario, ScenarioHeader, ScenarioState } from '@vmakit/trace';
import { Arena } from './addresses.js';
import { StateCapture } from './capture-state.js';

/** What may be chosen beside what the header of a scenario says. */
export interface MachineOptions {
  /** Policies instead of relocation with the repairs of the header. */
  readonly policies?: readonly MremapPolicy[];
  readonly profile?: KernelOptions['profile'];
  /** The architecture instead of the one that the header names. */
  readonly arch?: KernelOptions['arch'];
  /** Settings instead of those that follow from the header, one by one. */
  readonly settings?: Partial<MmSettings>;
  readonly locks?: LockTracker;
}

/** The swap device of the recorded machines: with pages of 64 KiB a scenario fills it. */
const SWAP_BYTES = 128 * 2 ** 20;

/** A call that a recorded machine made, as the model answered it. */
export type CallResult = SysResult;

/**
 * The machine of a scenario: a model kernel set up as the header says, its processes by number, its files, and the
 * window that states are told of.
 */
export class ScenarioMachine {
  readonly arena: Arena;
  readonly kernel: Kernel;
  /** Living processes by the numbers of the scenario, in rising order. */
  readonly processes: Map<number, Process> = new Map();
  /** Memfds by the numbers of the scenario. */
  readonly files: Map<number, MappedFile> = new Map();
  readonly injector: ArmedInjector = new ArmedInjector();
  /** Pages, and mappings, that the first process had outside the window at the start. */
  readonly pagesOutside: number;
  readonly mappingsOutside: number;
  readonly #capture: StateCapture;

  constructor(scenario: Pick<Scenario, 'header' | 'steps'>, options: MachineOptions = {}) {
    const { header } = scenario;
    this.arena = new Arena(header.arena.start, header.arena.pages, header.pageSize);
    const { start, end } = this.arena;
    this.kernel = createKernel({
      arch: options.arch ?? archNameFor(scenario),
      policies: options.policies ?? recordedPolicies(header),
      settings: { ...settingsFor(header), ...options.settings },
      window: { start, end },
      swapPages: SWAP_BYTES / header.pageSize,
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      ...(options.locks === undefined ? {} : { locks: options.locks }),
    });
    const first = this.kernel.spawn({ pid: 1 });
    this.processes.set(0, first);
    this.pagesOutside = takeRest(first, this.arena);
    this.mappingsOutside = first.mm.mapCount;
    this.#capture = new StateCapture(this.arena, this.kernel.env.anonVmas, this.pagesOutside);
  }

  /** The process of that number. @throws {RangeError} when there is none */
  process(p: number): Process {
    const process = this.processes.get(p);
    if (process === undefined) throw new RangeError(`p: there is no process ${p}`);
    return process;
  }

  /** From now on, asks the injector; before the first call it costs nothing. */
  armed(): ArmedInjector {
    this.kernel.env.injector = this.injector;
    return this.injector;
  }

  /** The state of the window now. */
  capture(): ScenarioState {
    const mms = new Map<number, Mm>();
    for (const [p, process] of this.processes) mms.set(p, process.mm);
    return this.#capture.capture(mms);
  }

  /** Adds a process that was forked. */
  adopt(child: number, process: Process): void {
    this.processes.set(child, process);
    const sorted = [...this.processes].sort(([a], [b]) => a - b);
    this.processes.clear();
    for (const [p, living] of sorted) this.processes.set(p, living);
  }
}

/**
 * Takes everything but the window, as the recorder did: an operation may reach over the end of the window, and finds
 * memory there that allows no access. Gives the pages taken.
 */
function takeRest(process: Process, arena: Arena): number {
  const { arch, settings } = process.kernel.env;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  let taken = 0;
  for (const [start, end] of [
    [settings.mmapMinPage, arena.start],
    [arena.end, arch.mapWindowPages],
  ] as const) {
    if (start >= end) continue;
    const pageSize = BigInt(arch.pageSize);
    const result = process.mmap(BigInt(start) * pageSize, BigInt(end - start) * pageSize, PROT_NONE, flags);
    if (!(result instanceof MmError)) taken += end - start;
  }
  return taken;
}

/** The architecture that a scenario was recorded on; raw words tell of a fifth level when the header does not. */
export function archNameFor(scenario: Pick<Scenario, 'header' | 'steps'>): string {
  const { arch, pageSize, levels } = scenario.header;
  const told = levels ?? (scenario.steps.some(hasFifthLevel) ? 5 : undefined);
  return archNameOf({ arch, pageSize, ...(told === undefined ? {} : { levels: told }) });
}

function hasFifthLevel(step: Scenario['steps'][number]): boolean {
  return step.outcome?.words?.some(([, level]) => level === 'p4d') ?? false;
}

/** Relocation as the recorded kernel has it: the always-on decisions and the repairs of the header. */
export function recordedPolicies(header: ScenarioHeader): readonly MremapPolicy[] {
  const repairs = Object.fromEntries(header.repairs.map((name) => [name, true]));
  return [relocateAnon({ variant: 'recorder', repairs }), largeFolio()];
}

function settingsFor(header: ScenarioHeader): Partial<MmSettings> {
  const pmdOrder = Math.log2(header.pmdPages);
  const sizes = new Map<number, 'never' | 'madvise' | 'always' | 'inherit'>([[pmdOrder, 'inherit']]);
  for (const [kib, mode] of header.thp.sizes) sizes.set(Math.log2((kib * 1024) / header.pageSize), mode);
  return { thp: { enabled: header.thp.enabled, sizes, useZeroPage: true } };
}

/** Whether a call was refused. */
export function isRefusal(result: unknown): result is MmError {
  return result instanceof MmError;
}
