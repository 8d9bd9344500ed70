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
/** The first link, the others behind it: while they are few, as they almost always are. In a free slot the next one. */
export const FIRST_LINK = 5;
/** The number of the tree that holds the links when they are many. */
export const TREE = 6;
