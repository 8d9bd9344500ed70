import { stat } from 'node:fs/promises';
import type { KernelProfile } from '@vmakit/base';
import type { MremapPolicy } from '@vmakit/mremap';
import {
  type Recording,
  type RecordingInput,
  type RecordingReport,
  TraceInputError,
  type TraceMeta,
  openRecording,
  openTraceFolder,
  readMaps,
} from '@vmakit/trace';
import { readSnapshot, startingFromMaps } from './from-maps.js';
import { kernelFor, profileForRelease } from './kernel-for.js';
import type { Assumption } from './options.js';
import { Replayer } from './replayer.js';
import { type ReplayResult, readingSummary, summarize } from './result.js';
import { ANY_PID, type Snapshot } from './snapshots.js';

/** What to replay and how. */
export interface ReplayRequest {
  /** A trace folder, a recording (plain or gzip), or a stream of bytes. */
  readonly input: RecordingInput;
  /** Name of a stream, for messages. */
  readonly name?: string;
  /** Recording of a folder to use; by default perf, or strace for a 32-bit program, whose calls perf does not see. */
  readonly prefer?: 'perf' | 'strace';
  /** Snapshots for a recording that is not in a folder: `/proc/PID/maps` or smaps after exec, and at the end. */
  readonly startMaps?: string;
  readonly endMaps?: string;
  /** What strace text without page faults is taken to mean. */
  readonly assume?: 'touched' | 'untouched';
  /** Kernel to model; by default the one that was recorded. */
  readonly profile?: KernelProfile['name'];
  readonly policies?: readonly MremapPolicy[];
  /** Flags given to every mremap that moves, whatever was recorded. */
  readonly addMremapFlags?: number;
  /** Details kept of each kind of difference. */
  readonly maxDetails?: number;
  /** Told now and then how much is read: for a progress bar. */
  readonly onProgress?: (report: RecordingReport, bytesTotal: number | null) => void;
}

interface OpenedRecording {
  readonly recording: Recording;
  readonly meta: TraceMeta | null;
  readonly snapshots: readonly Snapshot[];
}

/**
 * Replays a recording on the model.
 *
 * @throws {@link TraceInputError} when the input cannot be read at all
 */
export async function replayRecording(request: ReplayRequest): Promise<ReplayResult> {
  const { recording, meta, snapshots } = await open(request);
  const recorded = meta?.kernel ?? recording.kernel;
  const profile = request.profile ?? profileForRelease(recorded).profile;
  const assume: Assumption = recording.format === 'strace' ? (request.assume ?? 'touched') : 'recorded';
  const kernel = kernelFor(profile, meta?.settings ?? null, { policies: request.policies ?? [] });
  const start = snapshots.find(({ kind }) => kind === 'start') ?? null;
  const replayer = new Replayer(kernel, {
    assume,
    munmapAtStart: recording.format === 'strace',
    snapshots,
    start,
    addMremapFlags: request.addMremapFlags ?? 0,
    maxDetails: request.maxDetails ?? 10,
  });
  for await (const batch of recording) {
    replayer.feed(batch);
    request.onProgress?.(recording.report, recording.bytesTotal);
  }
  replayer.finish();
  return summarize(replayer, {
    file: recording.file,
    format: recording.format,
    kernel: recorded,
    profile,
    assumption: assume,
    ...readingSummary(recording.report),
    diagnostics: recording.report.diagnostics,
  });
}

async function open(request: ReplayRequest): Promise<OpenedRecording> {
  const { input } = request;
  if (typeof input === 'string' && input !== '-' && (await isFolder(input))) return openFolder(input, request);
  const recording = await openRecording(input, request.name === undefined ? {} : { name: request.name });
  const snapshots: Snapshot[] = [];
  if (request.startMaps !== undefined) snapshots.push(await given(request.startMaps, 'exec'));
  if (request.endMaps !== undefined) snapshots.push(await given(request.endMaps, 'end'));
  return { recording, meta: null, snapshots };
}

async function openFolder(path: string, request: ReplayRequest): Promise<OpenedRecording> {
  const folder = await openTraceFolder(path);
  const { meta } = folder;
  const kind = request.prefer ?? (meta?.i386 === true && folder.recordings.strace !== null ? 'strace' : undefined);
  const recording = await folder.open(kind);
  const clock = recording.format === 'strace' ? 'realtime' : 'monotonic';
  const snapshots = await Promise.all(folder.snapshots.map((snapshot) => readSnapshot(snapshot, clock)));
  return { recording, meta, snapshots };
}

/** A snapshot that the user gave; whose process it is of is not said. */
async function given(file: string, kind: 'exec' | 'end'): Promise<Snapshot> {
  return { pid: ANY_PID, kind, file, lines: startingFromMaps(await readMaps(file)), begin: null, time: null };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    throw new TraceInputError(path, 'no such file or directory');
  }
}
