import type { MapsEntry, SmapsDetail } from './entry.js';

/** The name begins in this column (a 64-bit kernel's). */
const NAME_COLUMN = 73;
/** Label and number of a line of smaps together. */
const FIELD_WIDTH = 24;
const ADDRESS_DIGITS = 8;
/** The lines of smaps that are no sizes. */
const UNITLESS: ReadonlySet<string> = new Set(['THPeligible', 'ProtectionKey']);

/** `rw-p` of a mapping. */
export function permissions(entry: Pick<MapsEntry, 'prot' | 'shared'>): string {
  const { prot, shared } = entry;
  return (prot & 1 ? 'r' : '-') + (prot & 2 ? 'w' : '-') + (prot & 4 ? 'x' : '-') + (shared ? 's' : 'p');
}

/** One line as the kernel prints it, without the line feed. */
export function formatMapsEntry(entry: MapsEntry): string {
  const range = `${hex(entry.start)}-${hex(entry.end)}`;
  const head = `${range} ${permissions(entry)} ${hex(entry.offset)} ${entry.device} ${entry.inode} `;
  return entry.name === '' ? head : head.padEnd(NAME_COLUMN) + entry.name;
}

/** The text of `/proc/PID/maps`. */
export function formatMaps(entries: Iterable<MapsEntry>): string {
  let text = '';
  for (const entry of entries) text += `${formatMapsEntry(entry)}\n`;
  return text;
}

/** The text of `/proc/PID/smaps`; an entry without details is printed as in `maps`. */
export function formatSmaps(entries: Iterable<MapsEntry>): string {
  let text = '';
  for (const entry of entries) {
    text += `${formatMapsEntry(entry)}\n`;
    if (entry.smaps !== null) text += formatDetail(entry.smaps);
  }
  return text;
}

function formatDetail(detail: SmapsDetail): string {
  let text = '';
  for (const [index, name] of detail.names.entries()) {
    const value = detail.values[index] as number;
    const label = `${name}:`;
    const unit = UNITLESS.has(name) ? '' : ' kB';
    text += `${label}${String(value).padStart(FIELD_WIDTH - label.length)}${unit}\n`;
  }
  if (detail.vmFlags.length > 0) text += `VmFlags: ${detail.vmFlags.join(' ')} \n`;
  return text;
}

function hex(value: number): string {
  return value.toString(16).padStart(ADDRESS_DIGITS, '0');
}
