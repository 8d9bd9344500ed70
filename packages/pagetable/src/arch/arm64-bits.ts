/**
 * Bits of an arm64 entry, as they lie in its two 32-bit halves. Spec 04 section 3.
 */

// Low half.
export const VALID: number = 1 << 0;
/** With `VALID`: a page at the lowest level, a table above; a block (huge page) has it clear. */
export const TYPE_PAGE: number = 1 << 1;
export const TYPE_MASK: number = VALID | TYPE_PAGE;
export const ATTRIBUTES_SHIFT = 2;
export const ATTRIBUTES: number = 7 << ATTRIBUTES_SHIFT;
/** AP[1]: a program may use it. */
export const USER: number = 1 << 6;
/** AP[2]: no stores, for now; with `WRITE` the processor clears it at the first store. */
export const READ_ONLY: number = 1 << 7;
/** Shareability: inner. With the LPA2 layout these two bits hold an address instead. */
export const SHARED_INNER: number = 3 << 8;
export const ACCESSED: number = 1 << 10;
/** Not global. In an entry that is not valid it says that the entry maps a page all the same. */
export const NOT_GLOBAL: number = 1 << 11;
export const PRESENT_INVALID: number = NOT_GLOBAL;

// High half.
export const GUARDED: number = 1 << (50 - 32);
/** DBM, the software's permission to write. */
export const WRITE: number = 1 << (51 - 32);
export const CONTIGUOUS: number = 1 << (52 - 32);
export const PXN: number = 1 << (53 - 32);
export const UXN: number = 1 << (54 - 32);
export const SOFTWARE_DIRTY: number = 1 << (55 - 32);
export const SPECIAL_BIT: number = 1 << (56 - 32);
export const UFFD_BIT: number = 1 << (58 - 32);
/** In an entry that leads to a table: nothing below it may be executed by the kernel. */
export const TABLE_PXN: number = 1 << (59 - 32);
/** Permission overlay index (protection key): bits 60..62. */
export const OVERLAY_SHIFT: number = 60 - 32;
export const OVERLAY: number = 7 << OVERLAY_SHIFT;

/** Bits that a protection decides. */
export const PROTECTION_LOW: number = VALID | ATTRIBUTES | USER | READ_ONLY | NOT_GLOBAL;
export const PROTECTION_HIGH: number = GUARDED | WRITE | PXN | UXN | OVERLAY;

// Non-present entries: bits 1:0 and 11 zero.
export const SWAP_EXCLUSIVE: number = 1 << 2;
export const SWAP_UFFD: number = 1 << 3;
export const SWAP_TYPE_SHIFT = 6;
export const SWAP_TYPE_MASK = 31;
/** The offset is in bits 12..61: 20 bits in the low half, 30 in the high one. */
export const SWAP_OFFSET_SHIFT = 12;
export const SWAP_OFFSET_LOW_SPAN: number = 2 ** 20;
export const SWAP_OFFSET_HIGH: number = 2 ** 30 - 1;
