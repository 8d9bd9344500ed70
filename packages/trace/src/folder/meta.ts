import type { JsonView } from './json.js';

/** When a snapshot was taken. Clock values are seconds: [before reading, after reading]. */
export type SnapshotKind = 'exec' | 'exit' | 'start' | 'end';

/** One snapshot as `meta.json` lists it; file names are relative to the folder. */
export interface SnapshotMeta {
  readonly file: string;
  readonly smaps: string | null;
  readonly pid: number;
  readonly kind: SnapshotKind;
  readonly exe: string | null;
  /** VMAs in the listing. */
  readonly vmas: number | null;
  /** Comparable with strace's `-ttt`. */
  readonly realtime: readonly [number, number] | null;
  /** Comparable with perf's times. */
  readonly monotonic: readonly [number, number] | null;
  /** Lines of `/proc/PID/status` in KiB (`VmPTE`, `RssAnon`, ...). */
  readonly statusKib: Readonly<Record<string, number>>;
}

/** What `meta.json` of a trace folder says; what is missing in it is null, empty or false. */
export interface TraceMeta {
  readonly name: string | null;
  readonly program: string | null;
  readonly version: string | null;
  readonly description: string | null;
  readonly command: readonly string[];
  /** Kernel release, for example `6.18.44`. */
  readonly kernel: string | null;
  /** Machine, for example `x86_64`. */
  readonly machine: string | null;
  /** Bytes. */
  readonly pageSize: number | null;
  readonly settings: TraceSettings;
  /** The recorder was attached to a running program: no exec, a snapshot at the start. */
  readonly attached: boolean;
  /** The program is a 32-bit one. */
  readonly i386: boolean;
  readonly events: TraceCounts;
  readonly snapshots: readonly SnapshotMeta[];
}

/** Settings of the kernel that the program ran on. */
export interface TraceSettings {
  /** `always`, `madvise` or `never`. */
  readonly transparentHugePages: string | null;
  readonly maxMapCount: number | null;
  readonly stackGuardGapPages: number | null;
  readonly randomizeVaSpace: number | null;
  readonly overcommitMemory: number | null;
  /** Bytes. */
  readonly mmapMinAddr: number | null;
  /** Bytes. */
  readonly rlimitStack: number | null;
  /** CONFIG_ANON_VMA_NAME: `prctl(PR_SET_VMA_ANON_NAME)` works. */
  readonly anonVmaName: boolean | null;
}

/** What the recorder counted. */
export interface TraceCounts {
  readonly straceLines: number | null;
  readonly perfLines: number | null;
  readonly processes: number | null;
  readonly lost: number | null;
  /** Calls of strace by name as printed. */
  readonly syscalls: Readonly<Record<string, number>>;
  /** Failed calls of strace by `name ERRNO`. */
  readonly failed: Readonly<Record<string, number>>;
  /** Events of perf by the recorder's names (`fault_user`, `mmap2_record`, ...). */
  readonly perf: Readonly<Record<string, number>>;
}

/** Reads a `meta.json`. */
export function readMeta(json: JsonView): TraceMeta {
  const [kernel, machine] = (json.text('kernel') ?? '').split(' ');
  return {
    name: json.text('name'),
    program: json.text('program'),
    version: json.text('version'),
    description: json.text('description'),
    command: json.texts('command'),
    kernel: kernel === '' || kernel === undefined ? null : kernel,
    machine: machine ?? null,
    pageSize: json.number('page_size'),
    settings: readSettings(json.section('settings')),
    attached: json.flag('attached'),
    i386: json.flag('i386'),
    events: readCounts(json.section('events')),
    snapshots: json.objects('snapshots').flatMap(readSnapshot),
  };
}

function readSettings(json: JsonView): TraceSettings {
  const named = json.text('CONFIG_ANON_VMA_NAME');
  return {
    transparentHugePages: json.text('thp'),
    maxMapCount: json.number('max_map_count'),
    stackGuardGapPages: json.number('stack_guard_gap_pages'),
    randomizeVaSpace: json.number('randomize_va_space'),
    overcommitMemory: json.number('overcommit_memory'),
    mmapMinAddr: json.number('mmap_min_addr'),
    rlimitStack: json.number('rlimit_stack'),
    anonVmaName: named === null ? null : named === 'y',
  };
}

function readCounts(json: JsonView): TraceCounts {
  return {
    straceLines: json.number('strace_lines'),
    perfLines: json.number('perf_lines'),
    processes: json.number('processes'),
    lost: json.number('lost'),
    syscalls: json.counts('syscalls'),
    failed: json.counts('failed'),
    perf: json.counts('perf'),
  };
}

/** Whether a text names a kind of snapshot. */
export function isSnapshotKind(text: string | null | undefined): text is SnapshotKind {
  return text === 'exec' || text === 'exit' || text === 'start' || text === 'end';
}

function readSnapshot(json: JsonView): SnapshotMeta[] {
  const file = json.text('file');
  const pid = json.number('pid');
  const kind = json.text('kind');
  if (file === null || pid === null || !isSnapshotKind(kind)) return [];
  return [
    {
      file,
      smaps: json.text('smaps'),
      pid,
      kind,
      exe: json.text('exe'),
      vmas: json.number('vmas'),
      realtime: json.pair('realtime'),
      monotonic: json.pair('monotonic'),
      statusKib: json.counts('status_kb'),
    },
  ];
}
