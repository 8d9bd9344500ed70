/** Levels by the kernel's name. A folded level has no entries of its own and is left out. */
export type LevelName = 'pte' | 'pmd' | 'pud' | 'p4d' | 'pgd';

/** One level of the tables of an architecture. */
export interface Level {
  readonly name: LevelName;
  /** log2 of the pages that one entry of this level spans. 0 at the lowest level. */
  readonly shift: number;
  /** log2 of the entries of one table. */
  readonly indexBits: number;
  /** Pages that one entry spans. */
  readonly span: number;
  /** 1 / span: exact, since spans are powers of two, and cheaper than a division. */
  readonly inverseSpan: number;
  /** Entries of one table. */
  readonly entries: number;
  /** entries - 1. */
  readonly indexMask: number;
  /** Pages that one table of this level spans. */
  readonly tableSpan: number;
}

/** Names from the bottom up, by number of levels: the top one is always the pgd. Spec 04 section 1. */
const NAMES: Readonly<Record<number, readonly LevelName[]>> = {
  2: ['pte', 'pgd'],
  3: ['pte', 'pmd', 'pgd'],
  4: ['pte', 'pmd', 'pud', 'pgd'],
  5: ['pte', 'pmd', 'pud', 'p4d', 'pgd'],
};

/**
 * The levels of an address space, lowest first.
 *
 * @param virtualPageBits bits of a page number of the address space (address bits less the page shift)
 * @param indexBits log2 of the entries of a full table; the top level takes the bits that remain
 * @throws {RangeError} when that needs fewer than 2 or more than 5 levels
 */
export function makeLevels(virtualPageBits: number, indexBits: number): readonly Level[] {
  const count = Math.ceil(virtualPageBits / indexBits);
  const names = NAMES[count];
  if (names === undefined) {
    throw new RangeError(
      `virtualPageBits: ${virtualPageBits} bits of ${indexBits} a level need ${count} levels, not 2..5`,
    );
  }
  return names.map((name, index) => {
    const shift = index * indexBits;
    const bits = Math.min(indexBits, virtualPageBits - shift);
    return {
      name,
      shift,
      indexBits: bits,
      span: 2 ** shift,
      inverseSpan: 2 ** -shift,
      entries: 2 ** bits,
      indexMask: 2 ** bits - 1,
      tableSpan: 2 ** (shift + bits),
    };
  });
}
