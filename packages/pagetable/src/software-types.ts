/**
 * How the 32 types of non-present entries are shared out. Spec 04 section 4.
 *
 * The kinds that are not swap take types from the top; a kernel built without one of them moves the others up.
 */
export interface SoftwareTypes {
  /** Swap areas: types 0 to swapTypes - 1. */
  readonly swapTypes: number;
  /** Type of a page lost to a memory error, or -1 when the kernel has none. */
  readonly hardwarePoison: number;
  /** Type of the first migration form; `MigrationKind` counts on from it. */
  readonly migration: number;
  /** First of the three device types (private to write, private to read, exclusive), or -1. */
  readonly device: number;
  /** Type of markers. */
  readonly marker: number;
}

/** Types of a non-present entry: 5 bits. */
export const SOFTWARE_TYPES = 32;

/** Which optional kinds of non-present entry a kernel was built with. */
export interface SoftwareTypeOptions {
  /** Device-private and device-exclusive entries. Default false, as on the machines of the golden recordings. */
  readonly deviceMemory?: boolean;
  /** Entries for pages lost to memory errors. Default true. */
  readonly memoryFailure?: boolean;
}

/** Shares out the types for a kernel with these options. */
export function softwareTypes(options: SoftwareTypeOptions = {}): SoftwareTypes {
  const { deviceMemory = false, memoryFailure = true } = options;
  const marker = SOFTWARE_TYPES - 1;
  const device = deviceMemory ? marker - 3 : -1;
  const migration = (deviceMemory ? device : marker) - 3;
  const hardwarePoison = memoryFailure ? migration - 1 : -1;
  return { swapTypes: memoryFailure ? hardwarePoison : migration, hardwarePoison, migration, device, marker };
}
