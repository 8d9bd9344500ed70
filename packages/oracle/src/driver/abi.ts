import type { AdviceName, MapFlagName, MremapFlagName, RlimitName, UffdMode } from '@vmakit/trace';

/** The numbers of Linux for the names that scenarios use; x86-64 and arm64 agree on all of them. */
export const MAP_FLAG: Readonly<Record<MapFlagName, number>> = {
  SHARED: 0x1,
  PRIVATE: 0x2,
  SHARED_VALIDATE: 0x3,
  DROPPABLE: 0x8,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  '32BIT': 0x40,
  GROWSDOWN: 0x100,
  DENYWRITE: 0x800,
  EXECUTABLE: 0x1000,
  LOCKED: 0x2000,
  NORESERVE: 0x4000,
  POPULATE: 0x8000,
  NONBLOCK: 0x10000,
  STACK: 0x20000,
  HUGETLB: 0x40000,
  SYNC: 0x80000,
  FIXED_NOREPLACE: 0x100000,
};

export const MREMAP_FLAG: Readonly<Record<MremapFlagName, number>> = {
  MAYMOVE: 1,
  FIXED: 2,
  DONTUNMAP: 4,
  RELOCATE_ANON: 8,
  MUST_RELOCATE_ANON: 16,
  UNKNOWN_32: 32,
};

export const ADVICE: Readonly<Record<AdviceName, number>> = {
  NORMAL: 0,
  RANDOM: 1,
  SEQUENTIAL: 2,
  WILLNEED: 3,
  DONTNEED: 4,
  FREE: 8,
  REMOVE: 9,
  DONTFORK: 10,
  DOFORK: 11,
  MERGEABLE: 12,
  UNMERGEABLE: 13,
  HUGEPAGE: 14,
  NOHUGEPAGE: 15,
  DONTDUMP: 16,
  DODUMP: 17,
  WIPEONFORK: 18,
  KEEPONFORK: 19,
  COLD: 20,
  PAGEOUT: 21,
  POPULATE_READ: 22,
  POPULATE_WRITE: 23,
  DONTNEED_LOCKED: 24,
  COLLAPSE: 25,
  GUARD_INSTALL: 102,
  GUARD_REMOVE: 103,
};

/** `extra` of an OP_RLIMIT (`native/operations.c`: set_limit). */
export const RLIMIT_CODE: Readonly<Record<RlimitName, number>> = { MEMLOCK: 0, AS: 1, DATA: 2 };

/** UFFDIO_REGISTER_MODE_*. */
export const UFFD_MODE: Readonly<Record<UffdMode, number>> = { missing: 1, wp: 2 };

/** The bits of a list of names. */
export function flagBits<Name extends string>(names: readonly Name[], values: Readonly<Record<Name, number>>): number {
  let bits = 0;
  for (const name of names) bits |= values[name];
  return bits;
}

/** PROT_* bits of `rwx` text. */
export function protectionBits(text: string): number {
  return (text[0] === 'r' ? 1 : 0) | (text[1] === 'w' ? 2 : 0) | (text[2] === 'x' ? 4 : 0);
}
