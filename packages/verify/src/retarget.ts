import { type Arch, archByName } from '@vmakit/pagetable';
import type {
  Amount,
  AnonVmaRow,
  MmRow,
  Operation,
  Outcome,
  ProcessState,
  Scenario,
  ScenarioHeader,
  ScenarioState,
  ScenarioStep,
  VmaRow,
} from '@vmakit/trace';
import { archNameFor } from './machine.js';

/**
 * The same scenario for another architecture (golden/FORMAT.md "The same operations on arm64"). One that needs no huge
 * entry is taken over page by page; in the others every address, length and offset is multiplied, so that what was on a
 * huge boundary still is. What is expected then is what does not depend on the geometry: results, mappings, anon_vmas.
 * Nothing is expected of a scenario about huge entries that would not have whole pages any more on a smaller machine,
 * nor of one that names addresses of its own machine: it only runs.
 *
 * @throws {RangeError} for an architecture that is not known
 */
export function retarget(scenario: Scenario, archName: string): Scenario {
  const arch = archByName(archName);
  const needed = needsHugeEntries(scenario) ? arch.pmdPages / scenario.header.pmdPages : 1;
  const ends = { recorded: endOf(archByName(archNameFor(scenario))), now: endOf(arch) };
  const comparable = isWhole(scenario, needed) && !namesOwnAddresses(scenario, ends);
  const scale = new Scale(scenario, arch, comparable ? needed : 1, ends);
  return {
    ...scenario,
    header: scale.header(scenario.header),
    steps: scenario.steps.map((step) => {
      const scaled = scale.step(step);
      return comparable ? scaled : { ...scaled, outcome: null, state: null };
    }),
  };
}

/** Where the address space ends, in bytes: where it was recorded, and on the other architecture. */
interface AddressEnds {
  readonly recorded: bigint;
  readonly now: bigint;
}

function endOf(arch: Arch): bigint {
  return BigInt(arch.taskSizePages) * BigInt(arch.pageSize);
}

/** Pages at either side of the end of the address space that count as "about its end". */
const NEAR_END_PAGES = 64;

class Scale {
  /** By how much page numbers and counts are multiplied. */
  readonly #factor: number;
  readonly #arch: Arch;
  readonly #pageSize: number;
  readonly #recordedEnd: bigint;
  readonly #end: bigint;

  constructor(scenario: Scenario, arch: Arch, factor: number, ends: AddressEnds) {
    this.#arch = arch;
    this.#factor = factor;
    this.#pageSize = scenario.header.pageSize;
    this.#recordedEnd = ends.recorded;
    this.#end = ends.now;
  }

  header(header: ScenarioHeader): ScenarioHeader {
    const arch = this.#arch;
    const pageFactor = arch.pageSize / header.pageSize;
    const hugeKib = (header.pmdPages * header.pageSize) / 1024;
    const sizes = [...header.thp.sizes].map(([kib, mode]) => {
      const hugeTo = (arch.pmdPages * arch.pageSize) / 1024;
      return [kib === hugeKib ? hugeTo : kib * pageFactor, mode] as const;
    });
    return {
      ...header,
      arch: arch.name.startsWith('arm64') ? 'aarch64' : 'x86_64',
      pageSize: arch.pageSize,
      pmdPages: arch.pmdPages,
      pagesScaled: this.#factor,
      levels: arch.levels.length,
      thp: { ...header.thp, sizes: new Map(sizes) },
      arena: { start: this.#windowStart(header), pages: header.arena.pages * this.#factor },
      recorder: 'basic',
    };
  }

  /** Where the window was; in a narrower address space, its middle, which is aligned to every table there is. */
  #windowStart(header: ScenarioHeader): bigint {
    const { start, pages } = header.arena;
    const bytes = BigInt(pages * this.#factor) * BigInt(this.#arch.pageSize);
    const middle = 1n << BigInt(this.#arch.virtualAddressBits - 1);
    return start + bytes > this.#end ? middle : start;
  }

  step(step: ScenarioStep): ScenarioStep {
    const { outcome, state } = step;
    return {
      ...step,
      operation: this.#operation(step.operation),
      outcome: outcome === null ? null : this.#outcome(step.operation, outcome),
      state: state === null ? null : this.#state(state),
    };
  }

  #operation(operation: Operation): Operation {
    const scaled: Record<string, unknown> = { ...operation };
    for (const key of ['addr', 'len', 'oldLen', 'newLen', 'newAddr', 'off']) {
      const amount = scaled[key];
      if (amount !== undefined && amount !== null) scaled[key] = this.#amount(amount as Amount);
    }
    const factor = this.#factor;
    // The same pages are touched, the same page is the n-th.
    if (operation.op === 'touch') scaled['stride'] = operation.stride * factor;
    if (operation.op === 'rlimit') scaled['pages'] = operation.pages * factor;
    if (operation.op === 'failreloc') scaled['n'] = (operation.n - 1) * factor + 1;
    if (operation.op === 'words' && operation.migrate !== null) scaled['migrate'] = operation.migrate * factor;
    return scaled as unknown as Operation;
  }

  #amount(amount: Amount): Amount {
    if (typeof amount === 'number') return amount * this.#factor;
    if ('bytes' in amount) {
      const pages = Math.round(amount.bytes / this.#pageSize);
      const rest = amount.bytes - pages * this.#pageSize;
      return { bytes: pages * this.#factor * this.#arch.pageSize + rest };
    }
    const beyond = pagesBeyond(amount.raw, this.#recordedEnd, this.#pageSize);
    return beyond === null ? amount : { raw: this.#end + beyond * BigInt(this.#arch.pageSize) };
  }

  #outcome(operation: Operation, outcome: Outcome): Outcome {
    const gives = operation.op === 'mmap' || operation.op === 'mremap';
    const { ret, at } = outcome;
    return {
      ...outcome,
      ret: gives && typeof ret === 'number' ? ret * this.#factor : ret,
      at: at === null ? null : at * this.#factor,
      trace: null,
      words: null,
    };
  }

  #state(state: ScenarioState): ScenarioState {
    const procs = state.procs.map((process): ProcessState => {
      const { p, mm, vmas } = process;
      return { p, mm: mm === null ? null : this.#mm(mm), vmas: vmas.map((row) => this.#vma(row)), pages: null };
    });
    return { procs, anonVmas: state.anonVmas?.map((row) => this.#anonVma(row)) ?? null };
  }

  #mm([total, locked, data]: MmRow): MmRow {
    return [total * this.#factor, locked * this.#factor, data * this.#factor];
  }

  #vma(row: VmaRow): VmaRow {
    const [start, end, prot, pgoff, anonVma, chain, flags, file, anonPgoff] = row;
    const times = (pages: number | null): number | null => (pages === null ? null : pages * this.#factor);
    const common = [
      start * this.#factor,
      end * this.#factor,
      prot,
      times(pgoff),
      anonVma,
      chain,
      flags === null ? null : this.#flags(flags),
    ] as const;
    return row.length === 7 ? common : [...common, file ?? null, times(anonPgoff ?? null)];
  }

  /** Without the soft-dirty flag where the architecture has none; what it would be where it has cannot be known. */
  #flags(flags: string): string | null {
    const names = flags.split(' ').filter((name) => name !== 'sd' && name !== '');
    return this.#arch.hasSoftDirty ? null : names.join(' ');
  }

  #anonVma(row: AnonVmaRow): AnonVmaRow {
    const [id, root, parent, numChildren, numActiveVmas, refcount, vmas] = row;
    const scaled = vmas.map(([p, start]) => [p, start * this.#factor] as const);
    return [id, root, parent, numChildren, numActiveVmas, refcount, scaled];
  }
}

/** By how many pages an address lies beyond (below 0: before) the end of an address space; `null`: far off. */
function pagesBeyond(address: bigint, end: bigint, pageSize: number): bigint | null {
  const pages = (address - end) / BigInt(pageSize);
  return pages > NEAR_END_PAGES || pages < -NEAR_END_PAGES ? null : pages;
}

/** Whether the scenario names a raw address that lies in one of the address spaces: there it means something else. */
function namesOwnAddresses(scenario: Scenario, ends: AddressEnds): boolean {
  const { pageSize } = scenario.header;
  return scenario.steps.some(({ operation }) =>
    Object.values(operation).some((amount: unknown) => {
      if (typeof amount !== 'object' || amount === null || !('raw' in amount)) return false;
      const { raw } = amount as { readonly raw: bigint };
      if (pagesBeyond(raw, ends.recorded, pageSize) !== null) return false;
      return raw <= ends.recorded || raw <= ends.now;
    }),
  );
}

/** Whether the scenario, scaled down, still has whole pages everywhere. */
function isWhole(scenario: Scenario, factor: number): boolean {
  if (factor >= 1) return true;
  return scenario.steps.every(({ operation }) => {
    const amounts = SCALED_KEYS.map((key) => (operation as unknown as Record<string, unknown>)[key]);
    return amounts.every((amount) => typeof amount !== 'number' || Number.isInteger(amount * factor));
  });
}

const SCALED_KEYS = ['addr', 'len', 'oldLen', 'newLen', 'newAddr', 'off', 'stride', 'migrate'] as const;

/** Whether the scenario is about huge entries or tables, so that its page numbers mean huge boundaries. */
function needsHugeEntries(scenario: Scenario): boolean {
  const { header, steps } = scenario;
  const hugeKib = (header.pmdPages * header.pageSize) / 1024;
  if (header.pagesScaled > 1 || header.thp.sizes.has(hugeKib) || header.thp.enabled === 'madvise') return true;
  return steps.some(({ operation }) => {
    if (operation.op === 'mmap') return operation.flags.includes('HUGETLB');
    return operation.op === 'failmove';
  });
}
