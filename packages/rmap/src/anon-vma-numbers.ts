/*
 * The numbers of an anon_vma, side by side in its slot of the registry. 32 bytes: two slots fill a cache line.
 */

/** Numbers of a slot. */
export const ANON_VMA_FIELDS = 8;
/** The slot of the root. */
export const ROOT = 0;
export const NUM_CHILDREN = 1;
export const NUM_ACTIVE_VMAS = 2;
export const REFCOUNT = 3;
export const LINK_COUNT = 4;
/**
 * The first link, the others behind it: while they are few, as they almost always are. When they are many, which tree
 * holds them, as a number below `NONE`. In a free slot the next free one.
 */
export const LINKS = 5;
export const ID = 6;
/** The id of the parent, which may be dead. */
export const PARENT_ID = 7;
