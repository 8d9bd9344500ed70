import type { KernelProfile } from '@vmakit/base';
import { type RecordedEvent, type Recording, type RecordingReport, TraceInputError } from '@vmakit/trace';
import { FirstLook } from './first-look.js';
import { kernelFor, profileForRelease } from './kernel-for.js';
import { type OpenedRecording, type ReplayInput, openInput } from './open-recording.js';
import type { ReplayOptions } from './options.js';
import { type NamedPolicies, policiesByName } from './policies.js';
import { PolicyWatch } from './policy-watch.js';
import { Replayer } from './replayer.js';
import { type PicturedResult, type RecordingSummary, type ReplayResult, readingSummary, summarize } from './result.js';
import type { Snapshot } from './snapshots.js';

/** What to replay and how. */
export interface ReplayRequest extends ReplayInput {
  /** What strace text without page faults is taken to mean; default `touched`. */
  readonly assume?: 'touched' | 'untouched';
  /** Kernel to model; by default the one nearest to what was recorded. */
  readonly profile?: KernelProfile['name'];
  /** `vm.max_map_count` in place of the recorded one. */
  readonly maxMapCount?: number;
  /** Names of policies as {@link policiesByName} takes them; default `none`. */
  readonly policy?: string;
  /** Every mremap that may move asks for relocation, whatever was recorded. */
  readonly forceFlag?: boolean;
  /** Details kept of each kind of difference; default 10. */
  readonly maxDetails?: number;
  /** Keep pictures of address spaces; default: no. */
  readonly pictures?: boolean;
  /** Told after each batch how much is read: for a progress bar. */
  readonly onProgress?: (report: RecordingReport, bytesTotal: number | null) => void;
}

/** One of the kernels on which a recording is replayed. */
interface Run {
  readonly policies: NamedPolicies;
  readonly replayer: Replayer;
  readonly watch: PolicyWatch | null;
  readonly profile: KernelProfile['name'];
  readonly arch: FirstLook['arch'];
}

/**
 * Replays a recording on the model.
 *
 * @throws {@link TraceInputError} when the input cannot be read at all
 * @throws {RangeError} naming a policy that is unknown
 */
export async function replayRecording(request: ReplayRequest): Promise<ReplayResult> {
  const [only] = await replayUnder(request, [request.policy ?? 'none']);
  return (only as PicturedResult).result;
}

/**
 * Replays a recording once under each of several policies: it is read once, and each event is done on all kernels.
 *
 * @throws the same as {@link replayRecording}
 */
export async function replayUnder(request: ReplayRequest, policyNames: readonly string[]): Promise<PicturedResult[]> {
  const chosen = policyNames.map(policiesByName);
  const opened = await openInput(request);
  const { recording } = opened;
  const look = new FirstLook();
  const seen: (readonly RecordedEvent[])[] = [];
  let runs: Run[] | null = null;
  for await (const batch of recording) {
    if (runs !== null) feed(runs, batch);
    else {
      look.see(batch);
      seen.push(batch);
      if (look.isEnough) runs = await begin(request, opened, chosen, look, seen);
    }
    request.onProgress?.(recording.report, recording.bytesTotal);
  }
  refuseUnintelligible(recording);
  runs ??= await begin(request, opened, chosen, look, seen);
  const input = typeof request.input === 'string' ? request.input : recording.file;
  return runs.map((run) => {
    run.replayer.finish();
    const { replayer, watch, policies } = run;
    const summary = describe(request, opened, run, input);
    const result = summarize(replayer, summary, policies.name, watch?.read() ?? null);
    return { result, pictures: replayer.pictures };
  });
}

/** Text in which no line tells anything is no recording: that it holds no difference says nothing. */
function refuseUnintelligible({ file, report }: Recording): void {
  const [first] = report.diagnostics;
  if (report.events > 0 || first === undefined) return;
  throw new TraceInputError(
    file,
    `no line can be understood; line ${first.line}: expected ${first.expected}`,
    first.line,
  );
}

function feed(runs: readonly Run[], batch: readonly RecordedEvent[]): void {
  for (const { replayer } of runs) replayer.feed(batch);
}

/** Begins with what was seen of the recording so far. */
async function begin(
  request: ReplayRequest,
  opened: OpenedRecording,
  chosen: readonly NamedPolicies[],
  look: FirstLook,
  seen: readonly (readonly RecordedEvent[])[],
): Promise<Run[]> {
  const snapshots = await opened.snapshots();
  const runs = chosen.map((policies) => makeRun(request, opened, policies, snapshots, look));
  for (const batch of seen) feed(runs, batch);
  return runs;
}

function makeRun(
  request: ReplayRequest,
  { recording, meta, perThread }: OpenedRecording,
  policies: NamedPolicies,
  snapshots: readonly Snapshot[],
  look: FirstLook,
): Run {
  const profile = request.profile ?? profileForRelease(meta?.kernel ?? recording.kernel).profile;
  const kernel = kernelFor(profile, meta?.settings ?? null, { policies: policies.policies, arch: look.arch });
  const mapLimit = Math.min(kernel.env.settings.maxMapCount, request.maxMapCount ?? Infinity);
  if (request.maxMapCount !== undefined) kernel.env.settings.maxMapCount = request.maxMapCount;
  const hasPolicy = policies.policies.length > 0;
  const options: ReplayOptions = {
    assume: look.hasFaults ? 'recorded' : (request.assume ?? 'touched'),
    beginsInMidLife: recording.format !== 'perf',
    looseOrder: perThread,
    snapshots,
    start: snapshots.find(({ kind }) => kind === 'start') ?? null,
    addMremapFlags: request.forceFlag === true ? policies.flag : 0,
    whatIf: hasPolicy || request.maxMapCount !== undefined,
    mapLimit,
    settingsKnown: (meta?.settings.anonVmaName ?? null) !== null,
    pictures: request.pictures ?? false,
    maxDetails: request.maxDetails ?? 10,
  };
  const replayer = new Replayer(kernel, options);
  return { policies, replayer, watch: hasPolicy ? new PolicyWatch(kernel.bus) : null, profile, arch: look.arch };
}

function describe(
  request: ReplayRequest,
  { recording, meta }: OpenedRecording,
  { profile, replayer, arch }: Run,
  input: string,
): RecordingSummary {
  const kernel = meta?.kernel ?? recording.kernel;
  const note = request.profile === undefined ? profileForRelease(kernel).note : null;
  const notes = note === null ? [] : [note];
  if (arch !== 'x86-64') notes.push(`the addresses are those of ${arch}`);
  return {
    input,
    file: recording.file,
    format: recording.format,
    kernel,
    profile,
    profileNote: notes.length === 0 ? null : notes.join('; '),
    assumption: replayer.options.assume,
    ...readingSummary(recording.report),
  };
}
