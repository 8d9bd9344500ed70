/**
 * What differs between the kernels that the model can be, all in this one table (spec 00 "What visibly differs in
 * 6.18", and the notes there). Code asks the profile's fields; it never compares kernel versions.
 */
export interface KernelProfile {
  readonly name: 'v7.3' | 'v6.18' | 'rfc-v2';
  /**
   * A private file mapping has a second offset, `anon_pgoff`, by which its anonymous folios are indexed (spec 01.1).
   */
  readonly anonPageOffset: boolean;
  /** SOFTDIRTY is or-ed into the survivor of a merge (spec 02.3); otherwise only ignored when comparing. */
  readonly softDirtySticky: boolean;
  /** Guard installation sets MAYBE_GUARD on the VMA (spec 01.6). */
  readonly guardFlag: boolean;
  /** Cloning reverses the order of the AVC list (spec 03.2). */
  readonly cloneReversesChain: boolean;
  /** Every mremap tests the map count at entry (spec 01.9); otherwise only moves to a new address do. */
  readonly mremapAlwaysTestsMapCount: boolean;
  /** Otherwise: they do so right after their parameters are checked; or only when the VMA has been checked too. */
  readonly mremapTestsMapCountFirst: boolean;
  /** A FIXED move of equal size may span several VMAs (spec 05.6). */
  readonly multiVmaMove: boolean;
  /** DONTUNMAP of a whole VMA resets the source's offset to its address (spec 05.7). */
  readonly dontUnmapResetsOffset: boolean;
  /** DONTUNMAP of a LOCKED VMA splits off the moved part first and leaves locked_vm as it was (spec 05.7, p4). */
  readonly dontUnmapSplitsLocked: boolean;
  /** DONTUNMAP of an unfaulted VMA never merges source and destination (spec 02.7, step 2). */
  readonly dontUnmapRefusesSelfMerge: boolean;
  /** A copy never merges when the source's userfaultfd has no remap events (spec 02.7, step 3). */
  readonly copyMergeRefusesUffd: boolean;
}

const V7_3: KernelProfile = {
  name: 'v7.3',
  anonPageOffset: true,
  softDirtySticky: true,
  guardFlag: true,
  cloneReversesChain: true,
  mremapAlwaysTestsMapCount: true,
  mremapTestsMapCountFirst: true,
  multiVmaMove: true,
  dontUnmapResetsOffset: true,
  dontUnmapSplitsLocked: true,
  dontUnmapRefusesSelfMerge: true,
  copyMergeRefusesUffd: true,
};

const V6_18: KernelProfile = {
  name: 'v6.18',
  anonPageOffset: false,
  softDirtySticky: false,
  // Measured on 6.18.44: installing guards sets `gu` in smaps.
  guardFlag: true,
  cloneReversesChain: false,
  mremapAlwaysTestsMapCount: false,
  // Measured on 6.18.44: a full process gets ENOMEM even where nothing is mapped.
  mremapTestsMapCountFirst: true,
  multiVmaMove: true,
  dontUnmapResetsOffset: false,
  dontUnmapSplitsLocked: false,
  dontUnmapRefusesSelfMerge: false,
  copyMergeRefusesUffd: false,
};

/** The kernel of April 2025 that the series was posted against. */
const RFC_V2: KernelProfile = {
  ...V6_18,
  name: 'rfc-v2',
  guardFlag: false,
  mremapTestsMapCountFirst: false,
  multiVmaMove: false,
};

/** The kernel profiles by name. */
export const KERNEL_PROFILES: Readonly<Record<KernelProfile['name'], KernelProfile>> = {
  'v7.3': V7_3,
  'v6.18': V6_18,
  'rfc-v2': RFC_V2,
};
