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

/** What `smaps` says about one mapping. A listing has many: names and flags are shared between equal ones. */
export interface SmapsDetail {
  /** The names of the numbered lines in their order (`Size`, `Rss`, `Anonymous`, ...). */
  readonly names: readonly string[];
  /** Their numbers: KiB, except for `THPeligible` and `ProtectionKey`. */
  readonly values: readonly number[];
  /** The two-letter names of `VmFlags:`. */
  readonly vmFlags: readonly string[];
}

/** The number of one line of smaps, for example `Rss` (KiB); null when the listing does not have it. */
export function smapsValue(entry: MapsEntry, name: string): number | null {
  const { smaps } = entry;
  if (smaps === null) return null;
  const index = smaps.names.indexOf(name);
  return index < 0 ? null : (smaps.values[index] as number);
}

/** Bytes of anonymous memory in a mapping (`Anonymous:`), null when the listing does not say. */
export function anonymousBytes(entry: MapsEntry): number | null {
  const kib = smapsValue(entry, 'Anonymous');
  return kib === null ? null : kib * 1024;
}
