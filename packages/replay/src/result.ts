import type { Diagnostic, RecordingReport } from '@vmakit/trace';
import type { Divergence, LayoutCheck } from './divergence.js';
import type { KernelObjects } from './objects.js';
import type { Assumption } from './options.js';
import type { ProcessPicture } from './picture.js';
import type { PolicyActivity } from './policy-watch.js';
import type { Replayer } from './replayer.js';
import type { CheckCount } from './statistics.js';
import type { UnmergedGroup } from './unmerged.js';

/** One process of a recording. */
export interface ProcessSummary {
  readonly pid: number;
  readonly program: string | null;
  readonly vmasAtStart: number;
  readonly vmasPeak: number;
  readonly vmasAtEnd: number;
}

/** Where a recording came from and how it was read. */
export interface RecordingSummary {
  /** The input as given. */
  readonly input: string;
  /** The file that was read. */
  readonly file: string;
  readonly format: string;
  /** Release of the recorded kernel, when it is recorded. */
  readonly kernel: string | null;
  /** The profile of the model. */
  readonly profile: string;
  /** What to know about the choice of the profile; null: it is the one for that kernel, or was asked for. */
  readonly profileNote: string | null;
  /** The assumption about page faults; `recorded`: none was needed. */
  readonly assumption: Assumption;
  readonly lines: number;
  /** Lines that carry no event. */
  readonly ignored: number;
  readonly malformed: number;
  /** Completions of calls that began before the recording. */
  readonly unpaired: number;
  /** Calls that had not completed when the recording ended. */
  readonly unfinished: number;
  /** Events that the recorder lost. */
  readonly lost: number;
  /** The first lines that could not be understood. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Merges that the model made, by the neighbour that took part. */
export interface MergeSummary {
  readonly left: number;
  readonly right: number;
  readonly both: number;
  readonly splits: number;
}

/** Page tables that mremap moved by one entry of each level, and single entries moved. */
export interface TableMoves {
  readonly pud: number;
  readonly pmd: number;
  /** Huge entries. */
  readonly hugePmd: number;
  readonly pte: number;
}

/** What came of a replay: the object that `vmakit replay --json` prints (docs/replay-json.md). */
export interface ReplayResult {
  /** Everything that was checked matched. */
  readonly ok: boolean;
  /** Calls, records and snapshots that differ, and snapshots that could not be compared. */
  readonly divergences: number;
  readonly checks: {
    readonly endLayouts: CheckCount;
    readonly mmap2: CheckCount;
    readonly results: CheckCount;
  };
  readonly recording: RecordingSummary;
  /** Policies of the model as they were asked for: `none`, `relocate-anon`... */
  readonly policy: string;
  /**
   * The model was asked to do otherwise than the recorded kernel did: VMAs that merged further than recorded match, and
   * calls that no longer fail are counted, not taken for differences.
   */
  readonly whatIf: boolean;
  readonly processes: readonly ProcessSummary[];
  readonly events: number;
  readonly calls: number;
  readonly callsByName: Readonly<Record<string, number>>;
  /** Calls that concern no memory, or failed for reasons outside it: not run. */
  readonly skippedCalls: number;
  readonly faults: number;
  readonly writeFaults: number;
  readonly maxMapCount: number;
  /** Of the process that had the most. */
  readonly vmas: { readonly start: number; readonly peak: number; readonly end: number };
  readonly merges: MergeSummary;
  readonly tablesMoved: TableMoves;
  /** What the policies did; null without one. */
  readonly activity: PolicyActivity | null;
  /** What policies counted, by name; see the packages of the policies. */
  readonly counters: Readonly<Record<string, number>>;
  /** Kernel objects of all processes, each at its end. */
  readonly objects: Readonly<KernelObjects>;
  /** Calls that failed for want of memory or mappings when recorded and did not on the model. */
  readonly callsSaved: number;
  /** Neighbours left unmerged at the end of each process, by the first rule that refused. */
  readonly unmerged: readonly UnmergedGroup[];
  readonly layouts: readonly LayoutCheck[];
  /** The first differences. */
  readonly details: readonly Divergence[];
  /** Differences that the recording cannot tell, by name. */
  readonly unknowable: Readonly<Record<string, number>>;
  /** Snapshots that could not be compared. */
  readonly snapshotsLeft: readonly string[];
}

/** A result with the pictures of address spaces, which are no part of the printed object. */
export interface PicturedResult {
  readonly result: ReplayResult;
  readonly pictures: readonly ProcessPicture[];
}

/** Sums a finished replay up. */
export function summarize(
  replayer: Replayer,
  recording: RecordingSummary,
  policy: string,
  activity: PolicyActivity | null,
): ReplayResult {
  const { kernel, statistics, results, records, snapshots, options } = replayer;
  const processes = replayer.processes.history.filter(({ started }) => started);
  const layouts = snapshots.checks;
  const endLayouts = { matched: layouts.filter(({ matched }) => matched).length, total: layouts.length };
  const left = snapshots.left.map(({ file }) => file);
  const divergences = results.differing + records.differing + (endLayouts.total - endLayouts.matched) + left.length;
  const busiest = processes.reduce((most, one) => (one.vmasPeak > most.vmasPeak ? one : most), processes[0] ?? null!);
  return {
    ok: divergences === 0,
    divergences,
    checks: { endLayouts, mmap2: countOf(records), results: countOf(results) },
    recording,
    policy,
    whatIf: options.whatIf,
    processes: processes.map(({ pid, program, vmasAtStart, vmasPeak, vmasAtEnd }) => ({
      pid,
      program,
      vmasAtStart,
      vmasPeak,
      vmasAtEnd,
    })),
    events: statistics.events,
    calls: statistics.calls,
    callsByName: Object.fromEntries([...statistics.callsByName].sort(([, a], [, b]) => b - a)),
    skippedCalls: statistics.skippedCalls,
    faults: statistics.faults,
    writeFaults: statistics.writeFaults,
    maxMapCount: kernel.env.settings.maxMapCount,
    vmas: {
      start: busiest?.vmasAtStart ?? 0,
      peak: busiest?.vmasPeak ?? 0,
      end: busiest?.vmasAtEnd ?? 0,
    },
    merges: { ...kernel.env.mergeCounters },
    tablesMoved: tablesMoved(replayer),
    activity,
    counters: kernel.policies.counters.read(),
    objects: replayer.objects,
    callsSaved: statistics.callsSaved,
    unmerged: replayer.unmerged.read(),
    layouts,
    details: [...results.details, ...records.details].sort((a, b) => a.line - b.line),
    unknowable: unknowableOf(replayer),
    snapshotsLeft: left,
  };
}

/** Differences that the recording cannot tell, by name, those of calls and records and those of layouts. */
function unknowableOf({ statistics, snapshots, processes }: Replayer): Readonly<Record<string, number>> {
  const { guessedSharers } = processes;
  if (guessedSharers > 0) statistics.countUnknowable('who shares memory with whom', guessedSharers);
  for (const { unknowable } of snapshots.checks) {
    for (const [name, count] of Object.entries(unknowable)) statistics.countUnknowable(name, count);
  }
  return Object.fromEntries(statistics.unknowable);
}

function countOf({ matched, total }: CheckCount): CheckCount {
  return { matched, total };
}

function tablesMoved(replayer: Replayer): TableMoves {
  const { moved } = replayer.kernel.policies;
  return { pud: moved.puds, pmd: moved.pmds, hugePmd: moved.hugePmds, pte: moved.ptes };
}

/** The part of a reader's report that results repeat. */
export function readingSummary(
  report: RecordingReport,
): Pick<RecordingSummary, 'lines' | 'ignored' | 'malformed' | 'unpaired' | 'unfinished' | 'lost' | 'diagnostics'> {
  const { lines, ignored, malformed, unpaired, unfinished, lost, diagnostics } = report;
  return { lines, ignored, malformed, unpaired, unfinished, lost, diagnostics };
}
