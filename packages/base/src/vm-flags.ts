/**
 * The flags of a VMA (`vm_flags`), bit numbers as in spec 01 section 2.
 *
 * A flag word has up to 44 bits and is kept as one `number`. Bits 0..31 can be tested with `flags & VM_WRITE`
 * directly (JavaScript takes the low 32 bits of any integer); **setting and clearing must go through**
 * {@link withFlags} and {@link withoutFlags}, since `|` and `~` would drop the high bits.
 */
export type VmFlags = number;

const HIGH = 2 ** 32;

export const VM_READ: number = 1 << 0;
export const VM_WRITE: number = 1 << 1;
export const VM_EXEC: number = 1 << 2;
export const VM_SHARED: number = 1 << 3;
export const VM_MAYREAD: number = 1 << 4;
export const VM_MAYWRITE: number = 1 << 5;
export const VM_MAYEXEC: number = 1 << 6;
export const VM_MAYSHARE: number = 1 << 7;
export const VM_GROWSDOWN: number = 1 << 8;
export const VM_UFFD_MISSING: number = 1 << 9;
export const VM_PFNMAP: number = 1 << 10;
export const VM_MAYBE_GUARD: number = 1 << 11;
export const VM_UFFD_WP: number = 1 << 12;
export const VM_LOCKED: number = 1 << 13;
export const VM_IO: number = 1 << 14;
export const VM_SEQ_READ: number = 1 << 15;
export const VM_RAND_READ: number = 1 << 16;
export const VM_DONTCOPY: number = 1 << 17;
export const VM_DONTEXPAND: number = 1 << 18;
export const VM_LOCKONFAULT: number = 1 << 19;
export const VM_ACCOUNT: number = 1 << 20;
export const VM_NORESERVE: number = 1 << 21;
export const VM_HUGETLB: number = 1 << 22;
export const VM_SYNC: number = 1 << 23;
export const VM_ARCH_1: number = 1 << 24;
export const VM_WIPEONFORK: number = 1 << 25;
export const VM_DONTDUMP: number = 1 << 26;
export const VM_SOFTDIRTY: number = 1 << 27;
export const VM_MIXEDMAP: number = 1 << 28;
export const VM_HUGEPAGE: number = 1 << 29;
export const VM_NOHUGEPAGE: number = 1 << 30;
/** Bit 31. A positive number, so that flag words never turn negative. */
export const VM_MERGEABLE: number = 2 ** 31;
/** Bits 32..35: the protection key of x86-64. */
export const VM_PKEY_SHIFT: number = 32;
export const VM_SHADOW_STACK: number = 2 ** 37;
export const VM_DROPPABLE: number = 2 ** 40;
export const VM_UFFD_MINOR: number = 2 ** 41;
export const VM_SEALED: number = 2 ** 42;
export const VM_UFFD_RWP: number = 2 ** 43;

/** Never merged, never locked: spec 01 section 2. */
export const VM_SPECIAL: number = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;
export const VM_LOCKED_MASK: number = VM_LOCKED | VM_LOCKONFAULT;
export const VM_ACCESS: number = VM_READ | VM_WRITE | VM_EXEC;
/** Any userfaultfd mode. High bits included: use with {@link hasAny}. */
export const VM_UFFD_MASK: number = VM_UFFD_MISSING + VM_UFFD_WP + VM_UFFD_MINOR + VM_UFFD_RWP;

/** Bits 32 and up of `flags`, as a small integer. */
export function highBits(flags: VmFlags): number {
  return Math.floor(flags / HIGH);
}

/** `flags` with every bit of `add` set. */
export function withFlags(flags: VmFlags, add: VmFlags): VmFlags {
  const low = (flags | add) >>> 0;
  if (flags < HIGH && add < HIGH) return low;
  return (highBits(flags) | highBits(add)) * HIGH + low;
}

/** `flags` with every bit of `remove` cleared. */
export function withoutFlags(flags: VmFlags, remove: VmFlags): VmFlags {
  const low = (flags & ~remove) >>> 0;
  if (flags < HIGH) return low;
  return (highBits(flags) & ~highBits(remove)) * HIGH + low;
}

/** Whether any bit of `mask` is set. Needed only when `mask` has bits above 31; else `flags & mask` does. */
export function hasAny(flags: VmFlags, mask: VmFlags): boolean {
  return (flags & mask) !== 0 || (mask >= HIGH && flags >= HIGH && (highBits(flags) & highBits(mask)) !== 0);
}

/** The bits in which `a` and `b` differ, those of `ignore` (bits 0..31 only) left out; true when there are none. */
export function equalFlags(a: VmFlags, b: VmFlags, ignore: number): boolean {
  if (a === b) return true;
  return ((a ^ b) & ~ignore) === 0 && highBits(a) === highBits(b);
}

/** A copy-on-write mapping: not SHARED, MAYWRITE (spec 02 section 2). */
export function isCowMapping(flags: VmFlags): boolean {
  return (flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
}

/**
 * Counted in `data_vm`: WRITE, not SHARED, not STACK (spec 01 section 2, the order of classes applied by the caller).
 */
export function isDataMapping(flags: VmFlags): boolean {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE && !hasAny(flags, VM_SHADOW_STACK);
}

/** Counted in `exec_vm`: EXEC, not WRITE, not STACK. */
export function isExecMapping(flags: VmFlags): boolean {
  return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) === VM_EXEC && !hasAny(flags, VM_SHADOW_STACK);
}

/** Counted in `stack_vm`. */
export function isStackMapping(flags: VmFlags): boolean {
  return (flags & VM_GROWSDOWN) !== 0 || hasAny(flags, VM_SHADOW_STACK);
}

/** Charged against overcommit when made: WRITE, not NORESERVE, not SHARED, not HUGETLB (spec 01 section 3, step c). */
export function isAccountable(flags: VmFlags): boolean {
  return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE | VM_HUGETLB)) === VM_WRITE;
}

/** `rwxp` as `/proc/PID/maps` prints it. */
export function protectionText(flags: VmFlags): string {
  return (
    (flags & VM_READ ? 'r' : '-') +
    (flags & VM_WRITE ? 'w' : '-') +
    (flags & VM_EXEC ? 'x' : '-') +
    (flags & VM_MAYSHARE ? 's' : 'p')
  );
}

/** In the order of their bits, as the kernel lists them. */
const SMAPS_NAMES: readonly (readonly [number, string])[] = [
  [VM_READ, 'rd'],
  [VM_WRITE, 'wr'],
  [VM_EXEC, 'ex'],
  [VM_SHARED, 'sh'],
  [VM_MAYREAD, 'mr'],
  [VM_MAYWRITE, 'mw'],
  [VM_MAYEXEC, 'me'],
  [VM_MAYSHARE, 'ms'],
  [VM_GROWSDOWN, 'gd'],
  [VM_UFFD_MISSING, 'um'],
  [VM_PFNMAP, 'pf'],
  [VM_MAYBE_GUARD, 'gu'],
  [VM_UFFD_WP, 'uw'],
  [VM_LOCKED, 'lo'],
  [VM_IO, 'io'],
  [VM_SEQ_READ, 'sr'],
  [VM_RAND_READ, 'rr'],
  [VM_DONTCOPY, 'dc'],
  [VM_DONTEXPAND, 'de'],
  [VM_LOCKONFAULT, 'lf'],
  [VM_ACCOUNT, 'ac'],
  [VM_NORESERVE, 'nr'],
  [VM_HUGETLB, 'ht'],
  [VM_SYNC, 'sf'],
  [VM_ARCH_1, 'ar'],
  [VM_WIPEONFORK, 'wf'],
  [VM_DONTDUMP, 'dd'],
  [VM_SOFTDIRTY, 'sd'],
  [VM_MIXEDMAP, 'mm'],
  [VM_HUGEPAGE, 'hg'],
  [VM_NOHUGEPAGE, 'nh'],
  [VM_MERGEABLE, 'mg'],
  [VM_SHADOW_STACK, 'ss'],
  [VM_DROPPABLE, 'dp'],
  [VM_UFFD_MINOR, 'ui'],
  [VM_SEALED, 'sl'],
];

/**
 * The two-letter names of `/proc/PID/smaps` in its fixed order; `omit` leaves flags out (bits as in {@link VmFlags}).
 */
export function smapsFlagNames(flags: VmFlags, omit: VmFlags = 0): string[] {
  const names: string[] = [];
  for (const [mask, name] of SMAPS_NAMES) {
    if (hasAny(flags, mask) && !hasAny(omit, mask)) names.push(name);
  }
  return names;
}

/** The flags that the names of a `VmFlags:` line of smaps stand for; names not known are ignored. */
export function flagsFromSmaps(names: readonly string[]): VmFlags {
  let flags = 0;
  for (const [mask, name] of SMAPS_NAMES) {
    if (names.includes(name)) flags = withFlags(flags, mask);
  }
  return flags;
}
