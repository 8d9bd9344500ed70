import { readFile } from 'node:fs/promises';
import { type VmFlags, flagsFromSmaps } from '@vmakit/base';
import { type MapsEntry, anonymousBytes, readMaps, smapsValue } from '@vmakit/trace';

/** A mapping of a running process in the model's terms. What the outside cannot know is null. */
export interface SnapshotVma {
  readonly entry: MapsEntry;
  /** Page numbers. */
  readonly start: number;
  readonly end: number;
  readonly flags: VmFlags;
  /** Page offset in the file; null: anonymous memory, whose offset is not shown. */
  readonly pageOffset: number | null;
  /** It has an anon_vma: true when it holds anonymous pages now, null when it does not (it may have held some). */
  readonly faulted: boolean | null;
  /** The memory policy as numa_maps has it; null: not shown. */
  readonly policy: string | null;
}

/** The mappings of one process at one moment. */
export interface Snapshot {
  readonly pid: number;
  readonly vmas: readonly SnapshotVma[];
}

/**
 * Reads the mappings of a running process from `/proc/PID/smaps` and `numa_maps`.
 *
 * @throws TraceInputError when there is no such process or it may not be looked at
 */
export async function readSnapshot(pid: number): Promise<Snapshot> {
  return snapshotOf(pid, await readMaps(`/proc/${pid}/smaps`), await readPolicies(pid));
}

/** A snapshot from a listing of smaps; `policies`: memory policies by byte address, as numa_maps has them. */
export function snapshotOf(
  pid: number,
  entries: readonly MapsEntry[],
  policies: ReadonlyMap<number, string>,
): Snapshot {
  const pageSize = pageSizeOf(entries);
  return { pid, vmas: entries.map((entry) => toVma(entry, policies, pageSize)) };
}

/** Of ordinary mappings: those of hugetlb have larger ones. */
function pageSizeOf(entries: readonly MapsEntry[]): number {
  const sizes = entries.map((entry) => smapsValue(entry, 'KernelPageSize') ?? Infinity);
  const smallest = Math.min(...sizes);
  return Number.isFinite(smallest) ? smallest * 1024 : 4096;
}

/** The model's terms for one line of smaps. */
function toVma(entry: MapsEntry, policies: ReadonlyMap<number, string>, pageSize: number): SnapshotVma {
  const pages = (anonymousBytes(entry) ?? 0) + (smapsValue(entry, 'Swap') ?? 0);
  return {
    entry,
    start: entry.start / pageSize,
    end: entry.end / pageSize,
    flags: flagsFromSmaps(entry.smaps?.vmFlags ?? []),
    pageOffset: entry.inode === 0 ? null : entry.offset / pageSize,
    faulted: pages > 0 ? true : null,
    policy: policies.get(entry.start) ?? null,
  };
}

/** Policies by the byte address of the mapping: `7f00 bind:0 anon=3 ...`. The file is missing without NUMA. */
async function readPolicies(pid: number): Promise<Map<number, string>> {
  const text = await readFile(`/proc/${pid}/numa_maps`, 'utf8').catch(() => '');
  const policies = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [start, policy] = line.split(' ');
    if (start !== undefined && policy !== undefined) policies.set(Number.parseInt(start, 16), policy);
  }
  return policies;
}
