import type { Arch, PagesToFolioEnd } from './arch.js';
import { Arm64 } from './arch/arm64.js';
import { GRANULES, type Granule } from './arch/arm64-geometry.js';
import { X8664 } from './arch/x86-64.js';
import type { SoftwareTypeOptions } from './software-types.js';

/** What a kernel adds to an architecture that is chosen by name. */
export interface ArchOptions extends SoftwareTypeOptions {
  /** Who knows the folios: asked before entries that were set one by one are folded (arm64). */
  readonly pagesToFolioEnd?: PagesToFolioEnd;
  /** Whether the kernel keeps soft-dirty marks, where the architecture has them. Default true. */
  readonly softDirty?: boolean;
}

/** Makes the architecture that `match` names. */
type ArchFactory = (match: RegExpExecArray, options: ArchOptions) => Arch;

/** An architecture family: the names it answers to, some of them in full for listing, and how one is made. */
export interface ArchFamily {
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly make: ArchFactory;
}

const X86_64_FAMILY: ArchFamily = {
  pattern: /^(?:x86-64|x86_64)(-la57)?$/,
  names: ['x86-64', 'x86-64-la57'],
  make: (match, options) => new X8664({ ...options, levels: match[1] === undefined ? 4 : 5 }),
};

const ARM64_FAMILY: ArchFamily = {
  pattern: /^(?:arm64|aarch64)-(4|16|64)k(?:-va(\d+))?(?:-pa(48|52))?$/,
  names: Object.entries(GRANULES).flatMap(([granule, facts]) => [
    `arm64-${granule}k`,
    ...facts.virtualAddressBits.filter((bits) => bits !== 48).map((bits) => `arm64-${granule}k-va${bits}`),
  ]),
  make: (match, options) => {
    const [, granule, virtualBits, physicalBits] = match;
    return new Arm64({
      ...options,
      granule: Number(granule) as Granule,
      ...(virtualBits === undefined ? {} : { virtualAddressBits: Number(virtualBits) }),
      ...(physicalBits === undefined ? {} : { physicalAddressBits: Number(physicalBits) as 48 | 52 }),
    });
  },
};

const families: ArchFamily[] = [X86_64_FAMILY, ARM64_FAMILY];
const shared = new Map<string, Arch>();

/**
 * Adds a family of architectures, before those that are there; gives a function that takes it out again.
 * See docs/adding-an-architecture.md.
 */
export function registerArchFamily(family: ArchFamily): () => void {
  families.unshift(family);
  shared.clear();
  return () => {
    families.splice(families.indexOf(family), 1);
    shared.clear();
  };
}

/** The names of the usual architectures; arm64 names also take `-pa52`. */
export function archNames(): readonly string[] {
  return families.flatMap((family) => family.names);
}

/**
 * Makes an architecture by its name, for a kernel of its own.
 *
 * @throws {RangeError} for a name that no family knows, or widths that do not exist
 */
export function createArch(name: string, options: ArchOptions = {}): Arch {
  for (const family of families) {
    const match = family.pattern.exec(name);
    if (match !== null) return family.make(match, options);
  }
  throw new RangeError(`arch: ${name} is not one of ${archNames().join(', ')}`);
}

/**
 * The architecture of that name, with default options: one shared instance for decoding and printing.
 *
 * @throws {RangeError} for a name that no family knows, or widths that do not exist
 */
export function archByName(name: string): Arch {
  let arch = shared.get(name);
  if (arch === undefined) {
    arch = createArch(name);
    shared.set(name, arch);
  }
  return arch;
}

/** The facts that the header of a recording gives about its machine. */
export interface RecordedMachine {
  /** `x86_64` or `aarch64`. */
  readonly arch: string;
  /** Bytes. */
  readonly pageSize: number;
  /** Number of levels; of x86-64, 5 means la57. */
  readonly levels?: number;
}

/**
 * The name of the architecture that a recording was made on.
 *
 * @throws {RangeError} when there is no such machine
 */
export function archNameOf(machine: RecordedMachine): string {
  const { arch, pageSize, levels } = machine;
  if (arch === 'x86_64' && pageSize === 4096) return levels === 5 ? 'x86-64-la57' : 'x86-64';
  if (arch === 'aarch64') {
    const granule = pageSize / 1024;
    if (granule in GRANULES) return `arm64-${granule}k${arm64Width(granule as Granule, levels)}`;
  }
  throw new RangeError(`arch: no ${arch} with pages of ${pageSize} bytes is known`);
}

/** The widest usual address space with that many levels: 48 bits if it fits. */
function arm64Width(granule: Granule, levels: number | undefined): string {
  if (levels === undefined) return '';
  const { pageShift, indexBits, virtualAddressBits } = GRANULES[granule];
  const fitting = virtualAddressBits.filter((bits) => Math.ceil((bits - pageShift) / indexBits) === levels);
  if (fitting.includes(48)) return '';
  const width = fitting[0];
  if (width === undefined) throw new RangeError(`levels: ${granule} KiB pages never have ${levels} levels`);
  return `-va${width}`;
}
