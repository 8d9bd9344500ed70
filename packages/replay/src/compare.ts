import type { ProcessPicture } from './picture.js';
import { type ReplayRequest, replayUnder } from './replay-recording.js';
import type { ReplayResult } from './result.js';

/** One recording under one policy. */
export interface ComparedRun {
  readonly policy: string;
  readonly vmasPeak: number;
  readonly vmasEnd: number;
  /** Merges more than under the first policy. */
  readonly mergesGained: number;
  /** Moves that the policy relocated for good, and that it took back. */
  readonly relocations: number;
  readonly relocationsUndone: number;
  readonly foliosRewritten: number;
  /** Entries of page tables that the policy looked at. */
  readonly entriesWalked: number;
  readonly tablesMoved: ReplayResult['tablesMoved'];
  /** Kernel memory for the address spaces at their ends, and how much less than under the first policy. */
  readonly objects: ReplayResult['objects'];
  readonly objectsSaved: number;
  readonly bytesSaved: number;
  /** Calls that failed for want of memory or mappings when recorded and succeed here. */
  readonly callsSaved: number;
  readonly result: ReplayResult;
}

/** One recording under several policies. */
export interface Comparison {
  readonly file: string;
  readonly runs: readonly ComparedRun[];
  /** Address spaces at their ends, for each run, when they were asked for. */
  readonly pictures: readonly (readonly ProcessPicture[])[];
}

/** What to compare: as a replay, but for the policy. */
export interface CompareRequest extends Omit<ReplayRequest, 'policy'> {
  /** Names as `policiesByName` takes them, the one to compare with first. */
  readonly policies: readonly string[];
}

/**
 * Replays a recording under several policies and puts what came of them side by side.
 *
 * @throws {@link TraceInputError} when the input cannot be read at all
 * @throws {RangeError} naming a policy that is unknown
 */
export async function compareRecording(request: CompareRequest): Promise<Comparison> {
  const pictured = await replayUnder(request, request.policies);
  const [first] = pictured.map(({ result }) => result);
  if (first === undefined) throw new RangeError('policies: name at least one');
  return {
    file: first.recording.file,
    runs: pictured.map(({ result }) => describeRun(result, first)),
    pictures: pictured.map(({ pictures }) => pictures),
  };
}

function describeRun(result: ReplayResult, first: ReplayResult): ComparedRun {
  const { activity, objects } = result;
  return {
    policy: result.policy,
    vmasPeak: result.vmas.peak,
    vmasEnd: result.vmas.end,
    mergesGained: mergesOf(result) - mergesOf(first),
    relocations: activity?.relocations ?? 0,
    relocationsUndone: activity?.undone ?? 0,
    foliosRewritten: activity?.foliosRewritten ?? 0,
    entriesWalked: activity?.entriesWalked ?? 0,
    tablesMoved: result.tablesMoved,
    objects,
    objectsSaved: objectsOf(first) - objectsOf(result),
    bytesSaved: first.objects.bytes - objects.bytes,
    callsSaved: result.callsSaved,
    result,
  };
}

function mergesOf({ merges }: ReplayResult): number {
  return merges.left + merges.right + 2 * merges.both;
}

function objectsOf({ objects }: ReplayResult): number {
  return objects.vmas + objects.anonVmas + objects.chains;
}
