/** The mapping may be moved to another address. */
export const MREMAP_MAYMOVE = 1;
/** Move to exactly the new address; what is mapped there is unmapped. */
export const MREMAP_FIXED = 2;
/** Move the pages, keep the old range mapped. */
export const MREMAP_DONTUNMAP = 4;

/** The flags of the stock kernel, by their names without `MREMAP_`. */
export const STOCK_FLAGS: Readonly<Record<string, number>> = {
  MAYMOVE: MREMAP_MAYMOVE,
  FIXED: MREMAP_FIXED,
  DONTUNMAP: MREMAP_DONTUNMAP,
};

/** All flags of the stock kernel. */
export const STOCK_FLAG_MASK: number = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

/** The names of the bits of `flags`, lowest bit first; bits that `names` does not have are given as `0x…`. */
export function flagNames(flags: number, names: Readonly<Record<string, number>>): string[] {
  const result: string[] = [];
  let rest = flags;
  for (const [name, bit] of Object.entries(names)) {
    if ((flags & bit) === 0) continue;
    result.push(name);
    rest &= ~bit;
  }
  if (rest !== 0) result.push(`0x${(rest >>> 0).toString(16)}`);
  return result;
}
