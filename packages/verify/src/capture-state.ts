import {
  VM_DROPPABLE,
  VM_EXEC,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  protectionText,
  smapsFlagNames,
} from '@vmakit/base';
import type { Mm } from '@vmakit/mm';
import { type AnonVma, type AnonVmaRegistry, anonVmaIdOf, chainOf, linksOf } from '@vmakit/rmap';
import type { AnonVmaRow, ProcessState, ScenarioState, VmaRow } from '@vmakit/trace';
import type { Vma } from '@vmakit/vma-merge';
import { capturePages } from './capture-pages.js';
import { StateNames } from './state-names.js';

/** Flags that the `flags` of a mapping leave out: what its protection says, the "may" ones, what has no name there. */
const LEFT_OUT =
  (VM_READ | VM_WRITE | VM_EXEC | VM_SHARED | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_MAYSHARE) + VM_DROPPABLE;

/** Which part of the address space is looked at, pages; what is listed counts from `start`. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** Writes down the state of a model as golden/FORMAT.md ("State") has it, operation after operation. */
export class StateCapture {
  readonly #window: Window;
  readonly #anonVmas: AnonVmaRegistry;
  readonly #pagesOutside: number;
  readonly #names = new StateNames();

  /** @param pagesOutside pages that every address space had mapped at the start: totals are told without them */
  constructor(window: Window, anonVmas: AnonVmaRegistry, pagesOutside = 0) {
    this.#window = window;
    this.#anonVmas = anonVmas;
    this.#pagesOutside = pagesOutside;
  }

  /** The names that objects have got so far. */
  get names(): StateNames {
    return this.#names;
  }

  /** The state now. `processes`: address spaces by the number of their process, in rising order of these. */
  capture(processes: ReadonlyMap<number, Mm>): ScenarioState {
    this.#names.beginState();
    const procs: ProcessState[] = [];
    for (const [p, mm] of processes) procs.push(this.#captureProcess(p, mm));
    return { procs, anonVmas: this.#captureAnonVmas(processes) };
  }

  #captureProcess(p: number, mm: Mm): ProcessState {
    const { start, end } = this.#window;
    const vmas: VmaRow[] = [];
    for (let vma = mm.tree.find(start); vma !== null && vma.start < end; vma = vma.next) vmas.push(this.#vmaRow(vma));
    const pages = capturePages(mm, start, end, this.#names);
    return { p, mm: [mm.totalVm - this.#pagesOutside, mm.lockedVm, mm.dataVm], vmas, pages };
  }

  #vmaRow(vma: Vma): VmaRow {
    const { start: origin, end } = this.#window;
    const outside = Math.max(0, origin - vma.start);
    const anonVma = vma.faulted ? this.#names.anonVma(anonVmaIdOf(vma)) : null;
    const chain: number[] = [];
    for (const link of chainOf(vma)) chain.push(this.#names.anonVma(link.anonVma.id));
    const row = [
      vma.start + outside - origin,
      Math.min(vma.end, end) - origin,
      protectionText(vma.flags),
      (vma.file === null ? vma.pageOffset - origin : vma.pageOffset) + outside,
      anonVma,
      chain,
      smapsFlagNames(vma.flags, LEFT_OUT).join(' '),
    ] as const;
    if (vma.file === null) return row;
    return [...row, this.#names.file(vma.file.id), vma.anonPageOffset + outside - origin];
  }

  /** Every living anon_vma that was met in mappings or folios, and their parents and roots, by name. */
  #captureAnonVmas(processes: ReadonlyMap<number, Mm>): AnonVmaRow[] {
    const numbers = new Map<number, number>();
    for (const [p, mm] of processes) numbers.set(mm.id, p);
    const rows: AnonVmaRow[] = [];
    for (const anonVma of this.#family()) rows.push(this.#anonVmaRow(anonVma, numbers));
    return rows.sort((a, b) => a[0] - b[0]);
  }

  /** What was met, closed under parent and root. */
  #family(): Set<AnonVma> {
    const family = new Set<AnonVma>();
    for (const id of this.#names.metAnonVmas) {
      const anonVma = this.#anonVmas.byId(id);
      if (anonVma === undefined) continue;
      for (let member: AnonVma | null = anonVma; member !== null && !family.has(member); member = member.parent) {
        family.add(member);
      }
      family.add(anonVma.root);
    }
    return family;
  }

  #anonVmaRow(anonVma: AnonVma, numbers: ReadonlyMap<number, number>): AnonVmaRow {
    const names = this.#names;
    const vmas: [number, number][] = [];
    for (const { vma } of linksOf(anonVma)) {
      const p = numbers.get(vma.mm.id);
      if (p !== undefined) vmas.push([p, vma.start - this.#window.start]);
    }
    vmas.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    return [
      names.anonVma(anonVma.id),
      names.anonVma(anonVma.root.id),
      names.anonVma(anonVma.parentId),
      anonVma.numChildren,
      anonVma.numActiveVmas,
      anonVma.refcount,
      vmas,
    ];
  }
}
