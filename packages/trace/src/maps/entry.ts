/**
 * One line of `/proc/PID/maps`, with what `smaps` adds.
 *
 * Addresses and offsets are bytes as `number`, exact up to 64 bits because they are multiples of the page size.
 */
export interface MapsEntry {
  /** First byte. */
  readonly start: number;
  /** First byte behind. */
  readonly end: number;
  /** Bits of `PROT_*`. */
  readonly prot: number;
  /** `s` in the permissions: a `MAP_SHARED` mapping. */
  readonly shared: boolean;
  /** Offset in the file in bytes; 0 for anonymous memory, whose true page offset is not shown. */
  readonly offset: number;
  /** `major:minor` in hexadecimal as printed. */
  readonly device: string;
  readonly inode: number;
  /** Path, `[stack]`, `[anon:NAME]`, ...; empty for plain anonymous memory. ` (deleted)` is part of it. */
  readonly name: string;
  /** Null in a `maps` listing. */
  readonly smaps: SmapsDetail | null;
}

/** What `smaps` says about one mapping. */
export interface SmapsDetail {
  /** The numbered lines in their order as printed: KiB, except for `THPeligible` and `ProtectionKey`. */
  readonly fields: ReadonlyMap<string, number>;
  /** The two-letter names of `VmFlags:`. */
  readonly vmFlags: readonly string[];
}

/** Bytes of anonymous memory in a mapping (`Anonymous:`), null when the listing does not say. */
export function anonymousBytes(entry: MapsEntry): number | null {
  const kib = entry.smaps?.fields.get('Anonymous');
  return kib === undefined ? null : kib * 1024;
}
