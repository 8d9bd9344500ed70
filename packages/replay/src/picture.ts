import { VM_ACCESS, VM_MAYSHARE, VM_WRITE } from '@vmakit/base';
import { type MapsEntry, formatMaps } from '@vmakit/trace';
import { type Vma, isAnonymous } from '@vmakit/vma-merge';
import { layoutOf, stackOrHeap } from './layout.js';
import type { FollowedProcess } from './space.js';
import type { TimelinePoint } from './timeline.js';

/** What a VMA is, as pictures tell them apart: index into `ProcessPicture.kinds`. */
export const PICTURE_KINDS = [
  'touched',
  'untouched',
  'heap',
  'stack',
  'inaccessible',
  'file',
  'shared',
  'special',
] as const;

export type PictureKind = (typeof PICTURE_KINDS)[number];

/** The address space of a process at its end, as columns: one row for each VMA, in address order. */
export interface ProcessPicture {
  readonly pid: number;
  readonly program: string | null;
  /** Page numbers; [start, end). */
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** Index into {@link PICTURE_KINDS}. */
  readonly kinds: Uint8Array;
  /** What `/proc/PID/maps` would print. */
  readonly maps: string;
  /** How the number of VMAs went. */
  readonly timeline: readonly TimelinePoint[];
}

/** The address space of `followed` as it is now. */
export function pictureOf(followed: FollowedProcess): ProcessPicture {
  const { mm } = followed.process;
  const { count } = mm.tree;
  const starts = new Float64Array(count);
  const ends = new Float64Array(count);
  const kinds = new Uint8Array(count);
  let at = 0;
  for (let vma = mm.tree.first; vma !== null; vma = vma.next) {
    starts[at] = vma.start;
    ends[at] = vma.end;
    kinds[at++] = PICTURE_KINDS.indexOf(kindOf(vma, followed));
  }
  const { pid, program, timeline } = followed;
  return { pid, program, starts, ends, kinds, maps: mapsOf(followed), timeline: timeline?.read() ?? [] };
}

function mapsOf({ process, stackAddress }: FollowedProcess): string {
  const lines = layoutOf(process.mm, stackAddress);
  const entries: MapsEntry[] = [];
  for (let vma = process.mm.tree.first; vma !== null; vma = vma.next) {
    const { start, end, offset, inode, name } = lines[entries.length]!;
    entries.push({
      start,
      end,
      prot: vma.flags & VM_ACCESS,
      shared: (vma.flags & VM_MAYSHARE) !== 0,
      offset,
      device: vma.file?.device ?? '00:00',
      inode,
      name,
      smaps: null,
    });
  }
  return formatMaps(entries);
}

function kindOf(vma: Vma, { process, stackAddress }: FollowedProcess): PictureKind {
  if (vma.file !== null && vma.file.kind === 'special') return 'special';
  if ((vma.flags & VM_MAYSHARE) !== 0) return 'shared';
  if (!isAnonymous(vma)) return 'file';
  const name = stackOrHeap(vma, process.mm, stackAddress);
  if (name !== null) return name;
  if (vma.faulted) return 'touched';
  return (vma.flags & VM_WRITE) === 0 ? 'inaccessible' : 'untouched';
}
