import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MapsEntry } from '../maps/entry.js';
import { readMaps } from '../maps/read-maps.js';
import type { RecordingOptions, Recording } from '../recording.js';
import { TraceInputError, asInputError } from '../source/input-error.js';
import { openRecording } from '../source/open.js';
import { findRecordings } from './find.js';
import { JsonView } from './json.js';
import { isSnapshotKind, readMeta } from './meta.js';
import type { SnapshotMeta, TraceMeta } from './meta.js';

const SNAPSHOT_NAME = /^(\d+)\.(\d+)\.([a-z]+)\.maps(\.gz)?$/;

/** A snapshot of one process in a trace folder. */
export interface Snapshot extends SnapshotMeta {
  /** The listing with the most in it: smaps where there is one. */
  readEntries(): Promise<MapsEntry[]>;
}

/** A folder with recordings of one run, and listings of its processes' memory. */
export interface TraceFolder {
  readonly path: string;
  /** Null when the folder has no `meta.json`. */
  readonly meta: TraceMeta | null;
  /** Paths of the recordings; at least one is there. */
  readonly recordings: { readonly perf: string | null; readonly strace: string | null };
  /** In the order in which they were taken. */
  readonly snapshots: readonly Snapshot[];
  /** Opens one of the recordings; by default perf, the more precise one, if it is there. */
  open(kind?: 'perf' | 'strace', options?: RecordingOptions): Promise<Recording>;
}

/**
 * Looks into a trace folder: `perf.txt[.gz]`, `strace.txt[.gz]`, `meta.json`, `maps/NNN.PID.KIND.maps[.gz]`.
 *
 * @throws {@link TraceInputError} when there is no such folder, no recording in it, or its `meta.json` is damaged.
 */
export async function openTraceFolder(path: string): Promise<TraceFolder> {
  const recordings = await findRecordings(path);
  if (recordings.perf === null && recordings.strace === null) {
    throw new TraceInputError(path, 'the directory has no recording (perf.txt, strace.txt, or either with .gz)');
  }
  const meta = await readMetaFile(join(path, 'meta.json'));
  const listed = meta === null || meta.snapshots.length === 0 ? await listSnapshots(path) : meta.snapshots;
  const snapshots = listed.map((snapshot) => withReader(path, snapshot));
  return {
    path,
    meta,
    recordings,
    snapshots,
    open(kind, options = {}) {
      const chosen = kind === undefined ? (recordings.perf ?? recordings.strace) : recordings[kind];
      if (chosen === null) throw new TraceInputError(path, `the directory has no recording of ${kind}`);
      const attachedPid = meta?.attached === true ? snapshots.find(({ kind: at }) => at === 'start')?.pid : undefined;
      return openRecording(chosen, attachedPid === undefined ? options : { attachedPid, ...options });
    },
  };
}

async function readMetaFile(file: string): Promise<TraceMeta | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw asInputError(file, error);
  }
  return readMeta(JsonView.parse(file, text));
}

/** Without a list: what the names of the files say. */
async function listSnapshots(path: string): Promise<SnapshotMeta[]> {
  let names: string[];
  try {
    names = await readdir(join(path, 'maps'));
  } catch {
    return [];
  }
  const found: (SnapshotMeta & { readonly order: number })[] = [];
  for (const name of names) {
    const match = SNAPSHOT_NAME.exec(name);
    const kind = match?.[3];
    if (match === null || !isSnapshotKind(kind)) continue;
    const smaps = name.replace('.maps', '.smaps');
    found.push({
      order: Number(match[1]),
      file: join('maps', name),
      smaps: names.includes(smaps) ? join('maps', smaps) : null,
      pid: Number(match[2]),
      kind,
      exe: null,
      vmas: null,
      realtime: null,
      monotonic: null,
      statusKib: {},
    });
  }
  return found.sort((a, b) => a.order - b.order);
}

function withReader(path: string, snapshot: SnapshotMeta): Snapshot {
  return { ...snapshot, readEntries: () => readMaps(join(path, snapshot.smaps ?? snapshot.file)) };
}
