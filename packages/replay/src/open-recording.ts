import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Recording,
  type RecordingInput,
  type Snapshot as FolderSnapshot,
  type TraceMeta,
  openRecording,
  openTraceFolder,
  readMaps,
} from '@vmakit/trace';
import { readSnapshot, startingFromMaps } from './from-maps.js';
import { ANY_PID, type Snapshot } from './snapshots.js';

/** A recording, and what is there to start from and to compare with. */
export interface ReplayInput {
  /** A trace folder, a recording (plain or gzip), `-` for standard input, or a stream of bytes. */
  readonly input: RecordingInput;
  /** Name of a stream, for messages. */
  readonly name?: string;
  /** Recording of a folder to use; by default perf, or strace for a 32-bit program, whose calls perf does not see. */
  readonly prefer?: 'perf' | 'strace';
  /** `/proc/PID/maps` or smaps after exec, in place of those in the folder. */
  readonly startMaps?: string;
  /** `/proc/PID/maps` or smaps at the end, in place of those in the folder. */
  readonly endMaps?: string;
}

/** An input that was opened. */
export interface OpenedRecording {
  readonly recording: Recording;
  readonly meta: TraceMeta | null;
  /** It consists of one file for each thread, in which calls stand whole: in the order of their starts. */
  readonly perThread: boolean;
  /** Snapshots with the times that they have on the recording's clock, which is known from its first batch on. */
  snapshots(): Promise<readonly Snapshot[]>;
}

/** A recording inside a trace folder. */
const IN_FOLDER = /^(perf|strace)\.txt(\.gz)?$/;

/**
 * Opens what is to be replayed. A recording that lies in a trace folder is opened with the folder's snapshots.
 *
 * @throws TraceInputError when the input cannot be read at all
 */
export async function openInput(request: ReplayInput): Promise<OpenedRecording> {
  const { input, name } = request;
  const given = await givenSnapshots(request);
  if (typeof input === 'string' && input !== '-') {
    if (await isFolder(input)) return openFolder(input, request.prefer, given);
    const [, kind] = IN_FOLDER.exec(basename(input)) ?? [];
    if (kind !== undefined && (await exists(join(dirname(input), 'meta.json')))) {
      return openFolder(dirname(input), kind as 'perf' | 'strace', given);
    }
  }
  const recording = await openRecording(input, name === undefined ? {} : { name });
  const perThread = typeof input === 'string' && input !== '-' && !(await exists(input));
  return { recording, meta: null, perThread, snapshots: async () => given };
}

async function openFolder(
  path: string,
  prefer: 'perf' | 'strace' | undefined,
  given: readonly Snapshot[],
): Promise<OpenedRecording> {
  const folder = await openTraceFolder(path);
  const { meta } = folder;
  const kind = prefer ?? (meta?.i386 === true && folder.recordings.strace !== null ? 'strace' : undefined);
  const recording = await folder.open(kind);
  const replaced = new Set(given.map((one) => (one.kind === 'end' ? 'exit' : one.kind)));
  const listed = folder.snapshots.filter((one) => !replaced.has(one.kind === 'end' ? 'exit' : one.kind));
  return {
    recording,
    meta,
    perThread: !(await exists(recording.file)),
    snapshots: async () => [...given, ...(await readAll(listed, path, recording))],
  };
}

/** Reads snapshots one after the other: a listing of 65,000 VMAs takes tens of megabytes. */
async function readAll(listed: readonly FolderSnapshot[], path: string, recording: Recording): Promise<Snapshot[]> {
  const { clock, format } = recording;
  const ours = clock === 'realtime' || clock === 'monotonic' ? clock : 'none';
  const snapshots: Snapshot[] = [];
  for (const one of listed) snapshots.push(await readSnapshot(one, path, ours, format === 'strace'));
  return snapshots;
}

async function givenSnapshots({ startMaps, endMaps }: ReplayInput): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  if (startMaps !== undefined) snapshots.push(await given(startMaps, 'exec'));
  if (endMaps !== undefined) snapshots.push(await given(endMaps, 'end'));
  return snapshots;
}

/** A snapshot that the user gave; whose process it is of is not said. */
async function given(file: string, kind: 'exec' | 'end'): Promise<Snapshot> {
  return { pid: ANY_PID, kind, file, lines: startingFromMaps(await readMaps(file)), begin: null, time: null };
}

/** What is not there at all may still be the beginning of the names of `strace -ff`. */
async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
