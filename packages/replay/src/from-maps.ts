import { join } from 'node:path';
import { VM_ACCOUNT, flagsFromSmaps } from '@vmakit/base';
import { type MapsEntry, type Snapshot as FolderSnapshot, anonymousBytes, permissions, readMaps } from '@vmakit/trace';
import type { StartingVma } from './exec-import.js';
import type { Snapshot } from './snapshots.js';

/** The lines of a listing of `/proc/PID/maps` or smaps as the replay takes them. */
export function startingFromMaps(entries: readonly MapsEntry[]): StartingVma[] {
  return entries.map((entry) => ({
    start: entry.start,
    end: entry.end,
    permissions: permissions(entry),
    offset: entry.name.startsWith('/') ? entry.offset : null,
    device: entry.device,
    inode: entry.inode,
    name: entry.name,
    smapsFlags: entry.smaps === null ? null : smapsFlags(entry),
    faulted: isFaulted(entry),
    untouched: anonymousBytes(entry) === 0,
  }));
}

/**
 * smaps does not name ACCOUNT's absence for shared memory; the names are all there is, so they are taken as they are.
 */
function smapsFlags(entry: MapsEntry): number {
  const flags = flagsFromSmaps(entry.smaps?.vmFlags ?? []);
  return entry.shared ? flags - (flags & VM_ACCOUNT) : flags;
}

/** Whether anonymous pages are known, or in a listing without numbers likely, to be there: the stack is never empty. */
function isFaulted(entry: MapsEntry): boolean {
  const bytes = anonymousBytes(entry);
  return bytes === null ? entry.name === '[stack]' : bytes > 0;
}

/**
 * A snapshot of a trace folder, read. `clock`: that of the recording. smaps is read where what it adds matters: at the
 * start, and at the end when there are no page faults to tell what was touched.
 */
export async function readSnapshot(
  from: FolderSnapshot,
  folder: string,
  clock: 'realtime' | 'monotonic' | 'none',
  withoutFaults: boolean,
): Promise<Snapshot> {
  const range = clock === 'none' ? null : from[clock];
  const needsDetail = from.kind === 'exec' || from.kind === 'start' || withoutFaults;
  return {
    pid: from.pid,
    kind: from.kind,
    file: from.file,
    lines: startingFromMaps(needsDetail ? await from.readEntries() : await readMaps(join(folder, from.file))),
    begin: range === null ? null : range[0],
    time: range === null ? null : range[1],
  };
}
