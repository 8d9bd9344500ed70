import { gunzipSync } from 'node:zlib';
import type { RecordedEvent } from '../events.js';
import type { RecordingOptions, RecordingClock, RecordingFormat, RecordingReport } from '../recording.js';
import { asInputError } from './input-error.js';
import { isGzip } from './recognise.js';
import { startSession } from './session.js';

/** A recording that was parsed as a whole. */
export interface ParsedRecording {
  readonly file: string;
  readonly format: RecordingFormat;
  readonly clock: RecordingClock;
  readonly kernel: string | null;
  readonly events: readonly RecordedEvent[];
  readonly report: RecordingReport;
}

/**
 * Parses a recording that is in memory, plain or gzip: for short texts. Files are better opened with `openRecording`.
 *
 * @throws {@link TraceInputError} when the text is no recording or its gzip data is cut off or damaged.
 */
export function parseRecording(input: string | Uint8Array, options: RecordingOptions = {}): ParsedRecording {
  const file = options.name ?? '(text)';
  const given = typeof input === 'string' ? Buffer.from(input, 'utf8') : input;
  const bytes = isGzip(given) ? inflate(file, given) : given;
  const session = startSession(file, bytes, options);
  const { parser, tally } = session;
  tally.bytesRead = given.length;
  const events = [...session.push(bytes), ...session.end()];
  return { file, format: parser.format, clock: parser.clock, kernel: parser.kernel, events, report: tally };
}

function inflate(file: string, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw asInputError(file, error);
  }
}
