import type { Diagnostic, RecordingReport } from '@vmakit/trace';
import type { Divergence, LayoutCheck } from './divergence.js';
import type { Assumption } from './options.js';
import type { KernelObjects } from './objects.js';
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
  readonly file: string;
  readonly format: string;
  readonly kernel: string | null;
  readonly profile: string;
  /** The assumption about page faults, when the recording has none. */
  readonly assumption: Assumption;
  readonly lines: number;
  readonly malformed: number;
  readonly unfinished: number;
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

/** What came of a replay: the object that `vmakit replay --json` prints. */
export interface ReplayResult {
  /** Everything that was checked matched. */
  readonly ok: boolean;
  /** Calls, records and snapshots that differ. */
  readonly divergences: number;
  readonly checks: {
    readonly endLayouts: CheckCount;
    readonly mmap2: CheckCount;
    readonly results: CheckCount;
  };
  readonly recording: RecordingSummary;
  readonly processes: readonly ProcessSummary[];
  readonly events: number;
  readonly calls: number;
  readonly callsByName: Readonly<Record<string, number>>;
  /** Calls that concern no memory, or failed for reasons outside it: not run. */
  readonly skippedCalls: number;
  readonly faults: number;
  readonly writeFaults: number;
  readonly maxMapCount: number;
  readonly vmas: { readonly start: number; readonly peak: number; readonly end: number };
  readonly merges: MergeSummary;
  readonly tablesMoved: TableMoves;
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

/** Sums a finished replay up. */
export function summarize(replayer: Replayer, recording: RecordingSummary): ReplayResult {
  const { kernel, statistics, history, results, records, snapshots } = replayer;
  const processes = history.filter(({ started }) => started);
  const layouts = snapshots.checks;
  const endLayouts = { matched: layouts.filter(({ matched }) => matched).length, total: layouts.length };
  const left = snapshots.left.map(({ file }) => file);
  const divergences = results.differing + records.differing + (endLayouts.total - endLayouts.matched);
  const busiest = processes.reduce((most, one) => (one.vmasPeak > most.vmasPeak ? one : most), processes[0] ?? null!);
  const unknowable: Record<string, number> = {};
  if (statistics.unknownMemory > 0) unknowable['memory that an execve mapped'] = statistics.unknownMemory;
  for (const layout of layouts) {
    for (const [name, count] of Object.entries(layout.unknowable)) unknowable[name] = (unknowable[name] ?? 0) + count;
  }
  return {
    ok: divergences === 0 && left.length === 0,
    divergences,
    checks: { endLayouts, mmap2: countOf(records), results: countOf(results) },
    recording,
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
    counters: kernel.policies.counters.read(),
    objects: replayer.objects,
    callsSaved: statistics.callsSaved,
    unmerged: [...replayer.unmerged.values()].sort((a, b) => b.pairs - a.pairs),
    layouts,
    details: [...results.details, ...records.details].sort((a, b) => a.line - b.line),
    unknowable,
    snapshotsLeft: left,
  };
}

function countOf({ matched, total }: CheckCount): CheckCount {
  return { matched, total };
}

function tablesMoved(replayer: Replayer): TableMoves {
  const { moved } = replayer.kernel.policies;
  return { pud: moved.puds, pmd: moved.pmds, hugePmd: moved.hugePmds, pte: moved.ptes };
}

/** The part of a reader's report that results repeat. */
export function readingSummary(report: RecordingReport): Pick<
  RecordingSummary,
  'lines' | 'malformed' | 'unfinished' | 'lost'
> {
  const { lines, malformed, unfinished, lost } = report;
  return { lines, malformed, unfinished, lost };
}
