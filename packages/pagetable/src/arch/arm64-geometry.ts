import type { PagesToFolioEnd } from '../arch.js';
import type { SoftwareTypeOptions } from '../software-types.js';

/** Page sizes in KiB. */
export type Granule = 4 | 16 | 64;

/** What follows from the page size. */
export interface GranuleFacts {
  readonly pageShift: number;
  readonly indexBits: number;
  readonly contiguousEntries: number;
  readonly virtualAddressBits: readonly number[];
}

/** Spec 04 section 1. */
export const GRANULES: Readonly<Record<Granule, GranuleFacts>> = {
  4: { pageShift: 12, indexBits: 9, contiguousEntries: 16, virtualAddressBits: [39, 48, 52] },
  16: { pageShift: 14, indexBits: 11, contiguousEntries: 128, virtualAddressBits: [36, 47, 48, 52] },
  64: { pageShift: 16, indexBits: 13, contiguousEntries: 32, virtualAddressBits: [42, 48, 52] },
};

/** What sets one arm64 machine apart from another. */
export interface Arm64Options extends SoftwareTypeOptions {
  /** Page size in KiB. */
  readonly granule: Granule;
  /** 39, 48, 52 with 4 KiB pages; 36, 47, 48, 52 with 16 KiB; 42, 48, 52 with 64 KiB. Default 48. */
  readonly virtualAddressBits?: number;
  /**
   * 48 or 52. With 4 and 16 KiB pages 52 means the LPA2 layout, which 52-bit virtual addresses need too. Default: 52 if
   * so, else 48.
   */
  readonly physicalAddressBits?: 48 | 52;
  /** Who knows the folios; without it, entries set one by one are never folded. */
  readonly pagesToFolioEnd?: PagesToFolioEnd;
}

/** @throws {RangeError} for address widths that the architecture does not have with this page size */
export function checkWidths(granule: Granule, facts: GranuleFacts, virtualBits: number, physicalBits: number): void {
  if (!facts.virtualAddressBits.includes(virtualBits)) {
    const widths = facts.virtualAddressBits.join(', ');
    throw new RangeError(`virtualAddressBits: ${virtualBits} is not one of ${widths} (${granule} KiB pages)`);
  }
  if (physicalBits !== 48 && physicalBits !== 52) {
    throw new RangeError(`physicalAddressBits: ${String(physicalBits)} is not one of 48, 52`);
  }
  if (virtualBits === 52 && physicalBits === 48 && granule !== 64) {
    throw new RangeError(`physicalAddressBits: 52-bit virtual addresses with ${granule} KiB pages need 52, not 48`);
  }
}

/** The name of a machine: `arm64-4k`, `arm64-64k-va52-pa52`; what is usual is left out. */
export function nameOf(granule: Granule, virtualBits: number, physicalBits: number): string {
  const usual = virtualBits === 52 && granule !== 64 ? 52 : 48;
  const va = virtualBits === 48 ? '' : `-va${virtualBits}`;
  const pa = physicalBits === usual ? '' : `-pa${physicalBits}`;
  return `arm64-${granule}k${va}${pa}`;
}
