/**
 * Bits of an x86-64 entry, as they lie in its two 32-bit halves. Spec 04 section 2.
 */

// Low half.
export const PRESENT: number = 1 << 0;
export const RW: number = 1 << 1;
export const USER: number = 1 << 2;
export const ACCESSED: number = 1 << 5;
export const HARDWARE_DIRTY: number = 1 << 6;
/** At upper levels: a huge page. */
export const PSE: number = 1 << 7;
export const GLOBAL: number = 1 << 8;
export const SPECIAL_BIT: number = 1 << 9;
export const UFFD_BIT: number = 1 << 10;
export const SOFT_DIRTY_BIT: number = 1 << 11;
/** The form for no access: not present for the processor, the global bit set. */
export const PROT_NONE: number = GLOBAL;
/** Any of these: the entry is there for the kernel. A huge page being split keeps PSE. */
export const PRESENT_FORMS: number = PRESENT | PROT_NONE | PSE;
/** Bits that an erratum may leave in an empty entry. */
export const NONE_IGNORED: number = ACCESSED | HARDWARE_DIRTY;
/** Bits of the low half that a protection decides. */
export const PROTECTION_LOW: number = PRESENT | RW | USER | GLOBAL;
/** Of every entry that leads to a table. */
export const TABLE: number = PRESENT | RW | USER | ACCESSED | HARDWARE_DIRTY;

// High half.
export const SAVED_DIRTY: number = 1 << (58 - 32);
export const KEY_SHIFT: number = 59 - 32;
export const NX: number = 1 << (63 - 32);
/** Bits of the high half that a protection decides: protection key and NX. */
export const PROTECTION_HIGH: number = -1 << KEY_SHIFT;

/** Frame number in bits 12..51: 20 bits in the low half and 20 in the high one. */
export const FRAME_SHIFT = 12;
export const FRAME_LOW_SPAN: number = 2 ** 20;
export const FRAME_LOW_INVERSE: number = 2 ** -20;
export const FRAME_HIGH = 0xfffff;
/** The part of it that makes a frame number 2^31 or more. */
export const FRAME_ABOVE_8_TIB = 0xff800;
/** Frame bits in the low half by level: below a huge leaf's own size they are attributes or zero. */
export const FRAME_LOW: readonly number[] = [-1 << 12, -1 << 21, -1 << 30];

// Non-present entries: type in bits 59..63, the complement of the offset in 9..58.
export const SWAP_SOFT_DIRTY: number = 1 << 1;
export const SWAP_UFFD: number = 1 << 2;
export const SWAP_EXCLUSIVE: number = 1 << 3;
export const OFFSET_SHIFT = 9;
export const OFFSET_LOW_SPAN: number = 2 ** 23;
export const OFFSET_LOW_INVERSE: number = 2 ** -23;
export const OFFSET_LOW: number = OFFSET_LOW_SPAN - 1;
export const OFFSET_HIGH: number = 2 ** 27 - 1;
export const TYPE_SHIFT: number = 59 - 32;
