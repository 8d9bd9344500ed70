/** Relocate if possible, else move as usual. */
export const MREMAP_RELOCATE_ANON = 8;
/** Relocate or fail with EFAULT. */
export const MREMAP_MUST_RELOCATE_ANON = 16;
