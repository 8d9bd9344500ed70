import type { RecordingFormat } from '../recording.js';

/** So many bytes at the beginning of an input are looked at. */
export const SAMPLE_BYTES = 65_536;

/** What an input is: a known format, or a sentence about what it is instead. */
export type Recognition = { readonly format: RecordingFormat } | { readonly problem: string };

const PID_COLUMN = /(?:\[pid +\d+\] |\d+(?:<[^>]*>)? +)?/;
const TIME_COLUMN = /(?:\d+:\d\d:\d\d(?:\.\d+)? |\d+\.\d+ )?(?: *\(\+ +\d+\.\d+\) )?(?:\[[0-9a-f ]+\] )*/;
const STRACE_EVENT =
  /(?:[a-z_]\w*\(|<\.\.\. \w+ resumed>|--- (?:SIG\w+ \{|stopped by SIG)|\+\+\+ (?:exited|killed|superseded) )/;
const STRACE = new RegExp(`^ *${PID_COLUMN.source}${TIME_COLUMN.source}${STRACE_EVENT.source}`);
const STRACE_NOTE = /^(?:strace: \[?|\[ )Process (?:PID=)?\d+ /;
const PERF_TASK = /(?:.*?\s+)?-?\d+(?:\/-?\d+)?\s+(?:\[-?\d+\]\s+)?/;
const PERF_EVENT = /\d+\.\d+:\s+(?:\d+\s+)?(?:[\w-]+:[\w-]+:|PERF_RECORD_[A-Z0-9_]+)/;
const PERF = new RegExp(`^\\s*${PERF_TASK.source}${PERF_EVENT.source}`);
const TRACEFS = /^\s*.*-\d+\s+(?:\([ \d-]+\)\s+)?\[\d+\]\s+(?:\S+\s+)?\d+\.\d+:\s+\w+(?::|\(| ->)/;
/** `8.785 ( 0.034 ms): hello/2752 mremap(...) = 0x...`. */
const PERF_TRACE = /^\s*\d+\.\d+ \(\s*(?:\d+\.\d+ ms)?\s*\): .*\/\d+ /;
const MAPS = /^[0-9a-f]{8,16}-[0-9a-f]{8,16} [r-][w-][x-][ps] [0-9a-f]{8}/;

/** First bytes of files that are often given in place of the text made from them. */
const MAGICS: readonly (readonly [string, string])[] = [
  ['PERFILE2', 'is a perf.data file; give the output of "perf script" (see the README for its options)'],
  ['\x17\x08\x44tracing', 'is a trace-cmd file; give the output of "trace-cmd report"'],
  ['\xfd7zXZ', 'is compressed with xz; gzip and plain text can be read'],
  ['\x28\xb5\x2f\xfd', 'is compressed with zstd; gzip and plain text can be read'],
  ['BZh', 'is compressed with bzip2; gzip and plain text can be read'],
  ['\x7fELF', 'is a program, not a recording'],
];

/** The gzip magic. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Recognises the format by the first lines; `sample` is the (uncompressed) beginning of the input. */
export function recognise(sample: Uint8Array): Recognition {
  if (sample.length === 0) return { problem: 'the input is empty' };
  const text = Buffer.from(sample.buffer, sample.byteOffset, Math.min(sample.length, SAMPLE_BYTES)).toString('latin1');
  const magic = MAGICS.find(([bytes]) => text.startsWith(bytes));
  if (magic !== undefined) return { problem: magic[1] };
  let looksLike: string | null = null;
  for (const line of text.split(/\r?\n/)) {
    if (line.length > 4096) continue;
    if (STRACE.test(line) || STRACE_NOTE.test(line)) return { format: 'strace' };
    if (TRACEFS.test(line)) return { format: 'tracefs' };
    if (PERF.test(line)) return { format: 'perf' };
    if (MAPS.test(line)) looksLike ??= 'is a /proc/PID/maps listing, not a recording';
    if (PERF_TRACE.test(line))
      looksLike ??= 'is the output of "perf trace", which does not tell writes; record with perf';
  }
  if (looksLike !== null) return { problem: looksLike };
  if (/^\s*$/.test(text)) return { problem: 'the input has no line of text' };
  if (text.includes('\0')) return { problem: 'is a binary file, not the text of strace, perf script or tracefs' };
  return { problem: 'is not the text of strace, perf script or tracefs: no line of its beginning has their form' };
}
