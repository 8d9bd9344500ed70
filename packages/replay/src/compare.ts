import { policiesByName } from './policies.js';
import { type ReplayRequest, replayRecording } from './replay-recording.js';
import type { ReplayResult } from './result.js';

/** One recording under one policy. */
export interface ComparedRun {
  readonly policy: string;
  readonly vmasPeak: number;
  readonly vmasEnd: number;
  /** Merges more than under the first policy. */
  readonly mergesGained: number;
  readonly relocations: number;
  readonly relocationsUndone: number;
  readonly foliosRewritten: number;
  readonly tablesMoved: ReplayResult['tablesMoved'];
  /** Kernel memory for the address spaces at their ends, and how much less than under the first policy. */
  readonly objects: ReplayResult['objects'];
  readonly bytesSaved: number;
  /** Calls that failed for want of memory or mappings when recorded and succeed here. */
  readonly callsSaved: number;
  readonly result: ReplayResult;
}

/** One recording under several policies. */
export interface Comparison {
  readonly file: string;
  readonly runs: readonly ComparedRun[];
}

/** What to compare: as a replay, but for the policies. */
export interface CompareRequest extends Omit<ReplayRequest, 'policies' | 'addMremapFlags'> {
  readonly input: string;
  /** Names as `policiesByName` takes them, the one to compare with first. */
  readonly policies: readonly string[];
  /** Every mremap that may move asks for relocation, whatever was recorded. */
  readonly forceFlag: boolean;
}

/**
 * Replays a recording once under each policy.
 *
 * @throws {RangeError} naming a policy that is unknown
 */
export async function compareRecording(request: CompareRequest): Promise<Comparison> {
  const chosen = request.policies.map(policiesByName);
  const results: ReplayResult[] = [];
  for (const { policies, flag } of chosen) {
    results.push(await replayRecording({ ...request, policies, addMremapFlags: request.forceFlag ? flag : 0 }));
  }
  const [first] = results;
  const runs = results.map((result, at) => describeRun(request.policies[at] as string, result, first as ReplayResult));
  return { file: request.input, runs };
}

function describeRun(policy: string, result: ReplayResult, first: ReplayResult): ComparedRun {
  const { counters } = result;
  const sum = (...names: string[]): number => names.reduce((total, name) => total + (counters[name] ?? 0), 0);
  return {
    policy,
    vmasPeak: result.vmas.peak,
    vmasEnd: result.vmas.end,
    mergesGained: mergesOf(result) - mergesOf(first),
    relocations: sum('relocate', 'autoRelocated'),
    relocationsUndone: sum('relocateUndone', 'undoneAfterMoveFailure'),
    foliosRewritten: sum('smallFolioMoved', 'pteLargeFolioMoved', 'pmdFolioMoved', 'foliosRewritten'),
    tablesMoved: result.tablesMoved,
    objects: result.objects,
    bytesSaved: first.objects.bytes - result.objects.bytes,
    callsSaved: result.callsSaved,
    result,
  };
}

function mergesOf({ merges }: ReplayResult): number {
  return merges.left + merges.right + 2 * merges.both;
}
