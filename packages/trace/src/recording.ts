import type { RecordedEvent } from './events.js';

/** The text formats that are recognised. */
export type RecordingFormat = 'strace' | 'perf' | 'tracefs';

/**
 * What the times of a recording count from: `realtime` (seconds since 1970, strace -ttt), `monotonic` (perf),
 * `time-of-day` (strace -t and -tt, days added at midnight), `relative` (strace -r, from the first line), or `none`.
 */
export type RecordingClock = 'realtime' | 'monotonic' | 'time-of-day' | 'relative' | 'none';

/** One line that could not be understood. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  /** What would have been right at the place where reading stopped, for example `a comma after the length`. */
  readonly expected: string;
  /** The line, cut to 120 characters, control characters replaced. */
  readonly text: string;
}

/** What was read so far. The numbers grow while a recording is read. */
export interface RecordingReport {
  /** Bytes taken from the input (compressed bytes of a gzip input), for progress bars. */
  bytesRead: number;
  lines: number;
  /** Lines understood that carry no event: blank lines, comments, stack traces, kernel-only records. */
  ignored: number;
  /** Lines not understood, each of them left out. */
  malformed: number;
  /** The first of the malformed lines (at most `maxDiagnostics`). */
  readonly diagnostics: Diagnostic[];
  events: number;
  /** Completions whose start is not in the recording (it began in the middle of the call). */
  unpaired: number;
  /** Calls begun and not completed when the recording ended; final after the last batch. */
  unfinished: number;
  /** Events lost by the recorder. */
  lost: number;
}

/** An open recording: iterate over it once. */
export interface Recording extends AsyncIterable<readonly RecordedEvent[]> {
  /** Name of the input as given; `-` for stdin. */
  readonly file: string;
  readonly format: RecordingFormat;
  /** Known from the first timed line on, hence after the first batch. */
  readonly clock: RecordingClock;
  /** Kernel release, when the recording names it (`perf script --header`). */
  readonly kernel: string | null;
  /** Size of the input in bytes; null when it is not a file. */
  readonly bytesTotal: number | null;
  readonly report: RecordingReport;
}

/** How to read. */
export interface RecordingOptions {
  /** Name of the input in events and messages; by default the path. */
  readonly name?: string;
  /** Skip recognition. */
  readonly format?: RecordingFormat;
  /** Process that the recorder was attached to: threads without a birth belong to it. */
  readonly attachedPid?: number;
  /** Keep at most so many diagnostics (100). */
  readonly maxDiagnostics?: number;
}
